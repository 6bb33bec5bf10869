"""One row of the list as the report shows it: its picture, its box, and in words what its verdict rests on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from storage.reasons import Reason
from tasks.acquire.address import REDACTED
from tasks.pages.words import clip, plain_name, words
from tasks.publish.related import reassigned_drawing
from tasks.publish.rows import COLUMNS_BY_STAGE

_LONGEST_LINK = 1000
_THUMBNAIL_SIDE = 256
_OF_A_GROUP = {"group", "group_size", "photographs"}


@dataclass(frozen=True, slots=True)
class Item:
    """One row of the list as a page shows it.

    `record` has the verdict's columns and those joined to it; `picture` and `drawing` are names below `pictures/`;
    `size` is the thumbnail's (width, height); `box` is CSS, in percent of the picture; `mask` has rectangles (x, y,
    width, height) and circles (x, y) in pixels of the picture; `link` is safe to follow;
    `drawn` says by what it is seen to be no photograph; `decisions` are sections of the overrides that a person may
    put it in.
    """

    record: dict[str, Any]
    picture: str | None
    drawing: str | None
    size: tuple[int, int] | None
    box: str | None
    mask: dict[str, list[tuple[float, ...]]] | None
    facts: list[tuple[str, str]]
    link: str | None
    drawn: str | None
    decisions: str


def near_miss_drawing(sha256: str) -> str:
    """Names the drawing of an image that matches no other, beside the one that came nearest, below `pictures/`."""
    return f"near-{sha256}.jpg"


def make_item(record: dict[str, Any], names: frozenset[str], mask: Mapping[str, Any] | None) -> Item:
    """Returns the item of a row of `tasks.publish.rows.join`; `names` are the pictures that there are."""
    sha256, url = record["sha256"], record["url"]
    # The same bytes may stand in rows that other stages dropped: they have a thumbnail in common, not a drawing.
    drawings = {
        "overlap": f"overlap-{sha256}.jpg",
        "cluster": near_miss_drawing(sha256) if record["reason"] == Reason.NO_MATCH else f"pair-{sha256}.jpg",
        "classes": reassigned_drawing(sha256),
    }
    drawing = drawings.get(record["stage"])
    size = None
    if record["width"]:
        scale = min(1.0, _THUMBNAIL_SIDE / max(record["width"], record["height"]))
        size = (max(1, round(record["width"] * scale)), max(1, round(record["height"] * scale)))
    return Item(
        record=record,
        picture=f"{sha256}.jpg" if f"{sha256}.jpg" in names else None,
        drawing=drawing if drawing in names else None,
        size=size,
        box=_box(record) if record["verdict"] == "kept" and record["x1"] is not None else None,
        mask=_mask(mask) if mask and record["width"] else None,
        facts=_facts(record),
        link=url if _is_link(url) else None,
        drawn=f"{record['sign']} {record['share']:.0%}" if record["sign"] else None,
        decisions=_decisions(record),
    )


def _decisions(record: Mapping[str, Any]) -> str:
    """What can't be read, repeats another, or shows what a test set does is nobody's choice."""
    if record["verdict"] == "kept":
        return "keep drop" if "kept_by_hand" in record["evidence"] else "drop"
    if record["reason"] == Reason.DROPPED_BY_HAND:
        return "drop"
    if record["stage"] not in ("cluster", "classes"):
        return ""
    return "keep pin" if record["reason"] in (Reason.SMALLER_GROUP, Reason.FEW_NEIGHBOURS) else "keep"


def _is_link(url: str) -> bool:
    """Whether an address is safe to follow, and leads where it says: one that was redacted does not."""
    is_short = len(url) <= _LONGEST_LINK and REDACTED not in url
    return is_short and url.lower().startswith(("http://", "https://"))


def _box(record: dict[str, Any]) -> str:
    left, right = (100 * record[name] / record["width"] for name in ("x1", "x2"))
    top, bottom = (100 * record[name] / record["height"] for name in ("y1", "y2"))
    return f"left:{left:.2f}%;top:{top:.2f}%;width:{right - left:.2f}%;height:{bottom - top:.2f}%"


def _mask(mask: Mapping[str, Any]) -> dict[str, list[tuple[float, ...]]] | None:
    """What is drawn over a picture for its row of the table `masks`; None where nothing is masked."""
    corners = [mask["regions"][i : i + 4] for i in range(0, len(mask["regions"]), 4)]
    rectangles: list[tuple[float, ...]] = [(x1, y1, x2 - x1, y2 - y1) for x1, y1, x2, y2 in corners]
    circles: list[tuple[float, ...]] = [tuple(mask["points"][i : i + 2]) for i in range(0, len(mask["points"]), 2)]
    return {"rectangles": rectangles, "circles": circles} if rectangles or circles else None


def _facts(record: dict[str, Any]) -> list[tuple[str, str]]:
    """What a drop rests on, in words: its evidence, and what other tables say where the evidence does not."""
    evidence = json.loads(record["evidence"])
    columns = {name: record[name] for name in COLUMNS_BY_STAGE.get(record["stage"], ()) if record[name] is not None}
    if record["stage"] == "acquire" and record["width"] is not None:
        columns = {}  # The log of an image that came says nothing of why it was dropped.
    if "test_image" in evidence:
        # The evidence says it all, but for a verdict of other code that names another pair than the one drawn.
        same = all(evidence.get(name, value) == value for name, value in columns.items())
        columns = {} if same else {"drawn_beside": f"{record['test_set']}: {record['test_image']}"}
    if record["reason"] == Reason.NO_MATCH:
        columns = {}  # alone, it is no group
        evidence = {name: value for name, value in evidence.items() if name not in _OF_A_GROUP}
    facts = {**evidence, **{name: value for name, value in columns.items() if name not in evidence}}
    if facts.get("lacks") == "view":
        facts["lacks"] = "a view: what matches was laid over both pictures, such as a watermark or a frame"
    if "small" in facts:
        facts["small"] = f"{facts['small']} pixels: so small, a photograph may match none of its landmark"
    if "through" in facts:
        facts["through"] = told_through(facts["through"])
    # The address stands beside the facts as it is.
    return [(plain_name(name), clip(words(value))) for name, value in facts.items() if value != record["url"]]


def told_through(image_id: str) -> str:
    """Returns what it means that an image was found to show a test landmark through another."""
    return f"{image_id}, of its class, which shows that photograph: the match is with it"
