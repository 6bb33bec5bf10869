"""The command that exports a version for another tool, and what it tells of the export."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from flows.commands.options import JsonOption, NameOption, RootOption, VersionArgument
from flows.commands.terminal import console, errors, print_json
from storage.root import Root
from storage.versions import find_version, only_name
from tasks.export.layout import SPLITS
from tasks.export.options import ExportOptions, Format, SplitBy

if TYPE_CHECKING:
    from tasks.export.task import Exported


def export(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the export is to stand: a new folder.")],
    layout: Annotated[Format, typer.Option("--format", help="Which tool's layout; docs/guides/export.md shows each.")],
    version: VersionArgument = "latest",
    crop: Annotated[bool, typer.Option("--crop", help="Crop each picture to the box of its landmark.")] = False,
    copied: Annotated[
        bool, typer.Option("--copy", help="Copy pictures; without, they are links into the root.")
    ] = False,
    split_by: Annotated[
        SplitBy,
        typer.Option(help="`image`: val has the classes of train; `class`: it has classes of its own."),
    ] = SplitBy.IMAGE,
    root: RootOption = "./data",
    name: NameOption = None,
    as_json: JsonOption = False,
) -> None:
    """Export what VERSION keeps in the layout of another tool; the same command goes on after a kill, or checks it."""
    store = Root(root)
    found = find_version(store, only_name(store, name), version)
    from tasks.export.summary import describe
    from tasks.export.task import export_version

    options = ExportOptions(format=layout, split_by=split_by, crop=crop, copy_images=copied)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bars:
        bar = bars.add_task("export", total=None)
        made = export_version(
            store, found, options, out, lambda done, total: bars.update(bar, completed=done, total=total)
        )
    if as_json:
        print_json({"version": found.folder, **_facts(made)})
        return
    for line in describe(made.content, layout):
        console.print(Text(line), soft_wrap=True)
    state = f"{made.gathered.made:,} made now" if made.gathered.made else "all there and as they were made"
    console.print(Text(f"{made.gathered.files:,} files in {made.folder}, {state}"), soft_wrap=True)


def _facts(made: "Exported") -> dict[str, Any]:
    splits = {split: made.content.of(split) for split in SPLITS}
    return {
        "folder": made.folder,
        "files": made.gathered.files,
        "made_now": made.gathered.made,
        "splits": {
            split: {"pictures": len(own), "classes": len({photograph.class_index for photograph in own})}
            for split, own in splits.items()
        },
    }
