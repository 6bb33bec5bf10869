"""The claim: Prefect adds at most 5 % of CPU to the work of the curate flow, on about 900 rows.

The flow and the same work without Prefect run by turns over one folder of images, with as many threads, each time in
a fresh process on a fresh root. The time to start up and the CPU of Prefect's server are given apart.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import time

from bench.harness.result import Comparison, Result
from bench.harness.surroundings import SHARED_DATA, demo_photos, set_prefect_apart
from demo import photos, views
from demo.catalogue import PHOTOS
from demo.plan import LANDMARKS, TEST_SET

_ROWS = 900
_REPEATS = 1
_TARGET: tuple[Comparison, float] = ("<=", 1.05)
_QUICK_ROWS = 32
# What a run costs once, such as its artifacts and the first use of Prefect's engine, weighs more on little work.
_QUICK_TARGET: tuple[Comparison, float] = ("<=", 1.3)


@dataclass(frozen=True)
class Cost:
    """What `bench.flows.curate_once` tells of a run, and the seconds until its work began."""

    startup: float
    seconds: float
    cpu: float
    server_cpu: float
    task_runs: int
    rows: int
    digest: str


def measure(quick: bool) -> Result:
    """Curates by turns without and with Prefect, and compares the medians."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        set_prefect_apart(folder / "prefect")
        images, tests = _choose_work(folder, quick)
        plain, flow = [], []
        for repeat in range(1 if quick else _REPEATS):
            plain.append(carry_out("plain", images, tests, folder / f"plain-{repeat}"))
            flow.append(carry_out("flow", images, tests, folder / f"flow-{repeat}"))
    return _compare(plain, flow, _QUICK_TARGET if quick else _TARGET)


def _choose_work(folder: Path, quick: bool) -> tuple[Path, dict[str, Path]]:
    """The folder of images to curate, and the test sets."""
    landmarks = SHARED_DATA / "landmarks"
    if landmarks.is_dir() and not quick:
        print(f"work: the photographs in {landmarks}", flush=True)
        return landmarks, {path.name: path for path in sorted((SHARED_DATA / "testsets").iterdir())}
    rows = _QUICK_ROWS if quick else _ROWS
    print(f"work: {rows} views of the demo's photographs", flush=True)
    names = [landmark.core[0][0] for landmark in LANDMARKS]
    return shoot_landmarks(folder / "images", rows, names), {"demo_tests": shoot_tests(folder / "tests")}


def shoot_landmarks(folder: Path, rows: int, names: Sequence[str]) -> Path:
    """A folder of as many views as rows: a class for each of these photographs of the demo, all of one size."""
    cache = demo_photos()
    for index, name in enumerate(names):
        photo = photos.read(name, cache)
        (folder / name).mkdir(parents=True)
        for number in range(index, rows, len(names)):
            recipe = views.draw(f"bench-{number}", (photo.shape[0], photo.shape[1]), PHOTOS[name].box)
            (folder / name / f"{number:04d}.jpg").write_bytes(views.shoot(photo, recipe).jpeg)
    return folder


def shoot_tests(folder: Path) -> Path:
    """The demo's test set."""
    folder.mkdir()
    for stem, name in TEST_SET.items():
        photo = photos.read(name, demo_photos())
        (folder / f"{stem}.jpg").write_bytes(views.shoot(photo, views.AS_SHIPPED).jpeg)
    return folder


def carry_out(way: str, images: Path, tests: dict[str, Path], root: Path) -> Cost:
    """Curates a folder in a process of its own; the memo of the root counts, if it has one."""
    sets = json.dumps({name: str(path) for name, path in tests.items()})
    arguments = [way, str(images), sets, str(root), str(os.cpu_count() or 1)]
    command = [sys.executable, "-m", "bench.flows.curate_once", *arguments]
    started = time()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    cost = Cost(startup=told.pop("begun") - started, **told)
    print(f"{way:5} {cost.cpu:7.1f} s of CPU in {cost.seconds:.1f} s, after {cost.startup:.1f} s to start", flush=True)
    return cost


def _compare(plain: list[Cost], flow: list[Cost], target: tuple[Comparison, float]) -> Result:
    done = {(cost.rows, cost.task_runs, cost.digest) for cost in plain + flow}
    if len(done) != 1:
        raise RuntimeError(f"the runs did not do the same work (rows, task runs, digest of the version): {done}")
    flow_cpu, plain_cpu = (median(cost.cpu for cost in costs) for costs in (flow, plain))
    figures = {
        "rows": flow[0].rows,
        "task_runs": flow[0].task_runs,
        "cpu_ratio": round(flow_cpu / plain_cpu, 4),
        "flow_cpu_seconds": round(flow_cpu, 2),
        "plain_cpu_seconds": round(plain_cpu, 2),
        "server_cpu_seconds": round(median(cost.server_cpu for cost in flow), 2),
        "startup_seconds": round(median(cost.startup for cost in flow), 2),
        "plain_startup_seconds": round(median(cost.startup for cost in plain), 2),
    }
    return Result(figures, {"cpu_ratio": target})
