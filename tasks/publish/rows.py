"""The rows of the report: each verdict joined with what other tables say of its image, and a summary per class."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from storage.reasons import Reason

COLUMNS_BY_STAGE = {
    "acquire": ("status", "final_url", "content_type", "attempts"),
    "overlap": ("test_set", "test_image", "site", "role", "kind", "through", "inliers", "putative", "mirrored"),
    "cluster": ("group", "group_size", "neighbours"),
}
"""Columns of other tables that explain a drop by the stage, in the order of reading."""


@dataclass(frozen=True, slots=True)
class ClassSummary:
    """What a page says of one class.

    Attributes:
        name: its landmark_id. reasons: its verdicts by reason code.
        groups: its rows of `class_groups`, the largest first, each with the `sha256` of its first image.
        alone: images that match no other. cuts: its rows of `cuts`, each with both images' `sha256`.
        related: classes that show the same landmark, see `tasks.publish.related.seen_from`.
        readable: images that could be read. val: images in the validation split.
        weakest: the fewest pairs that a kept image's box rests on; None where none is kept.
    """

    name: str
    reasons: dict[str, int]
    groups: list[dict[str, Any]]
    alone: int
    cuts: list[dict[str, Any]]
    related: list[dict[str, Any]]
    readable: int
    val: int
    weakest: int | None

    @property
    def title(self) -> str:
        """The name as a page shows it."""
        return self.name or "no class"

    @property
    def rows(self) -> int:
        """How many rows of the list the class has."""
        return sum(self.reasons.values())

    @property
    def confidence(self) -> float | None:
        """How sure it is that it keeps what it is named after; None where it keeps no group."""
        return next((group["confidence"] for group in self.groups if group["confidence"] is not None), None)

    @property
    def kept(self) -> int:
        """How many of them are kept."""
        return self.reasons.get(Reason.KEPT, 0)


def join(tables: Mapping[str, pa.Table]) -> pa.Table:
    """Joins verdicts with what other tables say of the image, by class, then by reason in the order of the stages."""
    rows = tables["verdicts"].join(tables["sources"].select(["row", "url"]), "row").join(tables["drawings"], "sha256")
    others = [
        tables["images"].select(["image_id", "width", "height"]),
        tables["boxes"].select(["image_id", "x1", "y1", "x2", "y2", "supports"]),
        tables["groups"].select(["image_id", *COLUMNS_BY_STAGE["cluster"]]),
        tables["fetch_log"].select(["image_id", *COLUMNS_BY_STAGE["acquire"]]),
        strongest_pairs(tables["overlaps"]).select(["image_id", *COLUMNS_BY_STAGE["overlap"]]),
    ]
    for other in others:
        rows = rows.join(other, "image_id")
    order = pc.index_in(rows["reason"], value_set=pa.array([reason.value for reason in Reason]))
    return rows.append_column("order", order).sort_by(
        [
            ("landmark_id", "ascending"),
            ("order", "ascending"),
            ("supports", "descending"),
            ("group", "ascending"),
            ("row", "ascending"),
        ]
    )


def strongest_pairs(overlaps: pa.Table) -> pa.Table:
    """Picks of each image the one pair that its verdict names (see `tasks.overlap.landmarks`)."""
    ordered = overlaps.sort_by(
        [
            ("kind", "ascending"),  # a copy comes before a landmark
            ("inliers", "descending"),
            ("test_set", "ascending"),
            ("test_image", "ascending"),
        ]
    )
    numbered = pa.table({"image_id": ordered["image_id"], "row": pa.array(range(ordered.num_rows), pa.int64())})
    firsts = numbered.group_by("image_id", use_threads=False).aggregate([("row", "min")])
    return ordered.take(firsts["row_min"])


def summarise(
    rows: pa.Table, tables: Mapping[str, pa.Table], related: Mapping[str, list[dict[str, Any]]]
) -> list[ClassSummary]:
    """Returns one summary per class, in the order of `rows`.

    `related` is what `tasks.publish.related.seen_from` gives.
    """
    sha256 = dict(zip(*cells(tables["images"], ["image_id", "sha256"]), strict=True))
    groups: dict[str, list[dict[str, Any]]] = {}
    for group in tables["class_groups"].to_pylist():
        groups.setdefault(group["landmark_id"], []).append({**group, "sha256": sha256[group["first_image"]]})
    cuts: dict[str, list[dict[str, Any]]] = {}
    for cut in tables["cuts"].to_pylist():
        ends = {"sha256_a": sha256[cut["image_a"]], "sha256_b": sha256[cut["image_b"]]}
        cuts.setdefault(cut["landmark_id"], []).append({**cut, **ends})
    sizes = zip(*cells(tables["groups"], ["landmark_id", "group_size"]), strict=True)
    alone = Counter(landmark_id for landmark_id, size in sizes if size == 1)
    readable = Counter(tables["images"]["landmark_id"].to_pylist())
    verdicts = zip(*cells(rows, ["landmark_id", "reason", "split", "supports"]), strict=True)
    summaries = []
    for name, part in groupby(verdicts, key=lambda verdict: verdict[0]):
        members = list(part)
        reasons = dict(Counter(reason for _, reason, *_ in members))
        val = sum(split == "val" for _, _, split, _ in members)
        weakest = min((count for *_, count in members if count is not None), default=None)
        own = groups.get(name, []), alone[name], cuts.get(name, []), related.get(name, [])
        summaries.append(ClassSummary(name, reasons, *own, readable[name], val, weakest))
    return summaries


def cells(table: pa.Table, names: list[str]) -> list[list[Any]]:
    """Returns the values of some columns, a list each."""
    return [table[name].to_pylist() for name in names]
