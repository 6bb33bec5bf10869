"""The claim: whatever breaks, nothing false is published and nothing is lost, and one clear line says what to do."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.faults.addresses import fetch_hostile
from bench.faults.damage import damage_versions
from bench.faults.groundtruth import mutate_ground_truth
from bench.faults.kills import fill_disks, kill_runs, undisturbed
from bench.faults.races import race
from bench.faults.result import Drill, markdown
from bench.faults.work import prepare
from bench.result import Comparison, Result
from bench.surroundings import set_prefect_apart


def measure(quick: bool) -> Result:
    """Injects faults of every kind into curations of views of the demo's photographs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        set_prefect_apart(folder / "prefect")
        drills = list(_drills(folder, quick=quick))
    print(*markdown(drills), sep="\n")
    return _judge(drills)


def _drills(folder: Path, *, quick: bool) -> Iterator[Drill]:
    work = prepare(folder)
    digest, seconds = undisturbed(work, folder)
    yield _shown(mutate_ground_truth(quick=quick))
    yield _shown(fetch_hostile(folder))
    yield _shown(damage_versions(work, folder, folder / "undisturbed", digest, quick=quick))
    yield from map(_shown, race(work, folder, digest, quick=quick))
    yield _shown(kill_runs(work, folder, digest, seconds, quick=quick))
    full = fill_disks(work, folder, digest, quick=quick)
    if full:
        yield _shown(full)
    else:
        print("disk full: not tried, since this user may not mount a file system", flush=True)


def _shown(drill: Drill) -> Drill:
    print(drill, flush=True)
    return drill


def _judge(drills: Sequence[Drill]) -> Result:
    figures = {
        "injected": sum(drill.injected for drill in drills),
        "survived": sum(drill.survived for drill in drills),
        "rows_lost": sum(drill.lost for drill in drills),
        "false": sum(drill.injected - drill.same for drill in drills if drill.same is not None),
    }
    targets: dict[str, tuple[Comparison, float]] = {
        "survived": ("==", figures["injected"]),
        "rows_lost": ("==", 0),
        "false": ("==", 0),
    }
    return Result(figures, targets)
