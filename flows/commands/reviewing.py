"""The commands `promote` and `reject`."""

from typing import Annotated

import typer

from flows.commands.options import KindOption, NameOption, RootOption, kind_of
from flows.commands.terminal import console, quieten_prefect
from storage.root import Root

WhichArgument = Annotated[str, typer.Argument(metavar="VERSION", help="A number, a folder name, or a digest's start.")]


def promote(
    version: WhichArgument,
    root: RootOption = "./data",
    name: NameOption = None,
    kind: KindOption = "versions",
    reason: Annotated[str, typer.Option(help="Why, for whoever asks later.")] = "looked at, and found good",
) -> None:
    """Make VERSION the latest, whatever its gate says, and start what waits for it."""
    quieten_prefect()
    from flows.reviewing import promote_version
    from flows.runtime.server import prefect_server

    with prefect_server():
        made = promote_version(Root(root), kind_of(kind), name, version, reason)
    console.print(f"[bold]{made.folder}[/] is the latest", soft_wrap=True)


def reject(
    version: WhichArgument,
    reason: Annotated[str, typer.Option(help="Why, for whoever asks later.")],
    root: RootOption = "./data",
    name: NameOption = None,
    kind: KindOption = "versions",
) -> None:
    """Keep VERSION from becoming the latest, by whatever run."""
    from flows.reviewing import reject_version

    made = reject_version(Root(root), kind_of(kind), name, version, reason)
    console.print(f"[bold]{made.folder}[/] is rejected: no run makes it the latest", soft_wrap=True)
