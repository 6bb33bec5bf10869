"""What each kind of index costs and finds, of made-up descriptors: `python -m bench index [--quick]`.

Descriptors are random, but not at random: of classes, and of a spectrum that falls as those of real networks do, turned
so that no axis is one of theirs. One thread throughout, CPU seconds: what faiss is given is what Cairn is given.
"""

from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from bench.harness.result import Result
from tasks.index.build import add, bytes_per_vector, learn
from tasks.index.choose import NEIGHBOURS
from tasks.index.expansion import unit_length
from tasks.index.plot import Point, draw_recall
from tasks.index.search import Database, recall, search_exactly

_SIZE, _QUICK = (200_000, 2_048), (20_000, 512)
_PER_CLASS = 100
_FALL = 0.7  # standard deviations fall as the rank of their axis to this power
_OWN = 0.8  # of a photograph's own deviation, beside that of its class
_TURNS = 12
_QUERIES = 500
_PROBES, _RERANK, _ROUNDS = 32, 10, 7
_LEARNT = 50_000  # descriptors; of fewer, half
_PICTURE = Path("docs/pictures/index.svg")

Vectors = NDArray[np.float32]


def descriptors(count: int, dimensions: int, seed: int = 0) -> Vectors:
    """Unit vectors, float32 (count, dimensions): classes of a hundred, of a falling spectrum."""
    rng = np.random.default_rng(seed)
    spread = (np.arange(1, dimensions + 1) ** -_FALL).astype(np.float32)
    centres = rng.standard_normal((-(-count // _PER_CLASS), dimensions), np.float32)
    vectors = _OWN * rng.standard_normal((count, dimensions), np.float32)
    vectors += centres[rng.integers(len(centres), size=count)]
    vectors *= spread
    for _ in range(_TURNS):  # reflections, whose product is a rotation that mixes all axes
        mirror = rng.standard_normal(dimensions, np.float32)
        mirror /= np.linalg.norm(mirror)
        vectors -= 2 * (vectors @ mirror)[:, None] * mirror
    return unit_length(vectors)


def kinds(count: int, dimensions: int) -> list[str]:
    """Factory strings."""
    reduced, lists = min(512, dimensions // 2), int(4 * count**0.5)
    return [
        "Flat",
        f"PCA{reduced},SQ8",
        f"PCA{reduced},PQ64np",
        f"PCA{reduced},OPQ64,PQ64np",
        f"PCA{reduced},IVF{lists},PQ64np",
        f"PCA{reduced},HNSW32",
    ]


def measure(quick: bool) -> Result:
    """Builds and searches every kind; writes the plot where the size is the full one."""
    faiss.omp_set_num_threads(1)
    count, dimensions = _QUICK if quick else _SIZE
    vectors = descriptors(count + _QUERIES, dimensions)
    base, queries = vectors[:count], vectors[count:]
    exact = search_exactly(base, queries, NEIGHBOURS).rows
    print(f"{count:,} descriptors of {dimensions} dimensions, {len(queries)} queries that are none of them")
    print(
        "| kind | build, CPU s | bytes | recall@10 by codes | ranked again | queries/s | ranked again | × raw faiss |"
    )
    print("|---|---|---|---|---|---|---|---|")
    rows = [_measure(factory, base, queries, exact) for factory in kinds(count, dimensions)]
    if not quick:
        points = [Point(f"{row['kind']}, {row['per_second']:,.0f}/s", row["bytes"], row["recall"]) for row in rows]
        _PICTURE.write_text(draw_recall(points))
    opq = rows[3]
    figures = {
        "opq_recall": opq["recall"],
        "opq_recall_by_codes": opq["by_codes"],
        "opq_bytes": opq["bytes"],
        "search_over_raw_faiss": max(row["ratio"] for row in rows),
    }
    return Result(figures, {"opq_recall": (">=", 0.95), "search_over_raw_faiss": ("<=", 1.1)})


def _measure(factory: str, base: Vectors, queries: Vectors, exact: NDArray[np.int64]) -> dict[str, Any]:
    begun = process_time()
    index = learn(base[:: max(2, len(base) // _LEARNT)], factory, _PROBES)
    add(index, np.arange(len(base)), base)
    build = process_time() - begun
    database = Database(index, np.arange(len(base)), base)
    raw, ours, ranked = _seconds(
        lambda: index.search(queries, NEIGHBOURS),
        lambda: database.search(queries, NEIGHBOURS, 0),
        lambda: database.search(queries, NEIGHBOURS, _RERANK),
    )
    row = {
        "kind": factory,
        "bytes": bytes_per_vector(index),
        "by_codes": recall(database.search(queries, NEIGHBOURS, 0).rows, exact),
        "recall": recall(database.search(queries, NEIGHBOURS, _RERANK).rows, exact),
        "ratio": float(np.median(ours / raw)),
        "per_second": len(queries) / ranked.min(),
    }
    print(
        f"| `{factory}` | {build:,.0f} | {row['bytes']:,.0f} | {row['by_codes']:.3f} | {row['recall']:.3f} "
        f"| {len(queries) / ours.min():,.0f} | {row['per_second']:,.0f} | {row['ratio']:.2f} |",
        flush=True,
    )
    return row


def _seconds(*searches: Callable[[], object]) -> NDArray[np.float64]:
    """CPU of each in each of some rounds, in which they take turns, every other time backwards: (searches, rounds)."""
    taken = np.empty((len(searches), _ROUNDS))
    for number in range(_ROUNDS):
        for position in range(len(searches))[:: -1 if number % 2 else 1]:
            begun = process_time()
            searches[position]()
            taken[position, number] = process_time() - begun
    return taken
