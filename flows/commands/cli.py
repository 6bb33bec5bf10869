"""The console script `cairn`: each command is a thin call of a flow or of storage."""

import errno
import sys
from io import TextIOWrapper
from typing import cast

import typer

from flows.commands import (
    captions,
    curation,
    export,
    operating,
    retention,
    retrieval,
    reviewing,
    serving,
    testsets,
    training,
    triplets,
    versions,
)
from flows.runtime.stopping import report, stoppable
from storage.errors import GateError, InputError

app = typer.Typer(
    help="Turns a noisy list of landmark image addresses into a clean, boxed, leak-free training set for retrieval.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(curation.curate)
app.command()(curation.plan)
app.command()(testsets.certify)
app.command()(testsets.download)
app.command("versions")(versions.list_all)
app.command()(versions.verify)
app.command()(versions.report)
app.command()(versions.why)
app.command()(versions.diff)
app.command()(versions.compare)
app.command()(reviewing.promote)
app.command()(reviewing.reject)
app.command()(retention.gc)
app.command()(serving.serve)
app.command()(export.export)
app.command()(training.train)
app.command()(training.networks)
app.command()(retrieval.index)
app.command()(retrieval.indexes)
app.command()(retrieval.search)
app.command()(retrieval.evaluate)
app.add_typer(captions.app, name="captions")
app.add_typer(triplets.app, name="triplets")
app.command()(operating.up)
app.command()(operating.down)
app.command()(operating.deploy)


def main() -> None:
    """The console script: what the user can mend is one clear line and exit code 2; a bug keeps its traceback."""
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
