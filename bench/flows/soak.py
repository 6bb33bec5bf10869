"""The claim: a list that rots is regenerated on a schedule, again and again, and nothing grows but what is kept.

`cairn up` starts a server and workers on the deployments of `prefect.yaml`, with the demo's list in place of its own: a
schedule starts a curation every minute and a half, or when the one before has ended. Rows leave the list and come back
between two of them, `cairn gc` removes what is not kept, and the last two versions start a training, and this an index.
"""

import csv
import subprocess
import sys
import tempfile
import time
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from bench.harness.result import Comparison, Figure, Result
from bench.harness.surroundings import demo_photos, set_prefect_apart
from demo import site
from demo.site import DemoList
from storage.manifest import IndexManifest, Manifest, NetworkManifest
from storage.root import Root
from storage.verify import verify_version

if TYPE_CHECKING:
    from bench.flows.soak_runs import Runs

_PROJECT = Path(__file__).parents[2] / "prefect.yaml"
_NAME = "landmarks"
_ROUNDS, _QUICK_ROUNDS = 20, 3
_HANDED_OVER = 2  # rounds at the end that start training and indexing
_SETTLED = 3  # rounds after which memory and disk are compared with those of the end
_EVERY = 90  # seconds
_AWAY = 0.1  # share of the rows that are not in the list of a round
_KEPT = 3
_PAUSE = 1.0
_PATIENCE = 900.0  # seconds for training and indexing to begin and end
_TARGETS: dict[str, tuple[Comparison, float]] = {
    "lost_runs": ("==", 0),
    "wrong_files": ("==", 0),
    "server_memory_growth": ("<=", 1.1),
    "worker_memory_growth": ("<=", 1.1),
    "disk_growth": ("<=", 1.1),
}
_FEW = {
    "describe": {"backbone": "efficientnet-lite0", "longest_sides": [128]},
    "whiten": {"dimensions": 32},
}
_FEW_STEPS = {"iterations": 4, "longest_sides": [128], "mining": {"pool": 40, "batch": 4}, "validation": {"every": 4}}


def measure(quick: bool) -> Result:
    """Has the schedule regenerate, and looks after each run at memory, database and disk."""
    rounds = _QUICK_ROUNDS if quick else _ROUNDS
    with tempfile.TemporaryDirectory() as name, chdir(name):
        folder = Path(name)
        set_prefect_apart(folder / ".cairn")
        port = site.choose_port(0)
        listed = site.build(folder / "demo", port, demo_photos())
        with site.serve(listed.folder, port):
            seen, lost = _soak(folder, listed, port, rounds)
    return Result(_figures(seen, lost), _TARGETS if not quick else {"lost_runs": ("==", 0), "wrong_files": ("==", 0)})


def _soak(folder: Path, listed: DemoList, port: int, rounds: int) -> tuple[list[dict[str, float]], int]:
    """What was seen after each run of the schedule, and how many runs did not end well or did not come."""
    from bench.flows.soak_runs import Runs  # imports Prefect, which is set apart by now

    seen, begun = list[dict[str, float]](), time.monotonic()
    _rot(listed, 0)
    _write_project(folder, listed, port, hand_over=False)
    with Runs.of(folder / ".cairn", site.choose_port(0)) as runs:
        while len(seen) < rounds:
            while runs.count_ended("curate") <= len(seen):
                time.sleep(_PAUSE)
            _rot(listed, len(seen) + 1)
            _collect_garbage(folder)
            seen.append(_look(folder, time.monotonic() - begun))
            print(len(seen), {what: round(value, 1) for what, value in seen[-1].items()}, flush=True)
            if len(seen) == rounds - _HANDED_OVER:
                _write_project(folder, listed, port, hand_over=True)
                runs.deploy()
        runs.end_schedule()
        missing = _await_hand_over(runs)
        for kind in (NetworkManifest, IndexManifest):
            seen[-1]["wrong"] += len(verify_version(Root(str(folder / "root")), _NAME, "latest", kind).wrong)
        return seen, runs.count_lost() + missing


def _await_hand_over(runs: "Runs") -> int:
    """Waits for the runs that versions and networks start, and counts those that never came."""
    end = time.monotonic() + _PATIENCE
    while True:
        missing = sum(max(0, _HANDED_OVER - runs.count_ended(flow)) for flow in ("train", "index"))
        if (runs.are_idle() and not missing) or time.monotonic() > end:
            return missing
        time.sleep(_PAUSE)


def _write_project(folder: Path, listed: DemoList, port: int, *, hand_over: bool) -> None:
    """The deployments of the repository, with the demo's list and networks that a CPU trains in seconds."""
    project = yaml.safe_load(_PROJECT.read_text())
    deployed = {one["entrypoint"]: one for one in project["deployments"] if one["name"] in ("weekly", _NAME)}
    for one in deployed.values():
        one["parameters"] |= {"root": str(folder / "root"), "run": {}}
        one["concurrency_limit"] = {"limit": 1, "collision_strategy": "ENQUEUE"}
        if not hand_over:
            one.pop("triggers", None)
    weekly, train, index = (deployed[f"flows.{flow}.{flow}"] for flow in ("curate", "train", "index"))
    weekly["schedules"] = [{"interval": _EVERY}]
    weekly["parameters"] |= {
        "source": {"path": str(_rotted(listed))},
        "test_sets": {"demo_tests": str(listed.testset)},
        "gate": {"images_lost": 1},
        "run": {"refetch": "revalidate"},
        "settings": _curate_settings(port),
    }
    train["parameters"]["settings"] = _FEW | {"train": _FEW_STEPS}
    index["parameters"]["settings"] = _FEW
    (folder / "prefect.yaml").write_text(yaml.safe_dump(project | {"deployments": list(deployed.values())}))


def _curate_settings(port: int) -> dict[str, Any]:
    hosts = list(site.allowed_hosts(port))
    acquire = {"deadline": 3.0, "read_timeout": 3.0, "attempts": 1, "allowed_hosts": hosts}
    return {"acquire": acquire, "polite": {"host_rate": 1000.0, "host_connections": 8}}


def _rotted(listed: DemoList) -> Path:
    return listed.folder / "rotted.csv"


def _rot(listed: DemoList, number: int) -> None:
    """Writes the list of a round: most rows, others each time."""
    with listed.list_path.open(newline="") as file:
        header, *lines = csv.reader(file)
    stays = np.random.default_rng(number).random(len(lines)) >= _AWAY
    new = _rotted(listed).with_suffix(".new")
    with new.open("w", newline="") as file:
        csv.writer(file).writerows([header, *(line for line, stay in zip(lines, stays, strict=True) if stay)])
    new.replace(_rotted(listed))


def _collect_garbage(folder: Path) -> None:
    """`cairn gc`, which is refused while a run goes on; then it is for after the next."""
    command = [sys.executable, "-m", "flows.commands.cli", "gc", "--keep", str(_KEPT), "--delete"]
    ended = subprocess.run([*command, "--root", str(folder / "root")], check=False, capture_output=True, text=True)
    if ended.returncode not in (0, 2):
        raise SystemExit(f"cairn gc ended with {ended.returncode}: {ended.stderr}")


def _look(folder: Path, seconds: float) -> dict[str, float]:
    from flows.operating import processes

    root, home = Root(str(folder / "root")), folder / ".cairn"
    wrong = verify_version(root, _NAME, "latest", Manifest).wrong
    for line in wrong:
        print(line, flush=True)
    found = {name: processes.find(home, name) for name in ("server", "worker")}
    if None in found.values():
        raise SystemExit(f"of server and worker one has ended; their logs are in {home}")
    return {
        "seconds": seconds,
        "wrong": len(wrong),
        **{f"{name}_memory": process.memory_info().rss / 1e6 for name, process in found.items() if process},
        "database": sum(path.stat().st_size for path in home.glob("prefect.db*")) / 1e6,
        "logs": sum(path.stat().st_size for path in home.glob("*.log")) / 1e6,
        "disk": sum(root.find("").values()) / 1e6,
    }


def _figures(seen: list[dict[str, float]], lost: int) -> dict[str, Figure]:
    settled, last = seen[min(_SETTLED, len(seen)) - 1], seen[-1]
    curated = seen[max(_SETTLED, len(seen) - _HANDED_OVER) - 1]  # before networks and indexes came, which are kept
    rounds = max(1, len(seen) - _SETTLED)
    return {
        "rounds": len(seen),
        "lost_runs": lost,
        "wrong_files": sum(one["wrong"] for one in seen),
        **{f"{name}_mb": settled[name] for name in ("server_memory", "worker_memory", "disk")},
        **{f"{name}_growth": last[name] / settled[name] for name in ("server_memory", "worker_memory")},
        "disk_growth": curated["disk"] / settled["disk"],
        **{f"{name}_mb_a_round": (last[name] - settled[name]) / rounds for name in ("database", "logs")},
        "seconds_a_round": (last["seconds"] - settled["seconds"]) / rounds,
    }
