"""What came of a curation, for the terminal: what is left, why rows went, what to look at, and what to do next."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from flows.commands.reasons import count_reasons, describe_reasons
from flows.commands.terminal import facts_of_news, report_path
from flows.commands.why import plain_text
from storage.manifest import Manifest
from storage.root import Root
from storage.versions import list_folders, list_names, read_version_table
from tasks.publish.attention import TABLES, Doubt, classes_to_look_at, warnings_of
from tasks.publish.passed_over import tell_reasons

_CLASSES_SHOWN = 8


def describe_outcome(root: Root, version: Manifest, news: str) -> Iterator[RenderableType]:
    """Yields the funnel, reasons with counts, classes to look at, warnings, the news, the report, and next commands."""
    yield _funnel(version)
    yield Text()
    yield describe_reasons(root, version)
    if doubts := _doubts(root, version):
        yield Text()
        yield _look_first(doubts)
    yield Text()
    for missed, sentence in tell_reasons(version.passed_over):
        if not missed:  # the others are warnings
            yield plain_text(sentence)
    for warning in warnings_of(version):
        yield Text.assemble(("! ", "bold yellow"), plain_text(warning))
    yield Text.assemble(f"{news} ", (version.folder, "bold"))
    yield Text(f"report: {report_path(root, version)}")
    yield Text()
    yield Text("next:", "bold")
    yield from _next(root, version)


def facts_of_outcome(root: Root, version: Manifest, news: str) -> dict[str, Any]:
    """Returns the same for programs."""
    return {
        **facts_of_news(root, version, news),
        "funnel": [step.model_dump() for step in version.funnel],
        "reasons": dict(count_reasons(root, version).most_common()),
        "look_at_first": [asdict(doubt) for doubt in _doubts(root, version)],
        "warnings": warnings_of(version),
    }


def _doubts(root: Root, version: Manifest) -> list[Doubt]:
    return classes_to_look_at({name: read_version_table(root, version, name, list(of)) for name, of in TABLES.items()})


def _funnel(version: Manifest) -> Table:
    table = Table("left after each step", box=None, pad_edge=False)
    table.add_column("images", justify="right")
    table.add_column("classes", justify="right")
    for step in version.funnel:
        table.add_row(step.step, f"{step.images:,}", f"{step.classes:,}")
    return table


def _look_first(doubts: list[Doubt]) -> Table:
    table = Table("look at these first", box=None, pad_edge=False)
    table.add_column("kept", justify="right")
    table.add_column("why")
    for doubt in doubts[:_CLASSES_SHOWN]:
        table.add_row(plain_text(doubt.landmark_id[:40]), f"{doubt.kept:,}", plain_text("; ".join(doubt.why)))
    more = len(doubts) - _CLASSES_SHOWN
    if more > 0:
        table.add_row(f"and {more:,} more", "", "the report has them all", style="dim")
    return table


def _next(root: Root, version: Manifest) -> Iterator[Text]:
    """Commands that may come next, each with what it is for."""
    where = "" if root.url == Root("./data").url else f" --root {root.url}"
    where += f" --name {version.name}" if len(list_names(root)) > 1 else ""
    commands = {f"cairn report --open{where}": "look, and decide"}
    if not version.test_sets:
        commands[f"cairn certify {version.number} --test-set NAME=DIR{where}"] = "whether it shows what a test set does"
    if version.number > 1 and len(list_folders(root, version.name)) > 1:
        commands[f"cairn diff {version.number - 1} {version.number}{where}"] = "what has changed"
    commands[f"cairn export --format imagefolder --out ./set{where}"] = "for training code"
    commands[f"cairn train{where}"] = "a network, trained on it"
    for command, purpose in commands.items():
        yield Text.assemble(plain_text(f"  {command}"), (f"  # {purpose}", "dim"))
