"""What the commands of the command line share."""

import json
import os
import warnings
from importlib.metadata import version as version_of
from math import isfinite
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from storage.manifest import Version
from storage.root import Root
from storage.verify import Verified

_UNWRAPPED = 10_000  # letters of a line in a file or a pipe, where a program reads


def _console(*, stderr: bool) -> Console:
    made = Console(stderr=stderr)
    if not made.is_terminal:
        made.width = _UNWRAPPED
    return made


console, errors = _console(stderr=False), _console(stderr=True)


def print_json(facts: Any) -> None:
    """Prints facts for programs: dicts, lists, texts and numbers, and what has a text; null for no number."""
    typer.echo(json.dumps(_finite(facts), indent=2, ensure_ascii=False, default=str, allow_nan=False))


def _finite(facts: Any) -> Any:
    """The same with null in place of NaN and infinity, which JSON does not know."""
    match facts:
        case float():
            return facts if isfinite(facts) else None
        case dict():
            return {name: _finite(value) for name, value in facts.items()}
        case list() | tuple():
            return [_finite(value) for value in facts]
        case _:
            return facts


def say_version(wanted: bool) -> None:
    """Prints which version of Cairn this is, and ends the command, where that is asked."""
    if wanted:
        typer.echo(f"cairn {version_of('cairn')}")
        raise typer.Exit


def print_news(root: Root, version: Version, news: str) -> None:
    """Prints the last lines of a command that publishes: the version, and where its report is."""
    console.print(f"\n{news} [bold]{version.folder}[/]")
    console.print(Text(f"report: {report_path(root, version)}"), soft_wrap=True)


def facts_of_news(root: Root, version: Version, news: str) -> dict[str, Any]:
    """The same for programs."""
    return {
        "version": version.folder,
        "number": version.number,
        "digest": version.digest,
        "news": news,
        "report": report_path(root, version),
    }


def report_path(root: Root, version: Version) -> str:
    """Returns where the report of a version begins."""
    return page_path(root, f"{version.folder}/report/index.html")


def page_path(root: Root, path: str) -> str:
    """Returns where a page of a root is, for a browser."""
    return root.path(path) if root.is_local else f"{root.url}/{path}"


def print_verified(found: Verified, *, as_json: bool) -> None:
    """Prints what is wrong with a version, a line each, and a line on all; or the same as JSON."""
    if as_json:
        print_json({"files": found.files, "wrong": list(found.wrong)})
        return
    state = f"{len(found.wrong):,} wrong" if found.wrong else "all as published"
    console.print(Text("\n".join([*found.wrong, f"{found.files:,} files, {state}"])), soft_wrap=True)


def quieten_prefect() -> None:
    """Prefect's own lines go to its UI: the terminal shows progress bars, and one line of ours where a run fails."""
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    warnings.filterwarnings("ignore", message="Failed to create the Prefect home directory")  # told where it matters
