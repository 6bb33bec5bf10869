"""What Cairn chooses beside what autofaiss does, under one budget: `python -m bench autofaiss [--quick]`.

Made-up descriptors, as of `bench index`. Both are given the memory of the index and the milliseconds of a query; memory
is that of the index, not of the descriptors on disk by which Cairn ranks candidates again.
"""

import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from bench.harness.peers import interpreter
from bench.harness.result import Comparison, Result
from bench.retrieval.index import Vectors, descriptors
from tasks.index.build import Index, bytes_per_vector
from tasks.index.choose import NEIGHBOURS, choose
from tasks.index.search import Database, recall, search_exactly
from tasks.index.settings import IndexSettings

_SIZE, _QUICK = (50_000, 512), (12_000, 128)
_MILLISECONDS = 5.0
_BUDGETS = {"small": 0.1, "large": 0.5}
"""Megabytes of an index by those of its descriptors."""
_QUERIES = 500
_BUILD = """
import sys
from autofaiss import build_index
folder, memory, milliseconds = sys.argv[1:]
build_index(
    folder + "/vectors", index_path=folder + "/index", index_infos_path=folder + "/infos.json", metric_type="ip",
    max_index_memory_usage=memory, max_index_query_time_ms=float(milliseconds), nb_cores=1,
    min_nearest_neighbors_to_retrieve=10, current_memory_available="8GB", verbose=40,
)
"""


@dataclass(frozen=True)
class Found:
    """An index: bytes of a descriptor, recall@10, and CPU milliseconds of a query that comes alone."""

    bytes: float
    recall: float
    milliseconds: float


def measure(quick: bool) -> Result:
    """Has both choose for a small and a large budget."""
    faiss.omp_set_num_threads(1)
    count, dimensions = _QUICK if quick else _SIZE
    vectors = descriptors(count + _QUERIES, dimensions)
    base, queries = vectors[:count], vectors[count:]
    exact = search_exactly(base, queries, NEIGHBOURS).rows
    print(f"{count:,} descriptors of {dimensions} dimensions; {_MILLISECONDS:g} ms a query")
    print("| megabytes | | kind | bytes | recall@10 | ms a query |\n|---|---|---|---|---|---|")
    figures, targets = dict[str, float | None](), dict[str, tuple[Comparison, float]]()
    for name, share in _BUDGETS.items():
        memory = max(1, round(share * base.nbytes / 2**20))
        ours, theirs = _ours(base, queries, exact, memory), _theirs(base, queries, exact, memory)
        figures |= {f"{name}_recall": ours.recall, f"{name}_autofaiss_recall": theirs.recall}
        targets[f"{name}_recall"] = (">=", theirs.recall)
    return Result(figures, targets)


def _ours(base: Vectors, queries: Vectors, exact: NDArray[np.int64], memory: int) -> Found:
    numbers, settings = np.arange(len(base)), IndexSettings(memory=memory, milliseconds=_MILLISECONDS)
    index, chosen = choose(base, numbers, settings)
    database = Database(index, numbers, base)
    found, seconds = _one_by_one(lambda query: database.search(query, NEIGHBOURS, settings.rerank).rows, queries)
    return _told(memory, "Cairn", chosen.factory, index, recall(found, exact), seconds)


def _theirs(base: Vectors, queries: Vectors, exact: NDArray[np.int64], memory: int) -> Found:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "vectors").mkdir()
        np.save(folder / "vectors/0.npy", base)
        command = [str(interpreter("autofaiss")), "-c", _BUILD, name, f"{memory}MB", str(_MILLISECONDS)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        index = faiss.read_index(str(folder / "index"))
    found, seconds = _one_by_one(lambda query: index.search(query, NEIGHBOURS)[1], queries)
    inner: Index = faiss.downcast_index(index.index) if isinstance(index, faiss.IndexPreTransform) else index
    lists = f", {inner.nprobe} of {inner.nlist} lists" if hasattr(inner, "nlist") else ""
    kind = f"{type(inner).__name__}{lists}"
    return _told(memory, "autofaiss", kind, index, recall(found, exact), seconds)


def _one_by_one(search: Callable[[Vectors], Any], queries: Vectors) -> tuple[NDArray[np.int64], float]:
    begun = process_time()
    found = np.concatenate([search(query[None]) for query in queries])
    return found, (process_time() - begun) / len(queries)


def _told(memory: int, who: str, kind: str, index: Index, found: float, seconds: float) -> Found:
    made = Found(bytes_per_vector(index), found, 1e3 * seconds)
    numbers = f"{made.bytes:,.0f} | {made.recall:.3f} | {made.milliseconds:.2f}"
    print(f"| {memory} | {who} | `{kind}` | {numbers} |", flush=True)
    return made
