"""`python -m bench NAME [--quick] [--check]`: measures one claim; the last line of the output is JSON."""

from collections.abc import Callable
from importlib import import_module
from typing import Annotated

import typer

from bench.harness.peers import build
from bench.harness.result import Result

BENCHES = {
    "acquire": "bench.fetching.acquire",
    "autofaiss": "bench.retrieval.autofaiss",
    "bays": "bench.matching.bays",
    "bodies": "bench.fetching.bodies",
    "boxes": "bench.matching.boxes",
    "captions": "bench.captions.captions",
    "classes": "bench.leaks.classes",
    "cleaning": "bench.training.cleaning",
    "colmap": "bench.matching.colmap",
    "damage": "bench.pictures.damage",
    "demo": "bench.flows.demo",
    "describe": "bench.retrieval.describe",
    "detectors": "bench.matching.detectors",
    "digests": "bench.matching.digests",
    "drawn": "bench.pictures.drawn",
    "faults": "bench.faults",
    "foreign": "bench.leaks.foreign_landmark",
    "fuzz": "bench.pictures.fuzz",
    "growth": "bench.matching.growth",
    "hosts": "bench.fetching.hosts",
    "index": "bench.retrieval.index",
    "inspection": "bench.pictures.inspection",
    "labelled": "bench.matching.labelled",
    "landmarks": "bench.flows.landmarks",
    "loading": "bench.training.loading",
    "match": "bench.matching.match",
    "memory": "bench.training.memory",
    "neighbours": "bench.leaks.neighbours",
    "overhead": "bench.flows.overhead",
    "overlap": "bench.leaks.overlap",
    "overlap_growth": "bench.leaks.overlap_growth",
    "overlays": "bench.matching.overlays",
    "plan": "bench.flows.plan",
    "planted": "bench.matching.planted",
    "regeneration": "bench.flows.regeneration",
    "rerun": "bench.flows.rerun",
    "retrieval": "bench.retrieval.retrieval",
    "semantic": "bench.training.semantic",
    "small": "bench.matching.small",
    "soak": "bench.flows.soak",
    "task_runs": "bench.flows.task_runs",
    "watching": "bench.flows.watching",
}
"""Modules with a function `measure(quick)`, which prints as it goes, by the name of their claim."""

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
        raise typer.Exit(run(name, import_module(BENCHES[name]).measure, quick=quick, check=check))
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
