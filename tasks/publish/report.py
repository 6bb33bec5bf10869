"""The report of a version: pages that say why each row of the list was kept or dropped, readable from disk."""

import json
from collections.abc import Collection, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from storage.manifest import Manifest
from storage.reasons import Reason
from tasks.pages.rendering import style_sheet
from tasks.publish.overview import overlaps_by_class
from tasks.publish.pages import (
    KINDS,
    OVERLAPS_ON_INDEX,
    TEMPLATES,
    Pages,
    class_page,
    kind_of,
    overlaps_page,
    reason_page,
)
from tasks.publish.related import related_classes, seen_from
from tasks.publish.rows import ClassSummary, cells, join, summarise

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
    pages = Pages(manifest, frozenset(names), masks)
    rows = join(tables)
    sha256 = dict(zip(*cells(tables["images"], ["image_id", "sha256"]), strict=True))
    related = related_classes(tables["class_pairs"].drop_columns(["affine", "points"]).to_pandas(), sha256)
    classes = summarise(rows, tables, seen_from(related))
    yield style_sheet()
    yield "report.js", (TEMPLATES / "report.js").read_bytes()
    yield "classes.js", _class_data(classes)
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
    yield pages.index(tables, classes, overlaps, related)


def _class_data(classes: list[ClassSummary]) -> bytes:
    """The index's table of classes as a script: pages opened from disk may load scripts, but not data."""
    records = []
    for summary in classes:
        sizes = [group["photographs"] for group in summary.groups]
        largest, runner_up = [*sizes, 0, 0][:2]
        numbers = [summary.rows, summary.readable, summary.kept, largest, runner_up, summary.val]
        records.append([summary.title, class_page(summary.name), *numbers, summary.reasons])
    kinds = {reason.value: kind_of(reason) for reason in Reason}
    data = {"classes": records, "kindOf": kinds, "kinds": KINDS}
    return f"const REPORT = {json.dumps(data, separators=(',', ':'))};\n".encode()
