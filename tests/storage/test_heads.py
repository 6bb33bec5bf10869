"""What is known of a shard, and what an interrupted run wrote down."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from storage.heads import Head, Journal, Turn, interrupted, read_head, write_head
from storage.tables.acquisition import DROPS
from storage.tables.features import MASKS
from storage.tables.spec import TableRef

DROP = {"image_id": "a", "stage": "acquire", "reason": "timeout", "evidence": "{}"}
MASK = {"sha256": "s", "detected": 1, "masked": 0, "bits": b"", "regions": [], "points": []}
HEAD = Head(
    generation=2,
    rows="r",
    asking="a",
    looking="l",
    failed=1,
    oldest_failure=datetime(2026, 1, 1, tzinfo=UTC),
    tables={"drops": TableRef(path="p", digest="d", rows=1)},
)


def test_a_head_is_read_as_it_was_written(root):
    assert read_head(root, "heads/x") is None
    write_head(root, "heads/x", HEAD)
    assert read_head(root, "heads/x") == HEAD


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff"])
def test_a_damaged_head_is_none(root, content):
    root.write("heads/x/head.json", content)
    assert read_head(root, "heads/x") is None


def rows(drops: list[dict[str, str]], masks: list[dict[str, object]]) -> dict[str, pa.Table]:
    return {
        "drops": pa.Table.from_pylist(drops, DROPS.schema),
        "masks": pa.Table.from_pylist(masks, MASKS.schema),
    }


def journal(root) -> Journal:
    return Journal(root, "heads/x/0-digest", (MASKS, DROPS))


def test_what_was_written_down_is_there_for_the_next_run(root):
    first = journal(root)
    assert first.read(DROPS).num_rows == 0
    first.add(rows([DROP], []))
    first.add(rows([{**DROP, "image_id": "b"}], [MASK]))
    again = journal(root)
    again.add(rows([{**DROP, "image_id": "c"}], []))
    assert journal(root).read(DROPS)["image_id"].to_pylist() == ["a", "b", "c"]
    assert journal(root).read(MASKS).to_pylist() == [MASK]
    write_head(root, "heads/x", HEAD)
    assert journal(root).read(DROPS).num_rows == 0
    assert root.names("heads/x") == ["head.json"]


def test_a_part_counts_only_when_it_is_complete(root):
    journal(root).add(rows([DROP], [MASK]))
    root.remove("heads/x/0-digest/1-drops.parquet")  # killed before the last of the tables
    assert journal(root).read(MASKS).num_rows == 0


@pytest.mark.parametrize("damage", [b"damaged", b"PAR1", b"PAR1" + bytes(40) + b"PAR1", b""])
def test_a_damaged_part_is_left_out(root, damage):
    journal(root).add(rows([DROP], []))
    journal(root).add(rows([{**DROP, "image_id": "b"}], []))
    root.write("heads/x/0-digest/1-drops.parquet", damage)
    root.write("heads/x/0-digest/stray-drops.parquet", b"of nobody")
    assert journal(root).read(DROPS)["image_id"].to_pylist() == ["b"]
    assert journal(root).read(DROPS).schema.equals(pa.schema(DROPS.schema))


def test_a_head_is_of_its_rows_and_settings_alone():
    rows, turn = TableRef(path="anywhere", digest="r", rows=3), Turn(5, "a", "l")
    assert HEAD.is_of(rows, turn)
    assert not HEAD.is_of(rows.model_copy(update={"digest": "s"}), turn)
    assert not HEAD.is_of(rows, turn._replace(asking="b"))
    assert not HEAD.is_of(rows, turn._replace(looking="m"))


def test_turns_that_were_broken_off_are_told_in_their_order(root):
    turns = [Turn(9, "a", "l"), Turn(10, "b", "l"), Turn(11, "a", "")]
    for turn in reversed(turns):
        Journal(root, f"heads/x/{turn.name}", (MASKS, DROPS)).add(rows([DROP], [MASK]))
    root.write("heads/x/of nobody/1-drops.parquet", b"")
    assert interrupted(root, "heads/x", None) == turns
    assert interrupted(root, "heads/x", HEAD) == turns
    assert interrupted(root, "heads/x", HEAD.model_copy(update={"generation": 10})) == turns[2:]  # the head knows those
    write_head(root, "heads/x", HEAD)
    assert interrupted(root, "heads/x", HEAD) == []
