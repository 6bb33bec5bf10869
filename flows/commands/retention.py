"""The command `gc`."""

from typing import Annotated

import typer
from rich.table import Table

from flows.commands.options import JsonOption, RootOption
from flows.commands.terminal import console, print_json
from storage.retention import KINDS, find_superfluous
from storage.root import Root
from storage.runs import no_run


def gc(
    keep: Annotated[int, typer.Option(min=1, help="Newest versions of each name to keep, beside the latest.")],
    root: RootOption = "./data",
    delete: Annotated[bool, typer.Option("--delete", help="Remove it; without this, it is only listed.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Say what versions, stage outputs and images nothing needs that is kept, and remove them with --delete."""
    store = Root(root)
    with no_run(store, [kind.shelf for kind in KINDS]):
        found = find_superfluous(store, keep)
        for path in found.paths if delete else ():
            store.remove(path)
    if as_json:
        counts = {"outputs": len(found.outputs), "images": len(found.images), "bytes": found.bytes}
        print_json({"removed": delete, "versions": list(found.versions), **counts})
        return
    table = Table("", "removed" if delete else "would go", box=None)
    table.columns[1].justify = "right"
    for what, paths in (("versions and what tells of them", found.versions), ("outputs of stages", found.outputs)):
        table.add_row(what, f"{len(paths):,}")
    table.add_row("images", f"{len(found.images):,}")
    table.add_row("gigabytes", f"{found.bytes / 1e9:,.3f}")
    console.print(table)
    for folder in found.versions:
        console.print(f"  {folder}", highlight=False, soft_wrap=True)
    if not delete and any(found.paths):
        console.print("nothing was removed: the same command with --delete does")
