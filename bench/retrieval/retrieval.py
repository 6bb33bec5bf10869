"""What each step of describing and searching gives on real photographs: `python -m bench retrieval [--quick]`.

Needs the photographs that developers have beside the repository (`SHARED_DATA`): `testsets/paris6k` (40),
`testsets/oxford5k` (51, with `groundtruth.json`) and `landmarks`, which it curates first, into a root that it keeps.
Of the landmarks every second class is held back: its kept photographs ask for each other, the rest of its class is left
out as junk, all other classes are distractors, and whitening is learned from photographs of the other classes alone.
`--quick` curates nothing: of at most 40 photographs of a class every fifth asks for all of its folder, right or wrong.
"""

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from bench.harness.result import Comparison, Result
from bench.harness.surroundings import SHARED_DATA
from bench.retrieval.retrieval_steps import STEPS, describe_all, learn
from tasks.evaluate.protocol import OWN, Grades, score

ROOT = Path(tempfile.gettempdir()) / "cairn-bench-retrieval"
SIDES = (198, 288, 378)  # as 550, 800 and 1,050 are to each other, around the size that the anchors are of
_ANCHORS = {"paris_gem": 0.960, "paris_rmac": 0.965, "oxford_gem": 0.457, "oxford_rmac": 0.435}
"""Of EfficientNet-lite0 without any training, of photographs named alike, at 288 pixels; ours must be within 0.01."""
_NEAR = 0.01
_OF_A_CLASS, _EACH = 40, 5
_LEAK = "eiffel_tower"  # which the other sets show too


@dataclass(frozen=True)
class Questions:
    """A set: what is searched, by file, and for each query its index among them and its grades."""

    files: Sequence[Path]
    queries: Sequence[int]
    grades: Sequence[Grades]

    def score(self, search: Callable[[NDArray[np.int64]], NDArray[np.int64]]) -> tuple[float, float, float]:
        """Mean average precision and its 95 % interval; `search` gives rankings of all files for indices of queries."""
        scores = score(list(search(np.array(self.queries))), self.grades, OWN["own"])
        return scores.mean, *scores.interval()


def measure(quick: bool) -> Result:
    """Describes all photographs once, and ranks them step by step."""
    if not SHARED_DATA.is_dir():
        raise SystemExit(f"bench retrieval needs the photographs in {SHARED_DATA}")
    torch.set_num_threads(1)
    sets = {"paris": _by_name(SHARED_DATA / "testsets/paris6k"), "oxford": _by_name(SHARED_DATA / "testsets/oxford5k")}
    told = dict(sets, oxford=_by_ground_truth(SHARED_DATA / "testsets/oxford5k"))
    told["landmarks"], others = _by_folder(SHARED_DATA / "landmarks") if quick else _held_back(_curate())
    described = {name: describe_all(questions.files, SIDES) for name, questions in told.items()}
    learnt = learn(
        [maps for file, maps in zip(told["landmarks"].files, described["landmarks"], strict=True) if file in others]
    )
    found = {
        (name, index): told[index].score(step(described[index], learnt))
        for name, step in STEPS.items()
        for index in told
    }
    print(_table(found, list(told), list(STEPS)))
    anchors = {
        f"{name}_{pooling}": sets[name].score(STEPS[step](described[name], learnt))[0]
        for name in sets
        for pooling, step in (("gem", "GeM"), ("rmac", "R-MAC"))
    }
    targets: dict[str, tuple[Comparison, float]] = {f"{name}_from_anchor": ("<=", _NEAR) for name in _ANCHORS}
    distances = {f"{name}_from_anchor": abs(anchors[name] - anchor) for name, anchor in _ANCHORS.items()}
    return Result({**anchors, **distances}, targets)


def _by_name(folder: Path) -> Questions:
    """All photographs ask for those of their site, by the names of their files."""
    files = sorted(folder.glob("*.jpg"))
    sites = np.array([file.stem.rpartition("_")[0] for file in files])
    none = np.zeros(len(files), bool)
    return Questions(
        files, range(len(files)), [_grades(index, sites == site, none) for index, site in enumerate(sites)]
    )


def _by_ground_truth(folder: Path) -> Questions:
    """Only what `groundtruth.json` calls a good or ok photograph of a site asks, and is asked for."""
    files = sorted(folder.glob("*.jpg"))
    sites: Mapping[str, Mapping[str, list[str]]] = json.loads((folder / "groundtruth.json").read_text())
    names = np.array([file.name for file in files])
    answers = {site: np.isin(names, [*lists["good"], *lists["ok"], *lists["query"]]) for site, lists in sites.items()}
    junk = {site: np.isin(names, lists["junk"]) for site, lists in sites.items()}
    asks, grades = list[int](), list[Grades]()
    for site in sites:
        indices = np.flatnonzero(answers[site]).tolist()
        if len(indices) > 1:
            asks += indices
            grades += [_grades(index, answers[site], junk[site]) for index in indices]
    return Questions(files, asks, grades)


def _by_folder(folder: Path) -> tuple[Questions, set[Path]]:
    """Of some photographs of each class, every second class asks by some for all others of its folder, as they came."""
    classes = [sorted(part.glob("*"))[:_OF_A_CLASS] for part in sorted(folder.iterdir()) if part.name != _LEAK]
    files = [file for part in classes for file in part]
    names = np.array([file.parent.name for file in files])
    held = sorted({*names.tolist()})[::2]
    asks = [index for index in range(0, len(files), _EACH) if names[index] in held]
    none = np.zeros(len(files), bool)
    grades = [_grades(index, names == names[index], none) for index in asks]
    return Questions(files, asks, grades), {file for file in files if file.parent.name not in held}


def _held_back(version: Path) -> tuple[Questions, set[Path]]:
    """The questions of every second class, and the photographs of the others, but for what test sets share."""
    rows = pd.read_parquet(version / "verdicts.parquet").merge(
        pd.read_parquet(version / "sources.parquet")[["row", "url"]], on="row"
    )
    rows = rows[rows.stage != "overlap"].sort_values("url")
    images = pd.read_parquet(version / "images.parquet")[["image_id"]]
    rows = rows.merge(images, on="image_id").drop_duplicates("image_id").reset_index(drop=True)
    files = [SHARED_DATA / "landmarks" / url for url in rows.url]
    held = sorted(rows.landmark_id.unique())[::2]
    kept, classes = (rows.verdict == "kept").to_numpy(), rows.landmark_id.to_numpy()
    asks = [index for index in range(len(rows)) if kept[index] and classes[index] in held]
    own = [classes == classes[index] for index in asks]
    grades = [_grades(index, kept & mine, ~kept & mine) for index, mine in zip(asks, own, strict=True)]
    others = {file for file, name in zip(files, classes, strict=True) if name not in held}
    return Questions(files, asks, grades), others


def _grades(index: int, answers: NDArray[np.bool_], junk: NDArray[np.bool_]) -> Grades:
    positive = np.flatnonzero(answers)
    return {"query": np.array([index]), "positive": positive[positive != index], "junk": np.flatnonzero(junk)}


def _curate() -> Path:
    from flows.curate import curate
    from flows.runtime.server import prefect_server
    from tasks.acquire.settings import ListSettings

    tests = {"paris6k": SHARED_DATA / "testsets" / "paris6k"}
    with prefect_server():
        curated = curate(ListSettings(path=SHARED_DATA / "landmarks"), "landmarks", str(ROOT), tests)
    return ROOT / curated.version.folder


def _table(
    found: Mapping[tuple[str, str], tuple[float, float, float]], sets: Sequence[str], steps: Sequence[str]
) -> str:
    lines = [f"| step | {' | '.join(sets)} |", f"|---|{'---|' * len(sets)}"]
    for step in steps:
        cells = [f"{mean:.3f} ({low:.2f}–{high:.2f})" for mean, low, high in (found[step, name] for name in sets)]
        lines.append(f"| {step} | {' | '.join(cells)} |")
    return "\n".join(lines)
