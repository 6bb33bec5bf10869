"""Which kind of index keeps within a budget of memory and time, by trying the most faithful first."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from storage.errors import InputError
from tasks.index.build import Index, Numbers, Vectors, add, bytes_per_vector, explain_faiss, learn
from tasks.index.search import Database, recall, search_exactly
from tasks.index.settings import IndexSettings

NEIGHBOURS = 10
"""k of the recall that is measured."""
_QUERIES = 200
_PER_CENTRE = 39  # descriptors that each of the 256 centres of a code wants to be learnt from
_CENTRES = 256
_CODES = (256, 128, 64, 32, 16)  # bytes
_OVERHEAD = 8  # bytes of each descriptor's number
_GRAPH = 276  # bytes of its links, in a graph of 32 each


@dataclass(frozen=True)
class Measured:
    """What an index costs and finds.

    Attributes:
        bytes_per_vector: of its file.
        recall: the share of the 10 nearest images that a search finds, as it is set.
        recall_by_codes: the same without ranking again by descriptors.
        milliseconds: of a query that comes alone, on one core.
    """

    factory: str
    bytes_per_vector: float
    recall: float
    recall_by_codes: float
    milliseconds: float


def kinds(count: int, dimensions: int) -> Iterator[tuple[str, float]]:
    """Yields factory strings from the most faithful to the smallest, each with the bytes of a descriptor, about."""
    yield "Flat", 4 * dimensions + _OVERHEAD
    yield "HNSW32", 4 * dimensions + _OVERHEAD + _GRAPH
    yield "SQ8", dimensions + _OVERHEAD
    if count < _PER_CENTRE * _CENTRES:
        return
    reduced = min(512, dimensions)
    lists = int(4 * np.sqrt(count))
    for code in _CODES:
        if reduced % code == 0 and reduced > code:
            turned = f"PCA{reduced},OPQ{code}" if reduced < dimensions else f"OPQ{code}"
            yield f"{turned},PQ{code}np", code + _OVERHEAD
            yield f"{turned},IVF{lists},PQ{code}np", code + _OVERHEAD


def fill(vectors: Vectors, numbers: Numbers, factory: str, settings: IndexSettings) -> Index:
    """Returns an index of all descriptors, learnt from some of them that are spread evenly."""
    step = -(-len(vectors) // settings.learnt_from)
    index = learn(vectors[::step], factory, settings.probes)
    add(index, numbers, vectors)
    return index


def measure(database: Database, factory: str, settings: IndexSettings) -> Measured:
    """Searches for some of the database's own images, each left out of what is found for it."""
    step = max(1, len(database.vectors) // _QUERIES)
    own = np.arange(0, len(database.vectors), step)[:_QUERIES]
    queries = np.ascontiguousarray(database.vectors[own])
    count = min(NEIGHBOURS + 1, len(database.vectors))
    exact = _without(search_exactly(database.vectors, queries, count).rows, own)
    with threadpool_limits(limits=1):
        begun = perf_counter()
        ranked = np.concatenate([database.search(query[None], count, settings.rerank).rows for query in queries])
        seconds = perf_counter() - begun
    by_codes = database.search(queries, count, 0).rows
    return Measured(
        factory,
        bytes_per_vector(database.index),
        recall(_without(ranked, own), exact),
        recall(_without(by_codes, own), exact),
        1000 * seconds / len(queries),
    )


def choose(
    vectors: Vectors,
    numbers: Numbers,
    settings: IndexSettings,
    on_tried: Callable[[Measured], None] = lambda _: None,
) -> tuple[Index, Measured]:
    """Makes the index of the settings' factory string or, without one, the first of `kinds` within the budget.

    Args:
        vectors: float32 (n, d), of unit length.
        numbers: int64 (n,), ascending.
        on_tried: is told of each kind that was tried.

    Raises:
        InputError: none keeps within it; or faiss can't make what the settings ask for.
    """
    most = settings.memory * 2**20 / max(len(vectors), 1)
    for factory, size in [(settings.factory, 0.0)] if settings.factory else kinds(*vectors.shape):
        if size > most:
            continue
        with explain_faiss(factory, vectors):
            index = fill(vectors, numbers, factory, settings)
            measured = measure(Database(index, numbers, vectors), factory, settings)
        on_tried(measured)
        fits = measured.bytes_per_vector <= most and measured.milliseconds <= settings.milliseconds
        if settings.factory or fits:
            return index, measured
    raise InputError(
        f"no index of {len(vectors):,} descriptors of {vectors.shape[1]} dimensions keeps within {settings.memory:,} "
        f"MB and {settings.milliseconds:g} ms a query; allow more, or give a factory string"
    )


def _without(rows: Numbers, own: Numbers) -> Numbers:
    """The rows that each query found, without its own; without the last where that is not among them."""
    mine: NDArray[np.bool_] = rows == own[:, None]
    mine[~mine.any(axis=1), -1] = True
    return np.asarray(rows[~mine].reshape(len(rows), -1))
