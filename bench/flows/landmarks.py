"""The claim: on real search results, the class that shows a test landmark goes and no other does.

Also that no kept group rests on stock agencies' caption bars. Needs the photographs that developers have beside the
repository (`SHARED_DATA`).
"""

import csv
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd

from bench.harness.result import Comparison, Result
from bench.harness.surroundings import SHARED_DATA, set_prefect_apart

_TEST_SETS = ("oxford5k", "paris6k", "holidays")
_OVERLAPPING = {"eiffel_tower"}
_QUICK_CLASSES = ("eiffel_tower", "petra_jordan")
_CAPTION = 0.1
"""Share of a picture's height, from below, in which stock agencies print their bar."""


def measure(quick: bool) -> Result:
    """Serves the photographs, curates them against the test sets, and looks at what came out."""
    if not SHARED_DATA.is_dir():
        raise SystemExit(f"bench landmarks needs the photographs in {SHARED_DATA}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        set_prefect_apart(folder / "prefect")
        with _serve(SHARED_DATA / "landmarks") as address:
            rows = _write_list(folder / "list.csv", address, _QUICK_CLASSES if quick else None)
            version = _curate(folder / "list.csv", address, folder / "root")
        return _judge(version, rows)


@contextmanager
def _serve(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()


def _write_list(path: Path, address: str, classes: tuple[str, ...] | None) -> int:
    files = sorted((SHARED_DATA / "landmarks").glob("*/*"))
    chosen = [file for file in files if classes is None or file.parent.name in classes]
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["id", "url", "landmark_id"])
        lines.writerows([f.stem, f"{address}/{f.parent.name}/{f.name}", f.parent.name] for f in chosen)
    return len(chosen)


def _curate(listed: Path, address: str, root: Path) -> Path:
    # Prefect is imported only now that it is set apart.
    from flows.curate import curate
    from flows.runtime.server import prefect_server
    from flows.settings import CurateSettings
    from tasks.acquire.address import host_of
    from tasks.acquire.settings import AcquireSettings, ListSettings, PoliteSettings

    local = AcquireSettings(allowed_hosts=(host_of(address),))
    settings = CurateSettings(acquire=local, polite=PoliteSettings(host_rate=1000.0, host_connections=8))
    tests = {name: SHARED_DATA / "testsets" / name for name in _TEST_SETS}
    with prefect_server():
        curated = curate(ListSettings(path=listed), "landmarks", str(root), tests, settings)
    for step in curated.version.funnel:
        print(f"{step.images:6} images {step.classes:4} classes  {step.step}")
    return root / curated.version.folder


def _judge(version: Path, rows: int) -> Result:
    verdicts, groups, pairs, images = (
        pd.read_parquet(version / f"{name}.parquet") for name in ("verdicts", "groups", "pairs", "images")
    )
    condemned = set(verdicts.landmark_id[verdicts.reason == "test-landmark-class"])
    kept = groups[groups.kept]
    inside = pairs[pairs.image_a.isin(kept.image_id)]
    captions = _rest_on_captions(inside, images.set_index("image_id"))
    print(f"{'class':24} kept        pairs  on captions")
    for landmark, members in kept.groupby("landmark_id"):
        own = inside.landmark_id == landmark
        print(f"{landmark:24} {len(members):4} {own.sum():12} {captions[own].sum():12}")
    figures = {
        "rows": rows,
        "verdicts": len(verdicts),
        "kept": len(kept),
        "overlapping_classes_dropped": len(condemned & _OVERLAPPING),
        "other_classes_dropped": len(condemned - _OVERLAPPING),
        "pairs_in_kept_groups": len(inside),
        "of_them_on_captions": int(captions.sum()),
    }
    targets: dict[str, tuple[Comparison, float]] = {
        "overlapping_classes_dropped": ("==", 1),
        "other_classes_dropped": ("==", 0),
        "verdicts": ("==", rows),
        "of_them_on_captions": ("==", 0),
    }
    return Result(figures, targets)


def _rest_on_captions(pairs: pd.DataFrame, images: pd.DataFrame) -> np.ndarray:
    """Which pairs have half of their inliers or more in the lowest tenth of both pictures, bool (n,)."""
    share = []
    for pair in pairs.itertuples():
        points = np.asarray(pair.points).reshape(-1, 4)
        floors = (1 - _CAPTION) * images.height[[pair.image_a, pair.image_b]].to_numpy()
        share.append((points[:, [1, 3]] > floors).all(axis=1).mean())
    return np.array(share) >= 0.5
