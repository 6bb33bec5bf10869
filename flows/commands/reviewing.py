"""The commands `promote` and `reject`."""

from typing import Annotated

import typer

from flows.commands.options import JsonOption, KindOption, NameOption, RootOption, kind_of
from flows.commands.terminal import console, print_json, quieten_prefect
from storage.manifest import Version
from storage.root import Root

WhichArgument = Annotated[str, typer.Argument(metavar="VERSION", help="A number, a folder name, or a digest's start.")]


def promote(
    version: WhichArgument,
    root: RootOption = "./data",
    name: NameOption = None,
    kind: KindOption = "versions",
    reason: Annotated[str, typer.Option(help="Why, for whoever asks later.")] = "looked at, and found good",
    as_json: JsonOption = False,
) -> None:
    """Make VERSION the latest, whatever its gate says, and start what waits for it."""
    quieten_prefect()
    from flows.review.decisions import promote_version
    from flows.runtime.server import prefect_server

    with prefect_server():
        made = promote_version(Root(root), kind_of(kind), name, version, reason)
    _print(made, "promoted", "is the latest", as_json)


def reject(
    version: WhichArgument,
    reason: Annotated[str, typer.Option(help="Why, for whoever asks later.")],
    root: RootOption = "./data",
    name: NameOption = None,
    kind: KindOption = "versions",
    as_json: JsonOption = False,
) -> None:
    """Keep VERSION from becoming the latest, by whatever run."""
    from flows.review.decisions import reject_version

    made = reject_version(Root(root), kind_of(kind), name, version, reason)
    _print(made, "rejected", "is rejected: no run makes it the latest", as_json)


def _print(version: Version, standing: str, sentence: str, as_json: bool) -> None:
    if as_json:
        print_json({"version": version.folder, "standing": standing})
    else:
        console.print(f"[bold]{version.folder}[/] {sentence}", soft_wrap=True)
