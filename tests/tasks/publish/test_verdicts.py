import json
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.parquet import encode
from storage.reasons import Reason
from storage.tables.versions import VERDICTS
from tasks.publish.verdicts import build_verdicts, funnel

Fates = dict[str, str | None]


def build(rows: list[str], fates: Fates) -> pd.DataFrame:
    """Verdicts of a list of image ids (class: first letter) and what became of each image; None is kept."""
    sources = pd.DataFrame(
        {"row": range(len(rows)), "image_id": rows, "landmark_id": [name[0] for name in rows]}, dtype=object
    )
    sources["row"] = sources["row"].astype(np.int64)
    first = np.array([rows.index(name) for name in rows], np.int64)
    readable = [name for name, reason in fates.items() if reason is None or Reason(reason).stage != "acquire"]
    images = pd.DataFrame({"image_id": readable, "sha256": [f"sha {name}" for name in readable]}, dtype=object)
    dropped = [(name, Reason(reason).stage, reason, f'{{"of": "{name}"}}') for name, reason in fates.items() if reason]
    drops = pd.DataFrame(dropped, columns=["image_id", "stage", "reason", "evidence"], dtype=object)
    stay = [name for name, reason in fates.items() if reason is None]
    kept = pd.DataFrame({"image_id": pd.Series(stay, dtype=object), "group_size": 5, "neighbours": 3, "split": "train"})
    kept["by_hand"] = kept.image_id.map({"a9": "from behind"})
    return build_verdicts(sources, first, images, drops, kept)


def rows_of(verdicts: pd.DataFrame) -> list[dict[str, Any]]:
    return pa.Table.from_pandas(verdicts, VERDICTS.schema, preserve_index=False).to_pylist()


def test_each_row_has_the_fate_of_its_image():
    found = rows_of(build(["a1", "a2", "a3", "a1"], {"a1": None, "a2": "http-error", "a3": "no-match"}))
    assert found == [
        {
            "row": 0,
            "image_id": "a1",
            "landmark_id": "a",
            "verdict": "kept",
            "stage": "publish",
            "reason": "kept",
            "evidence": '{"group_size": 5, "neighbours": 3}',
            "split": "train",
            "sha256": "sha a1",
        },
        {
            "row": 1,
            "image_id": "a2",
            "landmark_id": "a",
            "verdict": "dropped",
            "stage": "acquire",
            "reason": "http-error",
            "evidence": '{"of": "a2"}',
            "split": None,
            "sha256": None,
        },
        {
            "row": 2,
            "image_id": "a3",
            "landmark_id": "a",
            "verdict": "dropped",
            "stage": "cluster",
            "reason": "no-match",
            "evidence": '{"of": "a3"}',
            "split": None,
            "sha256": "sha a3",
        },
        {
            "row": 3,
            "image_id": "a1",
            "landmark_id": "a",
            "verdict": "dropped",
            "stage": "sources",
            "reason": "duplicate-row",
            "evidence": '{"same_as_row": 0}',
            "split": None,
            "sha256": "sha a1",
        },
    ]


@pytest.mark.parametrize("fate", [None, "http-error"])
def test_a_list_of_one_fate(fate):
    found = rows_of(build(["a1", "a2"], dict.fromkeys(("a1", "a2"), fate)))
    assert [row["reason"] for row in found] == [fate or "kept"] * 2


def test_what_a_person_keeps_says_why():
    first, second = rows_of(build(["a1", "a9"], {"a1": None, "a9": None}))
    assert json.loads(first["evidence"]) == {"group_size": 5, "neighbours": 3}
    assert json.loads(second["evidence"])["kept_by_hand"] == "from behind"


def test_a_row_without_a_fate_is_a_bug_and_no_version():
    with pytest.raises(RuntimeError, match=r"rows without a verdict: \['a2'\]"):
        build(["a1", "a2"], {"a1": None})


def test_two_fates_are_a_bug_and_no_version():
    sources = pd.DataFrame({"row": [0], "image_id": ["a"], "landmark_id": ["x"]})
    images = pd.DataFrame({"image_id": ["a"], "sha256": ["s"]})
    drop = {"image_id": "a", "stage": "overlap", "reason": "test-copy", "evidence": "{}"}
    kept = pd.DataFrame({"image_id": ["a"], "group_size": [2], "neighbours": [1], "split": ["val"]}).assign(
        by_hand=None
    )
    with pytest.raises(RuntimeError, match=r"images with two verdicts: \['a'\]"):
        build_verdicts(sources, np.array([0]), images, pd.DataFrame([drop]), kept)
    with pytest.raises(RuntimeError, match="images with two verdicts"):
        build_verdicts(sources, np.array([0]), images, pd.DataFrame([drop, drop]), kept.iloc[:0])


REASONS = [None, *(str(reason) for reason in Reason if reason not in (Reason.KEPT, Reason.DUPLICATE_ROW))]
lists = st.lists(st.builds("{}{}".format, st.sampled_from("abc"), st.integers(0, 9)), min_size=1, max_size=25)


@given(lists, st.data())
def test_every_row_has_exactly_one_verdict(rows, data):
    fates = {name: data.draw(st.sampled_from(REASONS)) for name in dict.fromkeys(rows)}
    found = build(rows, fates)
    assert found["row"].tolist() == list(range(len(rows)))
    assert found.image_id.tolist() == rows
    seen: set[str] = set()
    for row in rows_of(found):
        expected = Reason.DUPLICATE_ROW if row["image_id"] in seen else Reason(fates[row["image_id"]] or "kept")
        seen.add(row["image_id"])
        assert (row["reason"], row["stage"]) == (str(expected), expected.stage)
        assert row["verdict"] == ("kept" if expected is Reason.KEPT else "dropped")
        assert (row["split"] is not None) == (expected is Reason.KEPT)
        assert isinstance(json.loads(row["evidence"]), dict)
    assert encode(VERDICTS, pa.Table.from_pandas(found, VERDICTS.schema, preserve_index=False))


@given(lists, st.data())
def test_the_funnel_only_narrows_and_ends_with_what_is_kept(rows, data):
    fates = {name: data.draw(st.sampled_from(REASONS)) for name in dict.fromkeys(rows)}
    verdicts = build(rows, fates)
    steps = funnel(verdicts)
    assert steps[0].images == len(rows)
    assert steps[1].images == sum(fate != Reason.NO_CLASS for fate in fates.values())
    assert steps[-1].images == (verdicts.verdict == "kept").sum()
    for before, after in pairwise(steps):
        assert after.images <= before.images
        assert after.classes <= before.classes


def test_the_funnel_counts_stage_by_stage():
    rows = ["a1", "a2", "a3", "a4", "b1", "b2", "c1", "a1"]
    fates = {
        "a1": None,
        "a2": None,
        "a3": "smaller-group",
        "a4": "test-copy",
        "b1": "http-error",
        "b2": "class-too-small",
        "c1": "test-landmark-class",
    }
    steps = funnel(build(rows, fates))
    assert [(step.images, step.classes) for step in steps] == [(8, 3), (7, 3), (5, 2), (3, 1), (2, 1), (2, 1)]


def test_every_reason_belongs_to_a_step_of_the_funnel():
    for reason in Reason:
        if reason is not Reason.KEPT:
            rows = ["a1", "a1"] if reason is Reason.DUPLICATE_ROW else ["a1"]
            steps = funnel(build(rows, {"a1": None if reason is Reason.DUPLICATE_ROW else str(reason)}))
            assert steps[-1].images == len(rows) - 1
