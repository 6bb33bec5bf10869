"""What the commands of the command line share."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from flows.runtime.stopping import give_up
from storage.manifest import Version
from storage.root import Root
from storage.verify import Verified

console, errors = Console(), Console(stderr=True)


def report_path(root: Root, version: Version) -> str:
    """Where the report of a version begins."""
    return page_path(root, f"{version.folder}/report/index.html")


def page_path(root: Root, path: str) -> str:
    """Where a page of a root is, for a browser."""
    return root.path(path) if root.is_local else f"{root.url}/{path}"


def describe_verified(found: Verified) -> Text:
    """What is wrong with a version, a line each, and a line on all."""
    state = f"{len(found.wrong):,} wrong" if found.wrong else "all as published"
    return Text("\n".join([*found.wrong, f"{found.files:,} files, {state}"]))


def quieten_prefect() -> None:
    """Prefect's own lines go to its UI: the terminal shows progress bars, and one line of ours where a run fails."""
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    warnings.filterwarnings("ignore", message="Failed to create the Prefect home directory")  # told where it matters


@contextmanager
def progress_bars() -> Iterator[None]:
    """Shows the stages of a flow as they go on; a failure is told while what has begun is waited for."""
    from flows.runtime.progress import listener, on_failure

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:11}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=errors) as bars:
        shown = {"": bars.add_task("start", total=None, note="")}

        def on_progress(stage: str, done: int, total: int, note: str) -> None:
            if "" in shown:
                bars.remove_task(shown.pop(""))
            if stage not in shown:
                shown[stage] = bars.add_task(stage, total=total, note=note)
            bars.update(shown[stage], completed=done, total=total, note=note)

        token, failing = listener.set(on_progress), on_failure.set(lambda error: give_up(f"error: {error}"))
        try:
            yield
        finally:
            listener.reset(token)
            on_failure.reset(failing)
