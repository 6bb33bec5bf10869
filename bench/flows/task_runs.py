"""The claim: whatever the list's size, a curation is some 2,000 task runs, which Prefect's server bears.

The stages of `curate` with nothing to do, as many tasks of each as lists of 900, 200,000 and 4.1 million rows give, on
a new server with its database in SQLite. Meanwhile, what the UI asks for is asked twice a second.
"""

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, process_time

import numpy as np
import psutil

from bench.harness.result import Comparison, Result
from bench.harness.surroundings import set_prefect_apart
from tasks.acquire.partition import choose_partition
from tasks.contracts import Inputs, Output, Stage

_ROWS, _QUICK_ROWS = (900, 200_000, 4_100_000), (900,)
_LARGE_CLASSES = 88  # at most, each in a packet of its own; see `choose_partition`
_ONCE = ("sources", "select", "signature", "sample", "overlays", "pins", "classes", "illustrate-classes", "publish")
_BY_PACKET = (
    *("features", "overlap", "mask", "expand", "match", "cluster", "regroup", "boxes", "illustrate"),
    "illustrate-overlaps",
)
_EVERY = 0.5


class Number(Inputs):
    """Which of a stage's tasks it is."""

    number: int


class Nothing(Output):
    """Nothing is written."""


def do_nothing(*_: object) -> Nothing:
    """A stage with nothing to do."""
    return Nothing()


def tasks_of(rows: int) -> dict[str, int]:
    """How many tasks of each stage a list of so many rows gives at its first run."""
    partition = choose_partition(rows)
    packets = partition.packets + (_LARGE_CLASSES if rows > 100_000 else 0)
    return {"acquire": partition.shards, **dict.fromkeys(_ONCE, 1), **dict.fromkeys(_BY_PACKET, packets)}


def measure(quick: bool) -> Result:
    """Runs each size, and tells what the server has of it."""
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        home = Path(name) / "prefect"
        set_prefect_apart(home)
        # Prefect is imported only now that it is set apart.
        from flows.runtime.server import prefect_server

        with prefect_server():
            for rows in _QUICK_ROWS if quick else _ROWS:
                found = _run(rows, Path(name) / str(rows), home)
                print(rows, {name: round(value, 3) for name, value in found.items()}, flush=True)
                figures |= {f"{name}_{rows}": value for name, value in found.items()}
    targets: dict[str, tuple[Comparison, float]] = {
        name: ("<=", 2000) for name in figures if name.startswith("task_runs")
    }
    return Result(figures, targets)


def _run(rows: int, root: Path, home: Path) -> dict[str, float]:
    from prefect import flow

    from flows.runtime.prefect_runner import PrefectRunner
    from flows.runtime.task_runner import task_runner
    from flows.settings import RunSettings
    from storage.root import Root

    tasks = tasks_of(rows)
    stages = {name: Stage(name, 1, do_nothing, Nothing, (), 1, 0) for name in tasks}

    @flow(name=f"nothing-{rows}", persist_result=False)
    def nothing() -> None:
        with task_runner(RunSettings()) as runner:
            own = PrefectRunner(Root(str(root)), runner, list(stages.values()))
            for name, count in tasks.items():
                own.each(stages[name], {f"{number:03d}": Number(number=number) for number in range(count)}, None)

    before, server, cpu, begun = _database(home), _server_cpu(), process_time(), monotonic()
    with _asking() as waits:
        nothing()
    return {
        "task_runs": sum(tasks.values()),
        "seconds": monotonic() - begun,
        "cpu": process_time() - cpu,
        "server_cpu": _server_cpu() - server,
        "database_mb": (_database(home) - before) / 1e6,
        "answer_median_s": float(np.median(waits)),
        "answer_longest_s": max(waits),
    }


@contextmanager
def _asking() -> Iterator[list[float]]:
    """Asks what the page of a run asks, and how long each answer took."""
    from prefect.client.orchestration import get_client

    waits, ended = list[float](), threading.Event()

    def ask() -> None:
        with get_client(sync_client=True) as client:
            while not ended.wait(_EVERY):
                begun = monotonic()
                client.read_flow_runs(limit=50)
                client.read_task_runs(limit=50)
                waits.append(monotonic() - begun)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield waits
    finally:
        ended.set()
        asking.join()


def _server_cpu() -> float:
    times = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
    return float(sum(time.user + time.system for time in times))


def _database(home: Path) -> int:
    return sum(path.stat().st_size for path in home.glob("prefect.db*"))
