"""The claims: `captions` takes Visual Genome in 1.5 GB, and encodes it in an eighth of the plain way's CPU.

Files of the official sizes are made of real phrases and new words (`bench/captions_data.py`: synthetic). The flow runs
over 1,000, 10,000 and all 108,077 images; the plain way and the flow's stages encode the same file; and the neighbours
of all images are found, and checked against brute force on some. Each in a process of its own; memory is the high-water
mark of that process from its start, with its largest child added. The Prefect server is a process of the bench, and not
in it.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.captions.captions_data import FULL_SCALE, write_genome
from bench.harness.result import Comparison, Figure, Result
from bench.harness.surroundings import set_prefect_apart

_SIZES = (1_000, 10_000, FULL_SCALE)
_QUICK_SIZES = (500, 2_000)
_TARGETS: dict[str, tuple[Comparison, float]] = {
    "flow_peak_gigabytes": ("<=", 1.5),
    "cpu_ratio": (">=", 8),
    "memory_ratio": (">=", 4),
    "neighbours_wrong": ("==", 0),
}
_QUICK_TARGETS: dict[str, tuple[Comparison, float]] = {
    "flow_peak_gigabytes": ("<=", 1.5),
    "cpu_ratio": (">=", 4),
    "neighbours_wrong": ("==", 0),
}
"""On little work both ways cost what libraries weigh, and stemming each different word: no ratio of memory then."""


def measure(quick: bool) -> Result:
    """Makes the files, and measures each piece of work."""
    sizes = _QUICK_SIZES if quick else _SIZES
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        set_prefect_apart(folder / "prefect")
        from flows.runtime.server import prefect_server

        with prefect_server():
            flows = [_flow(folder, images) for images in sizes]
        data, root = _data(folder, sizes[-1]), folder / f"root-{sizes[-1]}"
        ours, plain = (_carry_out(what, data, folder / what) for what in ("ours", "plain"))
        near = _carry_out("neighbours", data, root)
    figures: dict[str, Figure] = {
        "images": sizes[-1],
        **{f"flow_cpu_seconds_{flow['images']}": flow["cpu"] for flow in flows},
        **{f"flow_peak_megabytes_{flow['images']}": flow["peak"] / 1e6 for flow in flows},
        "flow_seconds": flows[-1]["seconds"],
        "flow_peak_gigabytes": flows[-1]["peak"] / 1e9,
        "plain_cpu_seconds": plain["cpu"],
        "our_cpu_seconds": ours["cpu"],
        "cpu_ratio": plain["cpu"] / ours["cpu"],
        "plain_peak_gigabytes": plain["peak"] / 1e9,
        "our_peak_gigabytes": ours["peak"] / 1e9,
        "memory_ratio": plain["peak"] / ours["peak"],
        "neighbours_cpu_seconds": near["cpu"],
        "neighbours_peak_gigabytes": near["peak_before_check"] / 1e9,
        "neighbours_pairs": near["pairs"],
        "neighbours_checked": near["checked"],
        "neighbours_wrong": near["wrong"],
    }
    return Result(figures, _QUICK_TARGETS if quick else _TARGETS)


def _data(folder: Path, images: int) -> Path:
    data = folder / f"genome-{images}"
    if not data.exists():
        data.mkdir()
        write_genome(data, images)
    return data


def _flow(folder: Path, images: int) -> dict[str, Any]:
    return _carry_out("flow", _data(folder, images), folder / f"root-{images}")


def _carry_out(what: str, data: Path, root: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.captions.captions_once", what, str(data), str(root)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    costs: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"{what:10} {costs['images']:7,} images {costs['cpu']:8.1f} s CPU {costs['peak'] / 1e6:8.0f} MB", flush=True)
    return costs
