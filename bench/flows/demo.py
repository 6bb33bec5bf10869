"""The claim: the demo's list becomes a clean set without a leak; with the seconds that each stage takes."""

import csv
import math
import tempfile
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pyarrow.parquet as pq

from bench.harness.result import Comparison, Result
from bench.harness.surroundings import demo_photos, set_prefect_apart
from demo import site, truth
from demo.site import DemoList

# With a landmark of the test set, copies of its photographs, and a placeholder
_QUICK_CLASSES = ("notre_dame", "kiosk", "sacre_coeur")
_TARGETS: dict[str, tuple[Comparison, float]] = {
    "leaks": ("==", 0),
    "f1": (">=", 0.97),
    "mean_iou": (">=", 0.80),
    "iou_above_half": (">=", 0.95),
}


def measure(quick: bool) -> Result:
    """Curates the demo's list, served from this machine, into a fresh root, and scores the version."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        set_prefect_apart(folder / "prefect")
        port = site.choose_port(0)
        listed = site.build(folder / "demo", port, demo_photos())
        listed = _choose_classes(listed) if quick else listed
        print(f"curating {listed.rows} rows of the demo's list …", flush=True)
        clock = StageClock()
        started = monotonic()
        with site.serve(listed.folder, port):
            version = _curate(listed, port, folder / "root", clock)
        total = monotonic() - started
        return _judge(listed, version, {**clock.seconds, "total": total})


def _choose_classes(listed: DemoList) -> DemoList:
    """The demo of a few classes: its list and its truth without the lines of the others."""
    with listed.list_path.open(newline="") as file:
        header, *lines = csv.reader(file)
    chosen = [line for line in lines if line[2] in _QUICK_CLASSES]
    rows = [row for row in truth.read(listed.truth_path) if row.landmark_id in _QUICK_CLASSES]
    few = replace(
        listed, list_path=listed.folder / "few.csv", truth_path=listed.folder / "few.parquet", rows=len(chosen)
    )
    with few.list_path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *chosen])
    truth.write([replace(row, row=index) for index, row in enumerate(rows)], few.truth_path)
    return few


class StageClock:
    """A listener that keeps the seconds from a stage's beginning to its last task's end."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._begun: dict[str, float] = {}

    def on_progress(self, stage: str, done: int, total: int, _: str) -> None:
        """Called by the stage runner at the beginning of a stage and after each of its tasks."""
        begun = self._begun.setdefault(stage, monotonic())
        if done == total:
            self.seconds[stage] = monotonic() - begun


def _curate(listed: DemoList, port: int, root: Path, clock: StageClock) -> Path:
    """The folder of the version that the flow made of the list."""
    # Prefect is imported only now that it is set apart.
    from flows.curate import curate
    from flows.runtime.progress import listener
    from flows.runtime.server import prefect_server
    from flows.settings import CurateSettings
    from tasks.acquire.settings import AcquireSettings, ListSettings, PoliteSettings

    # Two addresses of the site drip bytes for ever, and would only be waited for.
    acquire = AcquireSettings(deadline=3.0, read_timeout=3.0, attempts=2, allowed_hosts=site.allowed_hosts(port))
    polite = PoliteSettings(host_rate=1000.0, host_connections=8)
    tests = {"demo_tests": listed.testset}
    token = listener.set(clock.on_progress)
    try:
        with prefect_server():
            curated = curate(
                ListSettings(path=listed.list_path),
                "demo",
                str(root),
                tests,
                CurateSettings(acquire=acquire, polite=polite),
            )
    finally:
        listener.reset(token)
    return root / curated.version.folder


def _judge(listed: DemoList, version: Path, seconds: dict[str, float]) -> Result:
    score = truth.score_version(version, listed.truth_path)
    figures = {
        "rows_in": listed.rows,
        "rows_out": pq.read_metadata(version / "verdicts.parquet").num_rows,
        "leaks": len(score.leaks),
        "f1": score.overall.f1,
        "precision": score.overall.precision,
        "recall": score.overall.recall,
        "reasons_right": score.reasons_right,
        "mean_iou": score.mean_iou,
        "iou_above_half": score.iou_above_half,
        **{f"{stage}_seconds": spent for stage, spent in seconds.items()},
    }
    known = {name: None if math.isnan(figure) else round(figure, 4) for name, figure in figures.items()}
    return Result(known, {**_TARGETS, "rows_out": ("==", listed.rows)})
