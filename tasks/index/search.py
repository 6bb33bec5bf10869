"""Searching an index: candidates by their codes, ranked by the descriptors themselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import faiss
import numpy as np
from numpy.typing import NDArray

from tasks.index.build import Index, Numbers, Vectors
from tasks.index.expansion import Weights, augment, expand_queries, unit_length

_AT_ONCE = 1 << 27  # bytes of candidates' descriptors in memory
_NONE = -1.0


class Hits(NamedTuple):
    """What was found for queries, the most similar first.

    Attributes:
        rows: int64 (queries, k), of the database; -1 where an index found fewer.
        similarities: float32 (queries, k): products of the unit vectors; -1 where nothing is.
    """

    rows: Numbers
    similarities: NDArray[np.float32]


@dataclass(frozen=True)
class Database:
    """Descriptors, and an index over them.

    Attributes:
        index: see `tasks.index.build`.
        numbers: int64 (n,), ascending: of each image, its number in the index.
        vectors: float32 (n, d), of unit length, of the same images; may be mapped from a file.
    """

    index: Index
    numbers: Numbers
    vectors: Vectors

    def search(self, queries: Vectors, count: int, rerank: int) -> Hits:
        """Returns the images whose descriptors are most similar to each query's.

        Args:
            queries: float32 (queries, d), of unit length.
            count: k, how many to find.
            rerank: so many times k candidates of the index are compared by their descriptors; 0 takes the order, and
                similarities, of the index.
        """
        found = max(count, min(rerank * count, len(self.numbers)))
        distances, numbers = self.index.search(np.ascontiguousarray(queries, np.float32), found)
        rows = np.where(numbers < 0, -1, np.searchsorted(self.numbers, numbers))
        if not rerank:
            return Hits(rows, np.where(numbers < 0, _NONE, 1 - distances / 2).astype(np.float32))
        similarities = np.empty(rows.shape, np.float32)
        for part in _parts(len(queries), found, self.vectors):
            candidates = self.vectors[rows[part]]
            similarities[part] = np.matmul(candidates, queries[part, :, None])[..., 0]
        similarities[rows < 0] = _NONE
        order = np.argsort(-similarities, axis=1, kind="stable")[:, :count]
        return Hits(np.take_along_axis(rows, order, 1), np.take_along_axis(similarities, order, 1))

    def expand(self, queries: Vectors, count: int, alpha: float, rerank: int) -> Vectors:
        """Returns each query averaged with the images nearest to it, to search again with (see `expand_queries`).

        Args:
            count: of these images; all of the database where it has fewer.
        """
        rows = self.search(queries, min(count, len(self.numbers)), rerank).rows
        return expand_queries(queries, self.vectors[rows] * (rows >= 0)[..., None], alpha)


def augment_all(vectors: Vectors, count: int, weights: Weights = "code") -> Vectors:
    """Returns every image of a database averaged with the images nearest to it (see `augment`), of unit length again.

    Args:
        vectors: float32 (n, d), of unit length.
        count: of these images; all others where there are fewer.
        weights: see `augment`.

    Returns:
        float32 (n, d), unlike the authors' code of unit length: squared distances rank no others as products do.
    """
    found = min(1 + count, len(vectors))
    parts = [
        augment(vectors[search_exactly(vectors, vectors[part], found).rows], weights)
        for part in _parts(len(vectors), found, vectors)
    ]
    return unit_length(np.concatenate(parts)) if parts else vectors


def search_exactly(vectors: Vectors, queries: Vectors, count: int) -> Hits:
    """Compares each query with every descriptor, and returns the most similar ones."""
    similarities, rows = faiss.knn(
        np.ascontiguousarray(queries, np.float32), vectors, count, metric=faiss.METRIC_INNER_PRODUCT
    )
    return Hits(rows, np.where(rows < 0, _NONE, similarities).astype(np.float32))


def recall(found: Numbers, exact: Numbers) -> float:
    """Returns the share of the nearest images that were found.

    Args:
        found, exact: int64 (queries, k), rows of the database; -1 in `exact` stands for none.
    """
    wanted = exact >= 0
    hit = (exact[:, :, None] == found[:, None, :]).any(axis=2) & wanted
    return float(hit.sum() / max(wanted.sum(), 1))


def _parts(queries: int, found: int, vectors: Vectors) -> Iterator[slice]:
    """Parts of the queries of which the images that were found fit memory."""
    step = max(1, _AT_ONCE // max(4 * found * vectors.shape[1], 1))
    return (slice(begin, begin + step) for begin in range(0, queries, step))
