"""The console script `cairn`: each command is a thin call of a flow or of storage."""

import errno
import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import Annotated, cast

import typer

from flows.commands import (
    captions,
    changes,
    curation,
    export,
    operating,
    retention,
    retrieval,
    reviewing,
    serving,
    starting,
    testsets,
    training,
    triplets,
    versions,
)
from flows.commands.examples import examples_of
from flows.commands.options import HELP
from flows.commands.terminal import say_version
from flows.runtime.stopping import report, stoppable
from storage.errors import GateError, InputError

_PANELS: dict[str, dict[str, Callable[..., None]]] = {
    "Curate a list": {
        "init": starting.init,
        "settings": starting.settings,
        "plan": curation.plan,
        "curate": curation.curate,
    },
    "Look at a version, and decide": {
        "versions": versions.list_all,
        "report": versions.report,
        "why": versions.why,
        "diff": changes.diff,
        "promote": reviewing.promote,
        "reject": reviewing.reject,
        "verify": versions.verify,
        "compare": versions.compare,
        "gc": retention.gc,
    },
    "Keep test sets apart": {"download": testsets.download, "certify": testsets.certify},
    "Use a version": {
        "export": export.export,
        "train": training.train,
        "networks": training.networks,
        "index": retrieval.index,
        "indexes": retrieval.indexes,
        "search": retrieval.search,
        "evaluate": retrieval.evaluate,
    },
    "Keep it going": {
        "serve": serving.serve,
        "up": operating.up,
        "down": operating.down,
        "deploy": operating.deploy,
    },
}
"""The commands by the part of the help that they stand in."""

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, context_settings=HELP)
for panel, commands in _PANELS.items():
    for name, command in commands.items():
        app.command(name, epilog=examples_of(name), rich_help_panel=panel)(command)
app.add_typer(captions.app, name="captions", rich_help_panel="What people say of images")
app.add_typer(triplets.app, name="triplets", rich_help_panel="What people say of images")


@app.callback()
def cairn(
    version: Annotated[
        bool, typer.Option("--version", help="Say which version of Cairn this is.", is_eager=True, callback=say_version)
    ] = False,
) -> None:
    """Turn a noisy list of landmark image addresses into a clean, boxed, leak-free training set for retrieval."""


def main() -> None:
    """Runs the console script: what the user can mend is one clear line and exit code 2; a bug keeps its traceback."""
    for stream in (sys.stdout, sys.stderr):
        cast("TextIOWrapper", stream).reconfigure(errors="replace")  # a terminal of ASCII gets "?" for what it lacks
    with stoppable():
        try:
            app()
        except (InputError, OSError) as error:
            if isinstance(error, OSError) and error.errno in (None, errno.ENOENT):
                raise  # not of the system, or a file that we should have looked for: a bug
            gate = isinstance(error, GateError)
            report(f"{'gate' if gate else 'error'}: {error}")
            raise SystemExit(4 if gate else 2) from error


if __name__ == "__main__":
    main()
