"""`python -m bench NAME [--quick] [--check]`: measures one claim; the last line of the output is JSON."""

from collections.abc import Callable
from importlib import import_module
from typing import Annotated

import typer

from bench.peers import build
from bench.result import Result

BENCHES = (
    "acquire",
    "bodies",
    "boxes",
    "captions",
    "classes",
    "colmap",
    "damage",
    "demo",
    "describe",
    "detectors",
    "digests",
    "faults",
    "fuzz",
    "growth",
    "hosts",
    "index",
    "inspection",
    "landmarks",
    "match",
    "overhead",
    "overlap",
    "overlap_growth",
    "plan",
    "retrieval",
    "rerun",
    "small",
)
"""Modules of this package with a function `measure(quick)`, which prints as it goes."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(BENCHES)}; or `peers`, to build what they need.")],
    quick: Annotated[bool, typer.Option(help="A smaller size, under a minute on two idle cores.")] = False,
    check: Annotated[bool, typer.Option(help="Exit with 1 when a figure misses its target.")] = False,
) -> None:
    """Measure one claim about Cairn."""
    if name == "peers":
        build()
    elif name in BENCHES:
        raise typer.Exit(run(name, import_module(f"bench.{name}").measure, quick=quick, check=check))
    else:
        raise typer.BadParameter(f"{name!r}; there are {', '.join(BENCHES)}, and `peers`")


def run(name: str, measure: Callable[[bool], Result], *, quick: bool, check: bool) -> int:
    """Measures, prints the figures and their line of JSON, and gives the exit code."""
    result = measure(quick)
    print("", *result.table(), sep="\n")
    print(result.line(name), flush=True)
    return 1 if check and result.misses() else 0


if __name__ == "__main__":
    app()
