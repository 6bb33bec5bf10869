"""A version beside what the authors of its list kept, for the terminal."""

from collections.abc import Iterator
from typing import Any

import pandas as pd
from rich.console import Group, RenderableType
from rich.table import Table

from flows.commands.why import plain_text
from storage.manifest import Manifest
from storage.root import Root
from storage.versions import read_version_table
from tasks.evaluate.agreement import ALL, READABLE, Comparison, compare, judged_images
from tasks.evaluate.reference import Reference

_COLUMNS = {
    "sources": ["row", "url"],
    "verdicts": ["row", "image_id", "landmark_id", "verdict", "stage", "reason"],
    "images": ["image_id", "md5", "width", "height", "orientation"],
    "boxes": ["image_id", "x1", "y1", "x2", "y2"],
}
_WORDS = "theirs, ours: kept by the reference, by the version; here: readable here"
_SHOWN_CLASSES = 1000  # a terminal is no place for the 200,000 of Google-Landmarks v2


def compare_with(root: Root, version: Manifest, reference: Reference) -> Comparison:
    """Returns how a version agrees with a reference.

    Raises:
        InputError: list and reference have no image in common, or the reference's boxes don't fit the images.
    """
    tables = {
        name: read_version_table(root, version, name).select(columns).to_pandas() for name, columns in _COLUMNS.items()
    }
    return compare(judged_images(**tables), reference)


def describe_comparison(version: Manifest, reference: Reference, found: Comparison) -> RenderableType:
    """Returns tables of it: overall, then class by class, the worst F1 first."""
    title = plain_text(f"{version.folder} against {reference.files}")
    return Group(title, _WORDS, "", _overall(found.overall), "", _counts(found), "", *_classes(found.classes))


def facts_of_comparison(found: Comparison) -> dict[str, Any]:
    """Returns what a comparison found, of every class, for programs."""
    counts = ("overlapping", "overlapping_wanted", "reference_images", "not_in_list", "listed_images")
    boxes = found.boxes
    return {
        "overall": found.overall.to_dict("index"),
        **{name: getattr(found, name) for name in (*counts, "not_in_reference")},
        "boxes": {"compared": len(boxes.ious), "mean_iou": boxes.mean_iou if len(boxes.ious) else None},
        "classes": found.classes.reset_index().to_dict("records"),
    }


def _overall(scores: pd.DataFrame) -> Table:
    table = _table("", "rows", "theirs", "ours", "both", "precision", "recall", "F1", "theirs\n/ rows", "ours\n/ rows")
    for scope, score in scores.iterrows():
        counts = score[["rows", "wanted", "kept", "right"]]
        shares = score[["precision", "recall", "f1", "wanted_ratio", "kept_ratio"]]
        table.add_row(str(scope), *(f"{n:.0f}" for n in counts), *(f"{share:.3f}" for share in shares))
    return table


def _counts(found: Comparison) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 1, 0, 0))
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    boxes = found.boxes
    table.add_row("left out: overlap with a test set", str(found.overlapping), f"{found.overlapping_wanted} of theirs")
    table.add_row("theirs, not in our list", str(found.not_in_list), f"of {found.reference_images}")
    table.add_row("in our list, not theirs", str(found.not_in_reference), f"of {found.listed_images}")
    if not boxes.promised:
        table.add_row("boxes compared", "0", "the reference gives no boxes with MD5s")
        return table
    mean = f"mean IoU {boxes.mean_iou:.3f}, {boxes.iou_above_half:.1%} above 0.5" if len(boxes.ious) else ""
    table.add_row("boxes compared", str(len(boxes.ious)), mean)
    table.add_row("  same bytes, turned by EXIF", str(boxes.turned))
    table.add_row("  same bytes, not kept here", str(boxes.not_kept))
    table.add_row("  other bytes (MD5 mismatch)", str(boxes.other_bytes))
    table.add_row("  not readable here", str(boxes.unread))
    return table


def _classes(scores: pd.DataFrame) -> Iterator[RenderableType]:
    """Sorted by the F1 over readable rows, which no dead address drags down; ties by class."""
    everywhere, here = (scores.xs(scope, level="scope") for scope in (ALL, READABLE))
    both = everywhere.join(here.add_suffix("_here")).sort_values("f1_here", kind="stable")
    counted = ("rows", "rows\nhere", "theirs", "theirs\nhere", "ours", "both")
    table = _table("class", *counted, "preci-\nsion", "recall", "recall\nhere", "F1", "F1\nhere")
    for landmark, score in both.head(_SHOWN_CLASSES).iterrows():
        counts = score[["rows", "rows_here", "wanted", "wanted_here", "kept", "right"]]
        shares = score[["precision", "recall", "recall_here", "f1", "f1_here"]]
        table.add_row(plain_text(landmark), *(f"{n:.0f}" for n in counts), *(f"{share:.3f}" for share in shares))
    yield table
    if len(both) > _SHOWN_CLASSES:
        yield f"and {len(both) - _SHOWN_CLASSES} classes whose F1 is no worse"


def _table(first: str, *columns: str) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column(first, overflow="fold")
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)  # a number cut short is another number
    return table
