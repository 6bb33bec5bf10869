"""One image's verdict in words."""

import json
from typing import Any

import pyarrow.compute as pc
from rich.table import Table
from rich.text import Text

from storage.errors import InputError
from storage.manifest import Manifest
from storage.reasons import Reason
from storage.root import Root
from storage.versions import read_version_table
from tasks.publish.items import told_through

_FACTS = {
    "fetch_log": ("url", "outcome", "status", "final_url", "attempts", "started_at", "detail"),
    "images": ("path", "width", "height", "format", "md5_matches"),
    "groups": ("group", "group_size", "neighbours"),
    "boxes": ("x1", "y1", "x2", "y2", "supports", "spread"),
}
"""What each table adds to the verdict."""


def explain(root: Root, version: Manifest, image_id: str) -> Table:
    """The verdict of one image with its evidence, its fetch, its group and its box, as a table to print.

    Raises:
        InputError: the version has no such image.
    """
    verdicts = _rows(root, version, "verdicts", image_id)
    if not verdicts:
        raise InputError(f"no image {image_id!r} in {version.folder}; ids are those of the list")
    title = plain_text(f"{image_id} in {version.folder}")
    table = Table(title=title, show_header=False, box=None, title_justify="left")
    table.add_column()
    table.add_column(overflow="fold")

    def add(name: str, value: object) -> None:
        table.add_row(Text(name), plain_text(f"{value:.1f}" if isinstance(value, float) else value))

    for verdict in verdicts:
        reason = Reason(verdict["reason"])
        add("row", verdict["row"])
        add("class", verdict["landmark_id"])
        add("verdict", "kept" if reason is Reason.KEPT else f"dropped by {verdict['stage']}: {reason}")
        add("", reason.sentence)
        for name, value in json.loads(verdict["evidence"]).items():
            add(f"  {name}", told_through(value) if name == "through" else value)
        if verdict["split"]:
            add("split", verdict["split"])
    for name, columns in _FACTS.items():
        for row in _rows(root, version, name, image_id):
            for column in columns:
                if row[column] is not None:
                    add(column, row[column])
    return table


def plain_text(value: object) -> Text:
    """A value from a list or a host for the terminal: neither markup nor escape sequences."""
    return Text("".join(letter if letter.isprintable() else "\ufffd" for letter in str(value)))


def _rows(root: Root, version: Manifest, table: str, image_id: str) -> list[dict[str, Any]]:
    found = read_version_table(root, version, table)
    rows: list[dict[str, Any]] = found.filter(pc.equal(found["image_id"], image_id)).to_pylist()
    return rows
