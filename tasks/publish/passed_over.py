"""Files that were passed over, counted and put together for people."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from storage.reasons import PassedOver, Reason, may_be_missed
from storage.tables.acquisition import PASSED_OVER

_UNREADABLE = [str(reason) for reason in Reason if reason.stage == "acquire"]


def with_unreadable(passed_over: pa.Table, drops: pa.Table) -> pa.Table:
    """Returns the table `passed_over` with the files of a folder, too, that could not be read, by the table `drops`."""
    unreadable = drops.filter(pc.is_in(drops["reason"], pa.array(_UNREADABLE, pa.string())))
    rows = [
        {"test_set": "", "path": drop["image_id"], "reason": drop["reason"], "detail": _seen(drop["evidence"])}
        for drop in unreadable.to_pylist()
    ]
    return pa.concat_tables([passed_over, pa.Table.from_pylist(rows, PASSED_OVER.schema)])


def without_keypoints(images: pa.Table, masks: pa.Table) -> pa.Table:
    """Rows of the table `passed_over` for images that were described and have no keypoint to compare them by.

    Args:
        images, masks: the tables of these names; in `masks` stands how many keypoints a picture has.
    """
    blind = masks.filter(pc.equal(masks["detected"], 0))["sha256"].combine_chunks()
    paths = images.filter(pc.is_in(images["sha256"], blind))["image_id"].to_pylist()
    rows = [{"test_set": "", "path": path, "reason": PassedOver.NO_KEYPOINTS, "detail": ""} for path in paths]
    return pa.Table.from_pylist(rows, PASSED_OVER.schema)


def count_reasons(passed_over: pa.Table) -> dict[str, dict[str, int]]:
    """Counts the files by test set and by reason."""
    counts: dict[str, dict[str, int]] = {}
    for row in sorted(passed_over.to_pylist(), key=lambda row: (row["test_set"], row["reason"])):
        own = counts.setdefault(row["test_set"], {})
        own[row["reason"]] = own.get(row["reason"], 0) + 1
    return counts


def uncompared(passed_over: pa.Table) -> list[dict[str, Any]]:
    """Returns the rows of the table by which a photograph may have been missed."""
    return [row for row in passed_over.to_pylist() if may_be_missed(row["reason"])]


def tell_reasons(passed_over: Mapping[str, Mapping[str, int]]) -> list[tuple[bool, str]]:
    """Returns what was passed over, in words: up to two lines for each test set, and for the list or folder itself.

    Returns:
        Whether a photograph may have been missed, and the sentence; such lines first.
    """
    lines = []
    for name, counts in passed_over.items():
        for missed in (True, False):
            own = [(reason, count) for reason, count in counts.items() if may_be_missed(reason) == missed]
            if own:
                what = "not compared" if missed else "passed over"
                told = ", ".join(f"{count:,} {reason}" for reason, count in own)
                lines.append((missed, f"{what}{f' of {name}' if name else ''}: {told}"))
    return sorted(lines, key=lambda line: not line[0])


def sentence_of(reason: str) -> str:
    """Returns what a reason code of the table `passed_over` means."""
    known: Iterable[Any] = (*PassedOver, *Reason)
    return next((str(code.sentence) for code in known if code == reason), "")


def _seen(evidence: str | None) -> str:
    found = json.loads(evidence or "{}")
    return str(found.get("found") or "")
