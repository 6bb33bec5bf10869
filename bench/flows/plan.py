"""The claim: the CPU that `cairn plan` tells of a list is within a factor of two of what its stages then take.

The stages run without Prefect and on one thread, so that each one's CPU is its own. `--quick` takes the demo's list, of
which most is not an image and costs were measured on drawn pictures; else the photographs that developers have beside
the repository (`SHARED_DATA`), with test sets, and costs measured on some of them.
"""

import os
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import process_time

from bench.harness.local_runner import LocalRunner
from bench.harness.result import Result
from bench.harness.surroundings import SHARED_DATA, demo_photos
from demo import site
from flows.curate import run_curation
from flows.planning.plan import Plan, plan_curation
from flows.request import check_request
from flows.settings import CurateSettings
from storage.root import Root
from tasks.acquire.settings import AcquireSettings, FetchPolicy, ListSettings
from tasks.contracts import I, O, S, Stage

_TOLD_AS = {"mask": "overlays", "expand": "overlap", "illustrate-classes": "illustrate", "regroup": "cluster"}
_TOLD = ("acquire", "features", "signature", "overlap", "overlays", "match", "classes", "illustrate")

_KEPT = {
    "image": ["images"],
    "keypoint": ["stages/features"],
    "picture": ["stages/illustrate", "stages/illustrate-classes", "versions"],
}


class ClockedRunner(LocalRunner):
    """A runner that adds up the CPU seconds of each stage."""

    def __init__(self, root: Root, pool: ThreadPoolExecutor) -> None:
        super().__init__(root, pool)
        self.seconds = defaultdict[str, float](float)

    def _each(
        self, pool: ThreadPoolExecutor, stage: Stage[I, S, O], inputs: Mapping[str, I], settings: S
    ) -> dict[str, O]:
        begun = process_time()
        outputs = super()._each(pool, stage, inputs, settings)
        self.seconds[_TOLD_AS.get(stage.name, stage.name)] += process_time() - begun
        return outputs


def measure(quick: bool) -> Result:
    """Plans, curates, and compares."""
    with tempfile.TemporaryDirectory() as name, _work(Path(name), quick) as (listed, tests, settings):
        root = Root(f"{name}/root")
        plan = plan_curation(listed, settings, root.url, None, tests, workers=1)
        request = check_request(ListSettings(path=listed), "bench", root.url, tests)
        with ThreadPoolExecutor(1) as pool:
            runner = ClockedRunner(root, pool)
            children = _children_seconds()
            run_curation(runner, request, settings, FetchPolicy())
            runner.seconds["acquire"] += _children_seconds() - children  # that is where images are inspected
        written = {kind: sum(_bytes(Path(name, "root", path)) for path in paths) for kind, paths in _KEPT.items()}
    return _compare(plan, runner.seconds, written)


@contextmanager
def _work(folder: Path, quick: bool) -> Iterator[tuple[Path, dict[str, Path], CurateSettings]]:
    """The list, its test sets and its settings."""
    if not quick and SHARED_DATA.is_dir():
        tests = {path.name: path for path in sorted((SHARED_DATA / "testsets").iterdir())}
        yield SHARED_DATA / "landmarks", tests, CurateSettings()
        return
    port = site.choose_port(0)
    listed = site.build(folder / "demo", port, demo_photos())
    # Two addresses of the site drip bytes for ever, and would only be waited for.
    acquire = AcquireSettings(deadline=3.0, read_timeout=3.0, attempts=2, allowed_hosts=(f"127.0.0.1:{port}",))
    with site.serve(listed.folder, port):
        yield listed.list_path, {"demo_tests": listed.testset}, CurateSettings(acquire=acquire)


def _compare(plan: Plan, seconds: Mapping[str, float], written: Mapping[str, int]) -> Result:
    told = {work.stage: work.seconds for work in plan.works}
    print("stage        told, s  taken, s")
    for stage in _TOLD:
        print(f"{stage:12}{told.get(stage, 0.0):8.1f}{seconds.get(stage, 0.0):10.1f}")
    taken = sum(seconds.values())
    rest = sum(spent for stage, spent in seconds.items() if stage not in _TOLD)
    print(f"{'others':12}{'':8}{rest:10.1f}", flush=True)
    figures = {
        "told_seconds": plan.cpu_seconds,
        "taken_seconds": taken,
        "told_by_taken": plan.cpu_seconds / taken,
        **{f"{kind}_bytes_told_by_taken": getattr(plan, f"{kind}_bytes") / count for kind, count in written.items()},
        "planning_seconds": plan.sample.seconds,
    }
    return Result(figures, {} if plan.sample.is_drawn else {"told_by_taken": ("<=", 2.0)})


def _children_seconds() -> float:
    spent = os.times()
    return spent.children_user + spent.children_system


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
