"""The report of a version: pages that say why each row of the list was kept or dropped, readable from disk."""

import json
from collections.abc import Collection, Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from storage.manifest import Manifest
from storage.reasons import Reason
from tasks.pages.rendering import page_count, style_sheet
from tasks.publish.attention import classes_to_look_at
from tasks.publish.best_pairs import BestPairs
from tasks.publish.lookup import lookup_files
from tasks.publish.overview import overlaps_by_class
from tasks.publish.pages import (
    KINDS,
    OVERLAPS_ON_INDEX,
    PER_PAGE,
    TEMPLATES,
    Pages,
    class_page,
    kind_of,
    overlaps_page,
    reason_page,
)
from tasks.publish.related import related_classes, seen_from
from tasks.publish.rows import ClassSummary, cells, join, summarise

_SCRIPTS = ("theme.js", "report.js", "lookup.js", "review.js", "enlarge.js")

__all__ = ["class_page", "overlaps_page", "reason_page", "render_report"]


def render_report(
    manifest: Manifest, tables: Mapping[str, pa.Table], names: Collection[str]
) -> Iterator[tuple[str, bytes]]:
    """Yields every page and static file of the report as (path below `report/`, bytes).

    Args:
        manifest: of the version.
        tables: every table of `VERSION_TABLES` by name.
        names: the pictures that the caller writes below `report/pictures/`, any subset of: `SHA256.jpg`, a thumbnail;
            `overlap-SHA256.jpg`, the image beside the test photograph that its verdict names;
            `near-SHA256.jpg`, an image that matches no other beside the one that came nearest;
            `pair-SHA256.jpg`, the strongest pair of an image in a smaller group; `cut-SHA256-SHA256.jpg`, a pair that
            was cut; `classes-SHA256-SHA256.jpg`, the strongest pair of two classes; `other-SHA256.jpg`, that of an
            image that shows another class.
    """
    masks = {mask["sha256"]: mask for mask in tables["masks"].select(["sha256", "regions", "points"]).to_pylist()}
    verdicts = tables["verdicts"]
    kept = verdicts.filter(pc.equal(verdicts["verdict"], "kept"))["image_id"].combine_chunks()
    best = BestPairs(tables["pairs"], tables["images"], kept)
    pages = Pages(manifest, frozenset(names), masks, best)
    rows = join(tables)
    sha256 = dict(zip(*cells(tables["images"], ["image_id", "sha256"]), strict=True))
    related = related_classes(tables["class_pairs"].drop_columns(["affine", "points"]).to_pandas(), sha256)
    classes = summarise(rows, tables, seen_from(related))
    yield style_sheet()
    for script in _SCRIPTS:
        yield script, (TEMPLATES / script).read_bytes()
    doubts = classes_to_look_at(tables)
    yield "classes.js", _class_data(classes, {doubt.landmark_id: doubt.why for doubt in doubts})
    yield "overrides.js", _overrides(manifest)
    yield from lookup_files(rows, *_pages_of_rows(classes))
    start = 0
    for number, summary in enumerate(classes):
        before, after = classes[number - 1 : number], classes[number + 1 : number + 2]
        around = (before[0].name if before else None, after[0].name if after else None)
        yield from pages.of_class(summary, rows.slice(start, summary.rows), around)
        start += summary.rows
    for reason in Reason:
        if reason is not Reason.KEPT:
            yield from pages.of_reason(reason, rows.filter(pc.equal(rows["reason"], pa.scalar(str(reason)))))
    overlaps = overlaps_by_class(tables["overlaps"], classes)
    if len(overlaps) > OVERLAPS_ON_INDEX:
        yield from pages.of_overlaps(overlaps)
    yield pages.index(tables, classes, overlaps, related, doubts)


def _pages_of_rows(classes: list[ClassSummary]) -> tuple[list[str], NDArray[np.int64]]:
    """The pages of all classes, and for each row, in the order of the classes, on which it is."""
    counts = [page_count(summary.rows, PER_PAGE) for summary in classes]
    paths = [class_page(one.name, page) for one, count in zip(classes, counts, strict=True) for page in range(count)]
    before = np.cumsum([0, *counts])
    parts = [np.arange(one.rows) // PER_PAGE + first for one, first in zip(classes, before, strict=False)]
    return paths, np.concatenate([np.zeros(0, np.int64), *parts])


def _overrides(manifest: Manifest) -> bytes:
    """What a person has decided already, and the version that further decisions are on."""
    sections = {name: manifest.overrides.get(name, {}) for name in ("pin", "merge", "keep", "drop")}
    told = {"name": manifest.name, "number": manifest.number, "digest": manifest.digest, "sections": sections}
    return f"const DECIDED = {json.dumps(told, separators=(',', ':'))};\n".encode()


def _class_data(classes: list[ClassSummary], doubts: Mapping[str, tuple[str, ...]]) -> bytes:
    """The index's table of classes as a script: pages opened from disk may load scripts, but not data."""
    records = []
    for summary in classes:
        sizes = [group["photographs"] for group in summary.groups]
        largest, runner_up = [*sizes, 0, 0][:2]
        numbers = [summary.rows, summary.readable, summary.kept, largest, runner_up, summary.val]
        sure = None if summary.confidence is None else round(100 * summary.confidence)
        about = [sure, summary.weakest, summary.reasons, "; ".join(doubts.get(summary.name, ()))]
        records.append([summary.title, class_page(summary.name), *numbers, *about])
    kinds = {reason.value: kind_of(reason) for reason in Reason}
    data = {"classes": records, "kindOf": kinds, "kinds": KINDS}
    return f"const REPORT = {json.dumps(data, separators=(',', ':'))};\n".encode()
