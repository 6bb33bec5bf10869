"""The score of hand-made versions, worked out by hand."""

from io import StringIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from demo.truth import Truth, intersection_over_union, read, render, score, score_version, write

TRUTH = [
    Truth(0, "a-1", "a", True, ("kept",), box=(0, 0, 10, 10)),
    Truth(1, "a-2", "a", True, ("kept",), box=(0, 0, 10, 10)),
    Truth(2, "a-3", "a", False, ("no-match", "smaller-group")),
    Truth(3, "a-4", "a", False, ("test-copy",), test_overlap=True),
    Truth(4, "b-1", "b", True, ("kept",), box=(0, 0, 4, 4)),
    Truth(5, "b-2", "b", False, ("http-error",)),
    Truth(6, "b-1", "b", False, ("duplicate-row",)),
]


def _verdicts(reasons: list[str]) -> pa.Table:
    return pa.table(
        {
            "row": pa.array(range(len(reasons)), pa.int64()),
            "image_id": [row.image_id for row in TRUTH],
            "verdict": ["kept" if reason == "kept" else "dropped" for reason in reasons],
            "reason": reasons,
        }
    )


def _boxes(boxes: dict[str, tuple[float, float, float, float]]) -> pa.Table:
    columns = {edge: [box[n] for box in boxes.values()] for n, edge in enumerate(("x1", "y1", "x2", "y2"))}
    return pa.table({"image_id": list(boxes), **columns})


PERFECT = ["kept", "kept", "smaller-group", "test-copy", "kept", "http-error", "duplicate-row"]
# Loses a-2, keeps the leak a-4, tells b-2 wrongly.
FLAWED = ["kept", "no-match", "no-match", "kept", "kept", "timeout", "duplicate-row"]


def test_a_perfect_version() -> None:
    result = score(_verdicts(PERFECT), _boxes({"a-1": (0, 0, 10, 10)}), TRUTH)
    assert (result.overall.precision, result.overall.recall, result.overall.f1) == (1, 1, 1)
    assert not [*result.leaks, *result.intruders, *result.lost, *result.mismatches]
    assert (result.reasons_right, result.ious) == (1, (1,))


def test_a_flawed_version() -> None:
    result = score(_verdicts(FLAWED), _boxes({"a-1": (0, 0, 5, 10), "b-1": (0, 0, 4, 4)}), TRUTH)
    assert result.overall.precision == result.overall.recall == pytest.approx(2 / 3)
    assert (result.classes["a"].precision, result.classes["a"].recall) == (0.5, 0.5)
    assert result.classes["b"].f1 == 1
    assert result.leaks == ("a-4",)
    assert [surprise.image_id for surprise in result.lost] == ["a-2"]
    assert [(s.image_id, s.found, s.accepted) for s in result.mismatches] == [("b-2", "timeout", ("http-error",))]
    assert result.reasons_right == pytest.approx(2 / 3)
    assert (result.mean_iou, result.iou_above_half) == (0.75, 0.5)


def test_rows_that_do_not_match_are_an_error() -> None:
    with pytest.raises(ValueError, match="6 verdicts do not match 7 rows"):
        score(_verdicts(PERFECT).slice(0, 6), _boxes({}), TRUTH)


def test_intersection_over_union() -> None:
    assert intersection_over_union((0, 0, 2, 2), (1, 1, 3, 3)) == pytest.approx(1 / 7)
    assert intersection_over_union((0, 0, 1, 1), (1, 0, 2, 1)) == 0


def test_files_give_the_same_score(tmp_path: Path) -> None:
    boxes = _boxes({"a-1": (0, 0, 5, 10)})
    pq.write_table(_verdicts(FLAWED), tmp_path / "verdicts.parquet")
    pq.write_table(boxes, tmp_path / "boxes.parquet")
    write(TRUTH, tmp_path / "truth.parquet")
    assert read(tmp_path / "truth.parquet") == TRUTH
    assert score_version(tmp_path, tmp_path / "truth.parquet") == score(_verdicts(FLAWED), boxes, TRUTH)


def test_the_rendering_names_every_surprise() -> None:
    console = Console(width=100, record=True, file=StringIO())
    console.print(render(score(_verdicts(FLAWED), _boxes({}), TRUTH)))
    text = console.export_text()
    assert all(name in text for name in ("a-2", "a-4", "b-2", "Rightly dropped, for another reason"))
