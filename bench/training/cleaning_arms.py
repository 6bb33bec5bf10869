"""Which photographs of a noisy list each arm of the comparison trains on."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.harness.local_runner import LocalRunner
from flows.curate import run_curation
from flows.request import check_request
from flows.settings import CurateSettings
from storage.root import Root
from tasks.acquire.settings import FetchPolicy, ListSettings

ARMS = ("noisy", "unverified", "cut", "cairn", "oracle")
"""The list as it is; what of it is left when nothing is matched; the list cut at random to the size of Cairn's version,
class by class; Cairn's version; and the true photographs alone."""
_BY_MATCHING = ("cluster", "classes")  # stages that drop what doesn't match
_WORKERS = 2


class Listed(NamedTuple):
    """A list and what became of its rows, bool (n,) each.

    Attributes:
        paths: of the files. classes: int64 (n,), that they are listed in.
        true: what shows the landmark. matched: what reached matching. kept: what the version has.
    """

    paths: list[str]
    classes: NDArray[np.int64]
    true: NDArray[np.bool_]
    matched: NDArray[np.bool_]
    kept: NDArray[np.bool_]

    def chosen(self, arm: str, seed: int) -> NDArray[np.int64]:
        """The rows that an arm trains on, ascending; the seed draws those of `cut`."""
        if arm == "cut":
            return cut(self.classes, np.bincount(self.classes[self.kept]), seed)
        every = np.ones(len(self.paths), np.bool_)
        masks = {"noisy": every, "unverified": self.matched, "cairn": self.kept, "oracle": self.true}
        return np.flatnonzero(masks[arm])

    def part(self, mask: NDArray[np.bool_]) -> "Listed":
        """The rows of a mask (n,)."""
        paths = [path for path, wanted in zip(self.paths, mask, strict=True) if wanted]
        return Listed(paths, self.classes[mask], self.true[mask], self.matched[mask], self.kept[mask])


def cut(classes: NDArray[np.int64], sizes: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Draws rows evenly, so many of each class: ascending.

    Args:
        classes: int64 (n,), of each row. sizes: int64, how many of class 0, of class 1 and so on; of further ones none.
    """
    random = np.random.default_rng(seed)
    drawn = [random.choice(np.flatnonzero(classes == one), size, replace=False) for one, size in enumerate(sizes)]
    return np.sort(np.concatenate(drawn)).astype(np.int64)


def curate_list(paths: Sequence[str], true: NDArray[np.bool_], folder: Path) -> Listed:
    """Has a folder of classes curated as the flow `curate` does, and reads its verdicts.

    Args:
        paths: the files below the folder's `list`. true: bool (n,), of each.
        folder: keeps the version; what is there already is not made again.
    """
    rows = folder / "verdicts.parquet"
    if not rows.exists():
        _curate(folder).to_parquet(rows)
    verdicts = pd.read_parquet(rows).set_index("url").loc[list(paths)]
    kept = (verdicts.verdict == "kept").to_numpy()
    classes, _ = pd.factorize(verdicts.landmark_id, sort=True)
    matched = kept | verdicts.stage.isin(_BY_MATCHING).to_numpy()
    return Listed([str(folder / "list" / path) for path in paths], classes.astype(np.int64), true, matched, kept)


def _curate(folder: Path) -> pd.DataFrame:
    """What the flow `curate` does, but for what it shows in Prefect's UI."""
    request = check_request(ListSettings(path=folder / "list"), "cleaning", str(folder / "root"), {})
    with ThreadPoolExecutor(_WORKERS) as pool:
        runner = LocalRunner(Root(str(folder / "root")), pool)
        version = run_curation(runner, request, CurateSettings(), FetchPolicy(inspectors=_WORKERS)).folder
    tables = [pd.read_parquet(folder / "root" / version / f"{name}.parquet") for name in ("verdicts", "sources")]
    return tables[0].merge(tables[1][["row", "url"]], on="row")
