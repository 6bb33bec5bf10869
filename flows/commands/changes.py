"""The command `diff`, and how it tells of what changed."""

import json
import webbrowser
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from flows.commands.options import JsonOption, NameOption, RootOption
from flows.commands.terminal import console, page_path, print_json
from flows.commands.why import plain_text
from storage.root import Root
from storage.versions import find_version, only_name
from tasks.publish.changes import KINDS, Changes

_CLASSES_SHOWN = 10


def diff(
    before: Annotated[str, typer.Argument(help="`latest`, a number, a folder name, or the start of a digest.")],
    after: Annotated[str, typer.Argument(help="Likewise.")] = "latest",
    root: RootOption = "./data",
    name: NameOption = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="With the evidence of each image, as JSON.")] = False,
    open_it: Annotated[bool, typer.Option("--open", help="Write it as a page, and open that in the browser.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what changed from version BEFORE to version AFTER: in all, by class, then image by image."""
    store = Root(root)
    only = only_name(store, name)
    from flows.review.changes import find_changes, write_changes

    changes = find_changes(store, find_version(store, only, before), find_version(store, only, after))
    page = page_path(store, write_changes(store, changes)) if open_it else None
    if as_json:
        print_json({**_facts(changes), "page": page})
    else:
        for part in _describe(changes, verbose):
            console.print(part, soft_wrap=isinstance(part, Text))
        if page:
            console.print(Text(page), soft_wrap=True)
    if page:
        webbrowser.open(f"file://{page}")


def _describe(changes: Changes, verbose: bool) -> Iterator[RenderableType]:
    if not len(changes.rows):
        yield Text("no image entered, left, or changed its verdict or its box")
        return
    old, new = changes.before.funnel[-1], changes.after.funnel[-1]
    kept = f"{new.images:,} images kept, {new.images - old.images:+,}; {new.classes:,} classes"
    yield Text(f"{changes.before.folder} → {changes.after.folder}: {kept}, {new.classes - old.classes:+,}")
    yield Text("; ".join(f"{changes.count(kind):,} {told}" for kind, told in KINDS.items() if changes.count(kind)))
    if len(changes.classes):
        yield Text()
        yield _classes(changes)
    yield Text()
    for row in changes.rows.to_dict("records"):
        yield _image(row, verbose)


def _classes(changes: Changes) -> Table:
    table = Table("class", box=None, pad_edge=False)
    for heading in ("kept before", "now", "change"):
        table.add_column(heading, justify="right")
    for row in changes.classes.head(_CLASSES_SHOWN).itertuples():
        table.add_row(
            plain_text(row.landmark_id), f"{row.before:,}", f"{row.after:,}", f"{int(row.after) - int(row.before):+,}"
        )
    more = len(changes.classes) - _CLASSES_SHOWN
    if more > 0:
        table.add_row(f"and {more:,} more", style="dim")
    return table


def _image(row: dict[str, Any], verbose: bool) -> Text:
    """An image in a line: its id, its class, what it was and is; below it, where that is asked, the evidence."""
    box = "box " if row["change"] == "box" else ""
    line = f"{row['image_id']}  {row['landmark_id'] or 'no class'}  {box}{row['before']} → {row['after']}"
    shown = plain_text(line)
    if verbose:
        shown.append("\n    ").append(plain_text(row["evidence"]))
    return shown


def _facts(changes: Changes) -> dict[str, Any]:
    images = changes.rows.drop(columns="sha256").to_dict("records")
    return {
        "before": changes.before.folder,
        "after": changes.after.folder,
        "counts": {kind: changes.count(kind) for kind in KINDS},
        "classes": changes.classes.to_dict("records"),
        "images": [{**row, "evidence": json.loads(row["evidence"])} for row in images],
    }
