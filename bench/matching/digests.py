"""The claim: the pairs of a class are the same to the byte, whoever computes them and in whatever order they come.

Classes too large to be compared exhaustively, so that the shortlist with its trained index is among what repeats.
"""

import tempfile
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from itertools import product
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from bench.harness.collection import QUICK_CLASSES, Collection, describe, one_native_thread, read_photographs
from bench.harness.result import Result
from bench.matching.match_inputs import write_inputs
from storage.root import Root
from tasks.contracts import Run
from tasks.match.settings import MatchSettings
from tasks.match.task import MatchInputs, match_pairs

_RUNS = 3
_WORKERS = (1, 2)


def measure(quick: bool) -> Result:
    """Matches the classes by one and two threads and processes, each time in another order, and counts the answers."""
    with one_native_thread():
        collection = describe(read_photographs(QUICK_CLASSES))
    seen: dict[str, set[str]] = {landmark: set() for landmark in collection.classes}
    ways = list(product(range(1 if quick else _RUNS), _WORKERS, ("threads", "processes")))
    for number, (_, workers, kind) in enumerate(ways):
        with tempfile.TemporaryDirectory() as folder, _executor(kind, workers) as executor:
            digests = match_all(collection, Path(folder), executor, order=number)
        for landmark, digest in digests.items():
            seen[landmark].add(digest)
        print(f"{workers} {kind}: {', '.join(digest[:12] for digest in digests.values())}", flush=True)
    different = sum(len(digests) - 1 for digests in seen.values())
    return Result({"runs": len(ways), "classes": len(seen), "other_digests": different}, {"other_digests": ("==", 0)})


def match_all(collection: Collection, folder: Path, executor: Executor, order: int) -> dict[str, str]:
    """The digest of the table `pairs` of each class, with the photographs shuffled by the seed `order`."""
    futures = {}
    for landmark, indices in collection.classes.items():
        part = _shuffle(collection.part(indices, landmark), order)
        url = str(folder / landmark)
        futures[landmark] = executor.submit(_match, url, write_inputs(Root(url), part))
    return {landmark: future.result() for landmark, future in futures.items()}


def _match(url: str, inputs: MatchInputs) -> str:
    return match_pairs(Run(Root(url), "match-bench"), inputs, MatchSettings()).pairs.digest


def _shuffle(collection: Collection, seed: int) -> Collection:
    indices = np.random.default_rng(seed).permutation(len(collection.members)).tolist()
    members, features = ([row[index] for index in indices] for row in (collection.members, collection.features))
    return replace(collection, members=members, features=features)


def _executor(kind: str, workers: int) -> Executor:
    return ThreadPoolExecutor(workers) if kind == "threads" else ProcessPoolExecutor(workers, get_context("spawn"))
