"""Every pair of a collection, verified: what a shortlist is measured against."""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from time import process_time
from typing import Any

import pandas as pd

from bench.harness.collection import Collection, one_native_thread
from tasks.match.layers import verify_beneath
from tasks.match.schedule import Pair
from tasks.match.settings import MatchSettings
from tasks.match.verify import Verification, pair_seed

_ANY = 1e9  # false alarms that no decision lets pass: the curve needs the pairs below the threshold too
_PROGRESS = 100

Row = tuple[int, int, int, float]


@dataclass(frozen=True)
class AllPairs:
    """What each pair comes to.

    Attributes:
        found: a row per pair that has a sane map: a < b (indices of the collection), inliers, false_alarms (log10),
            cross (whether the classes differ). verified: the pairs that the default accepts. compared: number of pairs.
        seconds: CPU of all of them.
    """

    found: pd.DataFrame
    verified: dict[Pair, Verification]
    compared: int
    seconds: float


def compare_all(collection: Collection) -> AllPairs:
    """Verifies every pair, by as many processes as there are processors."""
    count = len(collection.members)
    rows, verified, seconds = list[Row](), dict[Pair, Verification](), 0.0
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), _share, (collection,)) as pool:
        for done, (own, accepted, spent) in enumerate(pool.map(_compare_with_later, range(count))):
            rows, verified, seconds = rows + own, verified | accepted, seconds + spent
            if done % _PROGRESS == _PROGRESS - 1:
                print(f"all pairs: {done + 1} of {count} photographs", flush=True)
    found = pd.DataFrame(rows, columns=["a", "b", "inliers", "false_alarms"])
    landmark = pd.Series([image["landmark_id"] for image in collection.members])
    found["cross"] = landmark[found.a].to_numpy() != landmark[found.b].to_numpy()
    return AllPairs(found, verified, count * (count - 1) // 2, seconds)


_shared: list[Collection] = []
"""In a worker: the collection, which is sent once."""


def _share(collection: Collection) -> None:
    _shared[:] = [collection]


def _compare_with_later(a: int) -> tuple[list[Row], dict[Pair, Verification], float]:
    begun = process_time()
    with one_native_thread():
        pairs = {(a, b): pair for b, pair in _verify_with_later(_shared[0], a)}
    rows = [(*ends, pair.inliers, pair.false_alarms) for ends, pair in pairs.items()]
    accepted = {ends: pair for ends, pair in pairs.items() if pair.false_alarms <= MatchSettings().false_alarms}
    return rows, accepted, process_time() - begun


def _verify_with_later(collection: Collection, a: int) -> Iterator[tuple[int, Verification]]:
    members, features = collection.members, collection.features
    settings = MatchSettings(false_alarms=_ANY)
    for b in range(a + 1, len(members)):
        sizes = _size(members[a]), _size(members[b])
        seed = pair_seed(members[a]["sha256"], members[b]["sha256"])
        pair = verify_beneath(features[a], features[b], sizes, settings, seed)
        if pair:
            yield b, pair


def _size(image: dict[str, Any]) -> tuple[int, int]:
    return image["width"], image["height"]
