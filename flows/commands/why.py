"""One image's verdict in words, or as facts."""

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

_SHOWN = 5


def find_image(root: Root, version: Manifest, asked: str) -> str:
    """Returns the id of the image that is asked for by its id, by the start of that, or by its address.

    Raises:
        InputError: the version has no such image, or several ids start so.
    """
    ids = read_version_table(root, version, "verdicts", ["image_id"])["image_id"].unique()
    if pc.any(pc.equal(ids, asked)).as_py():
        return asked
    sources = read_version_table(root, version, "sources", ["image_id", "url"])
    by_address = sources.filter(pc.equal(sources["url"], asked))["image_id"].unique()
    found: list[str] = (by_address if len(by_address) else ids.filter(pc.starts_with(ids, asked))).to_pylist()
    if len(found) == 1:
        return found[0]
    if not found:
        known = "an id of the list, its start, or an address of the list"
        raise InputError(f"no image {asked!r} in {version.folder}; give {known}")
    named = ", ".join(sorted(found)[:_SHOWN]) + (", …" if len(found) > _SHOWN else "")
    raise InputError(f"{len(found):,} images of {version.folder} fit {asked!r}: {named}; give more of the id")


def facts_of(root: Root, version: Manifest, image_id: str) -> dict[str, Any]:
    """Gathers what a version knows of an image: its verdicts, one a row of the list, then what other tables have.

    Empty cells are left out, and evidence is read.
    """
    verdicts = [
        {
            **{name: value for name, value in row.items() if value is not None},
            "meaning": Reason(row["reason"]).sentence,
            "evidence": json.loads(row["evidence"]),
        }
        for row in _rows(root, version, "verdicts", image_id)
    ]
    others = {
        name: [
            {column: row[column] for column in columns if row[column] is not None}
            for row in _rows(root, version, name, image_id)
        ]
        for name, columns in _FACTS.items()
    }
    return {"image_id": image_id, "version": version.folder, "verdicts": verdicts, **others}


def explain(facts: dict[str, Any]) -> Table:
    """Returns the facts of `facts_of` as a table to print."""
    title = plain_text(f"{facts['image_id']} in {facts['version']}")
    table = Table(title=title, show_header=False, box=None, title_justify="left")
    table.add_column()
    table.add_column(overflow="fold")

    def add(name: str, value: object) -> None:
        table.add_row(Text(name), plain_text(f"{value:.1f}" if isinstance(value, float) else value))

    for verdict in facts["verdicts"]:
        reason = Reason(verdict["reason"])
        add("row", verdict["row"])
        add("class", verdict["landmark_id"])
        add("verdict", "kept" if reason is Reason.KEPT else f"dropped by {verdict['stage']}: {reason}")
        add("", reason.sentence)
        for name, value in verdict["evidence"].items():
            add(f"  {name}", told_through(value) if name == "through" else value)
        if "split" in verdict:
            add("split", verdict["split"])
    for name in _FACTS:
        for row in facts[name]:
            for column, value in row.items():
                add(column, value)
    return table


def plain_text(value: object) -> Text:
    """Returns a value from a list or a host for the terminal: neither markup nor escape sequences."""
    return Text("".join(letter if letter.isprintable() else "\ufffd" for letter in str(value)))


def _rows(root: Root, version: Manifest, table: str, image_id: str) -> list[dict[str, Any]]:
    found = read_version_table(root, version, table)
    rows: list[dict[str, Any]] = found.filter(pc.equal(found["image_id"], image_id)).to_pylist()
    return rows
