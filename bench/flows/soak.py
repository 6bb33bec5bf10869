"""The claim: a list that rots is regenerated again and again, and nothing grows but what is kept.

The demo's list, of which rows leave and come back from round to round, curated over and over by one process on one root
with one Prefect server; every other round removes what is not kept, and the last two train a network and index by it.
"""

import csv
import tempfile
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import psutil

from bench.harness.result import Comparison, Result
from bench.harness.surroundings import demo_photos, set_prefect_apart
from demo import site
from demo.site import DemoList
from storage.manifest import IndexManifest, Manifest, NetworkManifest
from storage.retention import find_superfluous
from storage.root import Root
from storage.verify import verify_version

_ROUNDS, _QUICK_ROUNDS = 20, 3
_SETTLED = 3  # rounds after which memory and disk are compared with those of the end
_AWAY = 0.1  # share of the rows that are not in the list of a round
_KEPT = 3
_TARGETS: dict[str, tuple[Comparison, float]] = {
    "lost_runs": ("==", 0),
    "wrong_files": ("==", 0),
    "memory_growth": ("<=", 1.1),
    "server_memory_growth": ("<=", 1.1),
    "disk_growth": ("<=", 1.1),
}


def measure(quick: bool) -> Result:
    """Regenerates, and looks after each round at memory, database and disk."""
    rounds = _QUICK_ROUNDS if quick else _ROUNDS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        set_prefect_apart(folder / "prefect")
        port = site.choose_port(0)
        listed = site.build(folder / "demo", port, demo_photos())
        # Prefect is imported only now that it is set apart.
        from flows.runtime.server import prefect_server

        with site.serve(listed.folder, port), prefect_server():
            seen = [_round(number, rounds, listed, port, folder) for number in range(rounds)]
    return Result(_figures(seen), _TARGETS if not quick else {"lost_runs": ("==", 0), "wrong_files": ("==", 0)})


def _round(number: int, rounds: int, listed: DemoList, port: int, folder: Path) -> dict[str, float]:
    root, begun = Root(str(folder / "root")), monotonic()
    published = [_curate(_rot(listed, number), listed, port, root)]
    if number >= rounds - 2:
        published += _train_and_index(root)
    if number % 2:
        for path in find_superfluous(root, _KEPT).paths:
            root.remove(path)
    kinds = (Manifest, NetworkManifest, IndexManifest)[: len(published)]
    wrong = [line for kind in kinds for line in verify_version(root, "demo", "latest", kind).wrong]
    own, children = psutil.Process(), psutil.Process().children(recursive=True)
    found = {
        "seconds": monotonic() - begun,
        "lost": sum(folder is None for folder in published),
        "wrong": len(wrong),
        "memory": own.memory_info().rss / 1e6,
        "server_memory": max(child.memory_info().rss for child in children) / 1e6,
        "database": sum(path.stat().st_size for path in (folder / "prefect").glob("prefect.db*")) / 1e6,
        "disk": sum(root.find("").values()) / 1e6,
    }
    print(number, published[0], {name: round(value, 1) for name, value in found.items()}, *wrong, flush=True)
    return found


def _rot(listed: DemoList, number: int) -> Path:
    """The list of a round: most rows, others each time."""
    with listed.list_path.open(newline="") as file:
        header, *lines = csv.reader(file)
    stays = np.random.default_rng(number).random(len(lines)) >= _AWAY
    path = listed.folder / "rotted.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *(line for line, stay in zip(lines, stays, strict=True) if stay)])
    return path


def _curate(rotted: Path, listed: DemoList, port: int, root: Root) -> str | None:
    from flows.curate import curate
    from flows.settings import CurateSettings, CurationGate, RunSettings
    from tasks.acquire.settings import AcquireSettings, ListSettings, PoliteSettings

    acquire = AcquireSettings(deadline=3.0, read_timeout=3.0, attempts=1, allowed_hosts=site.allowed_hosts(port))
    settings = CurateSettings(acquire=acquire, polite=PoliteSettings(host_rate=1000.0, host_connections=8))
    asked: dict[str, Any] = {"run": RunSettings(refetch="revalidate"), "gate": CurationGate(images_lost=1)}
    tests = {"demo_tests": listed.testset}
    state = curate(ListSettings(path=rotted), "demo", root.url, tests, settings, return_state=True, **asked)
    return str(state.result().version.folder) if state.is_completed() else None


def _train_and_index(root: Root) -> list[str | None]:
    from flows.index import index
    from flows.settings import IndexFlowSettings, TrainFlowSettings
    from flows.train import train

    describe = {"backbone": "efficientnet-lite0", "longest_sides": [128]}
    whiten = {"dimensions": 32}
    few = {"iterations": 4, "longest_sides": [128], "mining": {"pool": 40, "batch": 4}, "validation": {"every": 4}}
    trained = train(
        root=root.url,
        settings=TrainFlowSettings.model_validate({"describe": describe, "whiten": whiten, "train": few}),
        return_state=True,
    )
    indexed = index(
        root=root.url,
        network="latest",
        settings=IndexFlowSettings.model_validate({"describe": describe, "whiten": whiten}),
        return_state=True,
    )
    return [str(state.result().version.folder) if state.is_completed() else None for state in (trained, indexed)]


def _figures(seen: list[dict[str, float]]) -> dict[str, float | None]:
    settled, last = seen[min(_SETTLED, len(seen)) - 1], seen[-1]
    before_training = seen[max(0, len(seen) - 3)]  # torch is imported after it
    return {
        "rounds": len(seen),
        "lost_runs": sum(one["lost"] for one in seen),
        "wrong_files": sum(one["wrong"] for one in seen),
        "memory_mb": settled["memory"],
        "memory_growth": before_training["memory"] / settled["memory"],
        "server_memory_growth": last["server_memory"] / settled["server_memory"],
        "database_mb_a_round": (last["database"] - settled["database"]) / max(1, len(seen) - _SETTLED),
        "disk_mb": settled["disk"],
        "disk_growth": before_training["disk"] / settled["disk"],
        "seconds_a_round": float(np.median([one["seconds"] for one in seen])),
    }
