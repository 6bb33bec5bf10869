"""The claim: whatever breaks, nothing false is published and nothing is lost, and one clear line says what to do."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.faults.addresses import fetch_hostile
from bench.faults.damage import damage_versions
from bench.faults.disks import fill_disks
from bench.faults.kills import kill_runs
from bench.faults.mutants import mutate_ground_truth
from bench.faults.races import race_commands
from bench.faults.result import Drill, markdown
from bench.faults.work import prepared, undisturbed
from bench.faults.worker import Worker
from bench.harness.result import Comparison, Figure, Result
from bench.harness.surroundings import set_prefect_apart


def measure(quick: bool) -> Result:
    """Injects faults of every kind into curations of views of the demo's photographs, served from this machine."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        set_prefect_apart(folder / "prefect")
        del os.environ["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"]  # what the command itself makes of it is drilled
        drills = list(_drills(folder, quick=quick))
    print(*markdown(drills), sep="\n")
    return _judge(drills)


def _drills(folder: Path, *, quick: bool) -> Iterator[Drill]:
    from flows.runtime.server import prefect_server  # sets Prefect up, which must be apart by then

    with (
        prepared(folder) as work,
        prefect_server(),
        Worker(folder / "one.log") as one,
        Worker(folder / "two.log") as two,
    ):
        work = undisturbed(work, one)
        yield _shown(mutate_ground_truth(quick=quick))
        yield _shown(fetch_hostile(work, one))
        yield from map(_shown, race_commands(work, (one, two), quick=quick))
        full = fill_disks(work, one, quick=quick)
        if full:
            yield _shown(full)
        else:
            print("disk full: not tried, since this user may not mount a file system", flush=True)
        yield from map(_shown, kill_runs(work, one, quick=quick))
        yield from map(_shown, damage_versions(work, one, quick=quick))


def _shown(drill: Drill) -> Drill:
    print(drill, flush=True)
    return drill


def _judge(drills: Sequence[Drill]) -> Result:
    figures: dict[str, Figure] = {
        "injected": sum(drill.injected for drill in drills),
        "survived": sum(drill.survived for drill in drills),
        "rows_lost": sum(drill.lost for drill in drills),
        "other_digest": sum(drill.injected - drill.same for drill in drills if drill.same is not None),
        "slowest_clear_line": max((drill.seconds for drill in drills if drill.seconds is not None), default=None),
    }
    targets: dict[str, tuple[Comparison, float]] = {
        "survived": ("==", sum(drill.injected for drill in drills)),
        "rows_lost": ("==", 0),
        "other_digest": ("==", 0),
        "slowest_clear_line": ("<=", 10.0),
    }
    return Result(figures, targets)
