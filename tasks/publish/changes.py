"""What a version changed of the one before it, for people: a page, and a text."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from storage.manifest import Manifest
from tasks.pages.rendering import style_sheet, template_environment
from tasks.pages.words import clip, flatten
from tasks.publish.pages import TEMPLATES

_CLASSES_SHOWN = 30
_IMAGES_SHOWN = 60
"""Most images that a part of the page shows."""

KINDS = {
    "lost": "no longer kept",
    "gained": "newly kept",
    "moved": "kept, with another box",
    "left": "left the list, dropped before",
    "came": "came into the list and dropped",
    "other": "dropped for another reason",
}
"""What may have become of an image, most telling first."""

_GONE = "–"
_PICTURED = ("lost", "gained", "moved")


@dataclass(frozen=True)
class Changes:
    """What changed from one version to another.

    Attributes:
        rows: of `storage.compare.compare_versions`, and `kind`, one of `KINDS`.
        classes: landmark_id, before, after: images kept in both versions of those classes of which they differ, those
            that lost most first.
    """

    before: Manifest
    after: Manifest
    rows: pd.DataFrame
    classes: pd.DataFrame

    def count(self, kind: str) -> int:
        """Returns how many images are of a kind."""
        return int((self.rows.kind == kind).sum())


def summarise_changes(
    before: Manifest, after: Manifest, rows: pd.DataFrame, kept_before: pd.Series, kept_after: pd.Series
) -> Changes:
    """Tells changes apart by kind, and counts them by class.

    Args:
        rows: of `storage.compare.compare_versions`.
        kept_before: the class of each image that the version before keeps. kept_after: likewise.
    """
    counts = pd.DataFrame({"before": kept_before.value_counts(), "after": kept_after.value_counts()})
    counts = counts.rename_axis("landmark_id").fillna(0).astype(int).reset_index()
    changed = counts[counts.before != counts.after]
    order = (changed.after - changed.before).sort_values(kind="stable").index
    return Changes(before, after, rows.assign(kind=[_kind(row) for row in rows.itertuples()]), changed.loc[order])


def render_changes(changes: Changes, pictures: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """Yields the page and its style as (path, bytes).

    Args:
        pictures: sha256 to the address of its thumbnail, from the page.
    """
    yield style_sheet()
    page = template_environment(TEMPLATES).get_template("changes.html")
    parts = [(kind, title, _shown(changes, kind, pictures)) for kind, title in KINDS.items() if kind in _PICTURED]
    told = page.render(changes=changes, manifest=changes.after, base="", parts=parts, **_common(changes))
    yield "index.html", told.encode()


def describe_changes(changes: Changes) -> str:
    """Returns the changes as Markdown."""
    return template_environment(TEMPLATES).get_template("changes.md").render(changes=changes, **_common(changes))


def _common(changes: Changes) -> dict[str, Any]:
    classes = changes.classes
    return {
        "kinds": {title: changes.count(kind) for kind, title in KINDS.items()},
        "gone": sorted(classes.landmark_id[classes.after == 0]),
        "new_classes": sorted(classes.landmark_id[classes.before == 0]),
        "classes": classes.head(_CLASSES_SHOWN).to_dict("records"),
        "more_classes": max(0, len(classes) - _CLASSES_SHOWN),
        "reasons": changes.rows.after[changes.rows.kind == "lost"]
        .replace(_GONE, "left the list")
        .value_counts()
        .to_dict(),
    }


def _shown(changes: Changes, kind: str, pictures: dict[str, str]) -> list[dict[str, Any]]:
    own = changes.rows[changes.rows.kind == kind].head(_IMAGES_SHOWN)
    return [
        {
            **row,
            "picture": pictures.get(row["sha256"]),
            "facts": "" if row["after"] == _GONE else clip(_facts(row["evidence"])),
        }
        for row in own.to_dict("records")
    ]


def _facts(evidence: str) -> str:
    return "; ".join(f"{name} {value}" for name, value in flatten(json.loads(evidence)))


def _kind(row: Any) -> str:
    if row.change == "box":
        return "moved"
    if "kept" in (row.before, row.after):
        return "gained" if row.after == "kept" else "lost"
    return {"added": "came", "removed": "left"}.get(row.change, "other")
