"""The claims: acquire costs less CPU an image than img2dataset does, takes no longer, and its memory does not grow.

Both fetch the same photographs, each address with bytes of its own, from an nginx of the bench on loopback, with two
processes and 32 connections; both decode every photograph and write files. img2dataset neither resizes nor re-encodes;
Cairn keeps the guard, all hashes and the tables. Costs are those of the whole tree of processes from start to end,
without the server. Start-up apart is what the larger list costs more than the smaller one.
"""

import json
import subprocess
import sys
import tempfile
from itertools import count
from pathlib import Path
from statistics import median

from bench.fetching.acquire_site import serve, write_pictures
from bench.harness.peers import interpreter
from bench.harness.result import Comparison, Figure, Result
from bench.harness.spent import Spent, spent
from tasks.acquire.address import host_of
from tasks.acquire.settings import AcquireSettings, FetchPolicy, PoliteSettings

_SMALL, _LARGE = 2_000, 20_000
_QUICK_SMALL, _QUICK_LARGE = 200, 1_000
_ROUNDS = 5
_MEMORY_ROWS = 1_000
_PARTS_ROWS = 600
_PROCESSES, _CONNECTIONS = 2, 32
_PICTURES = Path(__file__).parents[2] / "data/bench/acquire"
_SETTINGS = AcquireSettings()
_TARGETS: dict[str, tuple[Comparison, float]] = {
    "ratio_all_in": (">=", 1.5),
    "ratio_start_apart": (">=", 1.1),
    "wall_ratio_small": (">=", 1),
    "wall_ratio_large": (">=", 1),
    "peak_over_bound": ("<=", 1),
    "peak_growth": ("<=", 1.1),
}


def measure(quick: bool) -> Result:
    """Lets both fetch a small and a large list, in turn."""
    small, large = (_QUICK_SMALL, _QUICK_LARGE) if quick else (_SMALL, _LARGE)
    write_pictures(_PICTURES, large)
    # All that is written stays until the end: to make files where as many were just removed costs a file system more
    with tempfile.TemporaryDirectory() as name, serve(_PICTURES, Path(name) / "nginx") as site:
        sides = _Sides(site, Path(name))
        rounds = [(sides.cairn(small), sides.img2dataset(small)) for _ in range(1 if quick else _ROUNDS)]
        ours, theirs = (_middle([costs[side] for costs in rounds]) for side in (0, 1))
        ours_large, theirs_large = sides.cairn(large), sides.img2dataset(large)
        single, few = sides.cairn(small, inspectors=1), sides.cairn(small if quick else _MEMORY_ROWS)
        _print_parts(site, min(_PARTS_ROWS, small))
    more = large - small
    bound = _CONNECTIONS * _SETTINGS.max_bytes + _PROCESSES * 4 * _SETTINGS.max_pixels + 600_000_000
    our_row, their_row = (_milliseconds(b.cpu - a.cpu, more) for a, b in ((ours, ours_large), (theirs, theirs_large)))
    figures: dict[str, Figure] = {
        "our_ms_all_in": _milliseconds(ours.cpu, small),
        "their_ms_all_in": _milliseconds(theirs.cpu, small),
        "ratio_all_in": theirs.cpu / ours.cpu,
        "our_ms_start_apart": our_row,
        "their_ms_start_apart": their_row,
        "ratio_start_apart": their_row / our_row,
        "our_seconds_small": ours.seconds,
        "our_seconds_large": ours_large.seconds,
        "wall_ratio_small": theirs.seconds / ours.seconds,
        "wall_ratio_large": theirs_large.seconds / ours_large.seconds,
        "two_inspectors_speedup": _stage_seconds(single) / _stage_seconds(ours),
        "our_peak_megabytes_few": few.peak / 1e6,
        "our_peak_megabytes": ours_large.peak / 1e6,
        "their_peak_megabytes": theirs_large.peak / 1e6,
        "peak_over_bound": ours_large.peak / bound,
        "peak_growth": ours_large.peak / few.peak,
    }
    return Result(figures, {} if quick else _TARGETS)


def _print_parts(site: str, rows: int) -> None:
    """Where a row's milliseconds go; of no claim."""
    command = [sys.executable, "-m", "bench.fetching.acquire_parts", site, str(rows)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    for part, milliseconds in json.loads(done.stdout.splitlines()[-1]).items():
        print(f"{part:20} {milliseconds:6.3f} ms a row", flush=True)


class _Sides:
    """Fetches lists from the site, each into a folder of its own."""

    def __init__(self, site: str, folder: Path) -> None:
        self._site, self._folder, self._runs = site, folder, count()

    def cairn(self, rows: int, inspectors: int = _PROCESSES) -> Spent:
        """Ours; one host gives everything, so what keeps real hosts from harm is set out of the way."""
        polite = PoliteSettings(
            contact="a bench on this machine", connections=_CONNECTIONS, host_connections=_CONNECTIONS, host_rate=1e6
        )
        policy = FetchPolicy(polite=polite, inspectors=inspectors)
        folder = self._new_folder()
        lines = (f"{n},{self._site}/{n:05d}.jpg,class-{n % 50}" for n in range(rows))
        (folder / "list.csv").write_text("\n".join(["id,url,landmark_id", *lines, ""]))
        arguments = [str(folder / "list.csv"), str(folder / "root")]
        settings = AcquireSettings(allowed_hosts=(host_of(self._site),))
        arguments += [settings.model_dump_json(), policy.model_dump_json()]
        cost = spent([sys.executable, "-m", "bench.fetching.acquire_once", *arguments])
        _report("Cairn", rows, cost, folder / "root/images")
        return cost

    def img2dataset(self, rows: int) -> Spent:
        """The peer's; so many rows a shard that each process has its share."""
        folder = self._new_folder()
        (folder / "list.txt").write_text("".join(f"{self._site}/{n:05d}.jpg\n" for n in range(rows)))
        options = {
            "output_folder": folder / "out",
            "processes_count": _PROCESSES,
            "thread_count": _CONNECTIONS // _PROCESSES,
            "number_sample_per_shard": min(1_000, rows // _PROCESSES),
            "resize_mode": "no",
            "skip_reencode": True,
            "output_format": "files",
        }
        command = [str(interpreter("img2dataset").with_name("img2dataset")), str(folder / "list.txt")]
        command += [f"--{option}={value}" for option, value in options.items()]
        cost = spent(command, {"NO_ALBUMENTATIONS_UPDATE": "1"})  # it would ask the network for its newest version
        _report("img2dataset", rows, cost, folder / "out")
        return cost

    def _new_folder(self) -> Path:
        folder = self._folder / f"run-{next(self._runs)}"
        folder.mkdir()
        return folder


def _report(who: str, rows: int, cost: Spent, images: Path) -> None:
    stored = sum(1 for _ in images.rglob("*.jpg"))
    if stored != rows:
        raise SystemExit(f"{who} stored {stored:,} of {rows:,} photographs: this would compare what is not alike")
    print(
        f"{who:12} {rows:6,} rows {cost.cpu:7.1f} s CPU ({_milliseconds(cost.cpu, rows):.2f} ms each) "
        f"{cost.seconds:6.1f} s {cost.peak / 1e6:5.0f} MB",
        flush=True,
    )


def _middle(costs: list[Spent]) -> Spent:
    """The run of middling CPU, with the middling time: what else goes on in the machine shows in either."""
    by_cpu = sorted(costs, key=lambda cost: cost.cpu)[len(costs) // 2]
    return Spent(by_cpu.cpu, median(cost.seconds for cost in costs), by_cpu.peak, by_cpu.said)


def _milliseconds(seconds: float, rows: int) -> float:
    return 1000 * seconds / rows


def _stage_seconds(cost: Spent) -> float:
    return float(json.loads(cost.said)["seconds"])
