"""What should have been kept, boxed and dropped, and the score of a version against it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Group, RenderableType
from rich.table import Table

Box = tuple[float, float, float, float]

# One row per line of the list. A box is half-open, in pixels of the served picture.
_FIELDS: list[tuple[str, pa.DataType]] = [
    ("row", pa.int64()),  # position in the list, from 0
    ("image_id", pa.string()),
    ("landmark_id", pa.string()),
    ("kept", pa.bool_()),  # belongs into the clean set
    ("reasons", pa.list_(pa.string())),  # the codes that are right for it; ["kept"] when it is
    ("view_group", pa.string()),  # pictures of one group show the same view; empty where no picture comes
    ("test_overlap", pa.bool_()),  # shows a landmark of the test set, or copies one of its photographs
    ("photo", pa.string()),  # the photograph it was made from; null where no picture comes
    ("surroundings", pa.string()),  # the photograph around its landmark; null where that has its own
    ("pixels", pa.string()),  # "real": as shipped, at most reduced; "re-shot": made from a photograph
    ("homography", pa.list_(pa.float64())),  # 3×3 row by row: pixel centres, shipped file → picture
    *((edge, pa.float32()) for edge in ("x1", "y1", "x2", "y2")),  # the landmark's box; null where none
]
SCHEMA = pa.schema(_FIELDS)


@dataclass(frozen=True)
class Truth:
    """One row of the truth; the fields are the columns of SCHEMA, with x1 … y2 as `box`."""

    row: int
    image_id: str
    landmark_id: str
    kept: bool
    reasons: tuple[str, ...]
    view_group: str = ""
    test_overlap: bool = False
    photo: str | None = None
    surroundings: str | None = None
    pixels: str | None = None
    homography: tuple[float, ...] | None = None
    box: Box | None = None


@dataclass(frozen=True)
class Agreement:
    """How the kept rows of a version agree with the rows to keep. An empty denominator counts as 1."""

    rows: int
    wanted: int
    kept: int
    right: int  # kept and wanted

    @property
    def precision(self) -> float:
        """Share of the kept rows that were wanted."""
        return self.right / self.kept if self.kept else 1.0

    @property
    def recall(self) -> float:
        """Share of the wanted rows that were kept."""
        return self.right / self.wanted if self.wanted else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


@dataclass(frozen=True)
class Surprise:
    """A row whose verdict is not one of those the truth accepts."""

    row: int
    image_id: str
    landmark_id: str
    found: str  # reason code of the version
    accepted: tuple[str, ...]


@dataclass(frozen=True)
class Score:
    """A version against the truth. Boxes are compared on rows that both keep and both box."""

    overall: Agreement
    classes: dict[str, Agreement]
    leaks: tuple[str, ...]  # ids of kept images that overlap the test set: must be empty
    intruders: tuple[Surprise, ...]  # kept, should have been dropped
    lost: tuple[Surprise, ...]  # dropped, should have been kept
    mismatches: tuple[Surprise, ...]  # rightly dropped, for a reason the truth does not accept
    rightly_dropped: int
    ious: tuple[float, ...]

    @property
    def reasons_right(self) -> float:
        """Share of the rightly dropped rows whose reason code is an accepted one; 1 when there are none."""
        return 1 - len(self.mismatches) / self.rightly_dropped if self.rightly_dropped else 1.0

    @property
    def mean_iou(self) -> float:
        """Mean intersection over union of the boxes; NaN without boxes."""
        return sum(self.ious) / len(self.ious) if self.ious else float("nan")

    @property
    def iou_above_half(self) -> float:
        """Share of the boxes with an intersection over union above 0.5; NaN without boxes."""
        return sum(iou > 0.5 for iou in self.ious) / len(self.ious) if self.ious else float("nan")


def write(rows: list[Truth], path: Path) -> None:
    """Write the truth as Parquet, rows in the order of the list."""
    records = [
        {**vars(row), **dict(zip(("x1", "y1", "x2", "y2"), row.box or (None,) * 4, strict=True))} for row in rows
    ]
    pq.write_table(pa.Table.from_pylist(records, schema=SCHEMA), path)


def read(path: Path) -> list[Truth]:
    """Read the truth back, one Truth per row of the list. Boxes have gone through float32."""
    return [
        Truth(
            **{name: value for name, value in record.items() if name not in ("reasons", "homography", *_EDGES)},
            reasons=tuple(record["reasons"]),
            homography=tuple(record["homography"]) if record["homography"] else None,
            box=_box(record),
        )
        for record in pq.read_table(path, schema=SCHEMA).to_pylist()
    ]


def score_version(version: Path, truth: Path) -> Score:
    """Score the tables `verdicts.parquet` and `boxes.parquet` of a version folder against a truth file."""
    return score(pq.read_table(version / "verdicts.parquet"), pq.read_table(version / "boxes.parquet"), read(truth))


def score(verdicts: pa.Table, boxes: pa.Table, truth: list[Truth]) -> Score:
    """Score a version.

    `verdicts` needs the columns row, image_id, verdict ("kept" or "dropped") and reason, one row per row of
    the list; `boxes` needs image_id, x1, y1, x2, y2. Raises ValueError when verdicts and truth are not about
    the same rows.
    """
    found: dict[int, dict[str, Any]] = {verdict["row"]: verdict for verdict in verdicts.to_pylist()}
    if len(found) != verdicts.num_rows or sorted(found) != [true.row for true in truth]:
        raise ValueError(f"{verdicts.num_rows} verdicts do not match {len(truth)} rows of the list")
    if any(found[true.row]["image_id"] != true.image_id for true in truth):
        raise ValueError("verdicts carry other ids than the list")
    kept = {row for row, verdict in found.items() if verdict["verdict"] == "kept"}
    classes: dict[str, list[Truth]] = {}
    for true in truth:
        classes.setdefault(true.landmark_id, []).append(true)
    right = [true for true in truth if not true.kept and true.row not in kept]
    odd = [true for true in right if found[true.row]["reason"] not in true.reasons]
    return Score(
        overall=_agreement(truth, kept),
        classes={name: _agreement(rows, kept) for name, rows in sorted(classes.items())},
        leaks=tuple(true.image_id for true in truth if true.test_overlap and true.row in kept),
        intruders=_surprises([true for true in truth if not true.kept and true.row in kept], found),
        lost=_surprises([true for true in truth if true.kept and true.row not in kept], found),
        mismatches=_surprises(odd, found),
        rightly_dropped=len(right),
        ious=_ious([true for true in truth if true.kept and true.row in kept], boxes),
    )


def intersection_over_union(a: Box, b: Box) -> float:
    """Of two boxes (x1, y1, x2, y2); 0 when they do not meet."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    common = max(0.0, width) * max(0.0, height)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common
    return common / union if union else 0.0


def render(score: Score) -> RenderableType:
    """The score for a terminal: per class, in sum, and every surprise."""
    return Group(_class_table(score), _summary(score), *_surprise_tables(score))


_EDGES = ("x1", "y1", "x2", "y2")


def _box(record: dict[str, Any]) -> Box | None:
    x1, y1, x2, y2 = (record[edge] for edge in _EDGES)
    return None if x1 is None else (x1, y1, x2, y2)


def _agreement(truth: list[Truth], kept: set[int]) -> Agreement:
    return Agreement(
        rows=len(truth),
        wanted=sum(true.kept for true in truth),
        kept=sum(true.row in kept for true in truth),
        right=sum(true.kept and true.row in kept for true in truth),
    )


def _surprises(rows: list[Truth], found: dict[int, dict[str, Any]]) -> tuple[Surprise, ...]:
    return tuple(
        Surprise(true.row, true.image_id, true.landmark_id, found[true.row]["reason"], true.reasons) for true in rows
    )


def _ious(rows: list[Truth], boxes: pa.Table) -> tuple[float, ...]:
    estimated = {record["image_id"]: _box(record) for record in boxes.to_pylist()}
    pairs = ((true.box, estimated.get(true.image_id)) for true in rows)
    return tuple(intersection_over_union(true, box) for true, box in pairs if true and box)


def _class_table(score: Score) -> Table:
    table = Table(title="Kept against the truth")
    table.add_column("class")
    for column in ("rows", "to keep", "kept", "right", "precision", "recall", "F1"):
        table.add_column(column, justify="right")
    for name, a in [*score.classes.items(), ("all", score.overall)]:
        if name == "all":
            table.add_section()
        counts = [str(n) for n in (a.rows, a.wanted, a.kept, a.right)]
        table.add_row(name, *counts, *(f"{share:.3f}" for share in (a.precision, a.recall, a.f1)))
    return table


def _summary(score: Score) -> Table:
    table = Table(show_header=False)
    leaks = f"[red]{len(score.leaks)}: {', '.join(score.leaks)}[/]" if score.leaks else "[green]0[/]"
    table.add_row("leaks from the test set", leaks)
    good = score.rightly_dropped - len(score.mismatches)
    table.add_row("dropped for the right reason", f"{good} of {score.rightly_dropped} ({score.reasons_right:.1%})")
    boxes = f"mean IoU {score.mean_iou:.3f}, {score.iou_above_half:.1%} above 0.5" if score.ious else "none"
    table.add_row(f"boxes ({len(score.ious)})", boxes)
    return table


def _surprise_tables(score: Score) -> list[Table]:
    tables = []
    for title, surprises in (
        ("Kept, should have been dropped", score.intruders),
        ("Dropped, should have been kept", score.lost),
        ("Rightly dropped, for another reason", score.mismatches),
    ):
        table = Table("image", "found", "accepted", title=title, min_width=60)
        for surprise in surprises:
            table.add_row(surprise.image_id, surprise.found, ", ".join(surprise.accepted))
        if surprises:
            tables.append(table)
    return tables
