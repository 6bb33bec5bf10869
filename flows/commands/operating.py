"""The commands `up`, `down` and `deploy`, which keep Cairn going on its schedule."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from flows.commands.options import JsonOption
from flows.commands.terminal import console, errors, print_json, quieten_prefect
from storage.errors import InputError

HomeOption = Annotated[Path, typer.Option(help="Folder of the server's login, settings, database and logs.")]
GpusOption = Annotated[
    int | None,
    typer.Option(min=0, help="Runs of `train` and `index` at once, a worker for each; 0 has these workers elsewhere."),
]
NotifyOption = Annotated[
    str | None,
    typer.Option(
        metavar="TYPE/NAME",
        help="Notification block of the server that says what failed, such as slack-webhook/team.",
    ),
]


def up(
    home: HomeOption = Path(".cairn"),
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Where the server answers, on this machine alone.")
    ] = 4200,
    gpus: GpusOption = None,
    notify: NotifyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start a Prefect server, what prefect.yaml deploys, automations and workers; what runs already stays as it is."""
    quieten_prefect()
    from flows.operating.station import up as start

    made = start(home, port, gpus, notify, _log if as_json else _tell)
    if as_json:
        print_json({"ui": made.url, "login": made.profiles, "prefect_home": made.folder})
        return
    console.print(Text(f"\nUI: {made.url}"), soft_wrap=True)
    _tell(f"log in with what PREFECT_API_AUTH_STRING is in {made.profiles}; guard that file")
    _tell(f"for `cairn` and `prefect` in a shell: export PREFECT_HOME={made.folder}")


def down(home: HomeOption = Path(".cairn"), as_json: JsonOption = False) -> None:
    """End what `cairn up` started, and nothing else."""
    quieten_prefect()
    from flows.operating.station import down as end

    ended = end(home)
    if as_json:
        print_json({"ended": ended})
        return
    _tell(f"ended: {', '.join(ended)}" if ended else "nothing was running")


def deploy(
    gpus: Annotated[
        int | None, typer.Option(min=1, help="Runs of `train` and `index` at once, on whatever machines.")
    ] = None,
    notify: NotifyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have the server that PREFECT_API_URL names know pools, the deployments of prefect.yaml, and automations."""
    quieten_prefect()
    from prefect.settings import PREFECT_API_URL

    from flows.operating.prepare import prepare
    from flows.runtime.server import prefect_server

    if not PREFECT_API_URL.value():
        raise InputError("PREFECT_API_URL names no server; set it, or have `cairn up` start one on this machine")
    with prefect_server() as url:
        prepared = prepare(gpus, notify)
    if as_json:
        print_json({"server": url, "left_out": prepared.left_out, "automations": prepared.automations})
        return
    for name in prepared.left_out:
        _tell(f"not deployed, since it needs the extra `train`: {name}")
    _tell(f"{url} has the deployments of prefect.yaml and {len(prepared.automations)} automations")


def _tell(line: str) -> None:
    console.print(Text(line), soft_wrap=True)


def _log(line: str) -> None:
    """Says how far it is where the output is for a program."""
    errors.print(Text(line), soft_wrap=True)
