"""The most similar images of each, exactly: s(i, j) = t_i · t_j.

Few terms make most of the work: a term that half of the images have joins a quarter of all pairs. Such terms go through
a dense product, where a pair costs a fraction of a nanosecond; the others through a sparse one, where only pairs that
share a term cost anything. Both are in float32 and only choose candidates, with a margin for their rounding; the
similarities that decide and are returned are summed up in float64, term by term in the order of the columns.
"""

from collections.abc import Iterator

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

_DENSE_SHARE = 0.02
"""A term that this share of the images has is multiplied densely (measured: docs/evidence/benchmarks.md)."""

_MOST_DENSE = 256
_BLOCK_SCORES = 1 << 22
"""Scores in memory at once: 16 MiB, and a few times that for what is made of them."""

_PAIRS_AT_ONCE = 1 << 14


class Neighbours:
    """Nearest images of some rows among all; the memory it takes does not grow with the number of pairs.

    Args:
        weights: float32 (images, terms), rows of length 1 or 0, sorted, none negative.
    """

    def __init__(self, weights: sp.csr_array) -> None:
        self._weights = weights
        df = np.bincount(weights.indices, minlength=weights.shape[1])
        common = np.flatnonzero(df >= max(2, _DENSE_SHARE * weights.shape[0]))
        common = common[np.argsort(-df[common], kind="stable")][:_MOST_DENSE]
        rare = np.ones(weights.shape[1], bool)
        rare[common] = False
        self._dense = weights[:, common].toarray()
        self._rare = weights[:, rare].tocsr()
        self._rare_transposed = self._rare.T.tocsr()
        # A sum of n products, none negative, is off by at most about n units of rounding of itself, and itself is ≤ 1.
        most = int(np.diff(weights.indptr).max(initial=0))
        self._margin = np.float32(4 * (most + 2) * 2.0**-24)

    def of(self, first: int, last: int, k: int) -> Iterator[tuple[NDArray[np.int32], NDArray[np.float32]]]:
        """Yields, row by row from `first` up to `last`, the most similar rows and their similarities, descending.

        A row is no neighbour of itself, and one of similarity 0 is none of anyone's. Ties, in float32, go to the
        smaller row.
        """
        step = max(1, _BLOCK_SCORES // max(1, self._weights.shape[0]))
        for begin in range(first, last, step):
            yield from self._block(begin, min(last, begin + step), k)

    def _block(self, begin: int, end: int, k: int) -> Iterator[tuple[NDArray[np.int32], NDArray[np.float32]]]:
        queries, found = self._candidates(begin, end, k)
        similarities = exact_similarities(self._weights, queries + begin, found)
        order = np.lexsort((found, -similarities, queries))
        queries, found, similarities = queries[order], found[order], similarities[order]
        bounds = np.searchsorted(queries, np.arange(end - begin + 1))
        for start, stop in zip(bounds[:-1], np.minimum(bounds[1:], bounds[:-1] + k), strict=True):
            yield found[start:stop].astype(np.int32), similarities[start:stop]

    def _candidates(self, begin: int, end: int, k: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pairs of an index in the block and a row, among them all that can be of the nearest k."""
        scores = self._dense[begin:end] @ self._dense.T
        scores += (self._rare[begin:end] @ self._rare_transposed).toarray()
        scores[np.arange(end - begin), np.arange(begin, end)] = 0
        rank = max(0, scores.shape[1] - k)
        least = np.partition(scores, rank, axis=1)[:, rank] - self._margin
        queries, found = np.nonzero(scores >= np.maximum(least, np.finfo(np.float32).tiny)[:, None])
        return queries, found


def exact_similarities(
    weights: sp.csr_array, first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.float32]:
    """s(i, j) of pairs of rows: summed up in float64, float32 (pairs,); s(i, j) and s(j, i) are the same."""
    found = np.empty(len(first), np.float32)
    ones = np.ones(weights.shape[1])
    for start in range(0, len(first), _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        products = weights[first[part]].astype(np.float64).multiply(weights[second[part]].astype(np.float64))
        found[part] = products.tocsr() @ ones
    return found


def most_similar(weights: sp.csr_array, query: sp.csr_array, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Finds the rows of `weights` most similar to a row of its terms, (1, terms): rows and similarities above 0."""
    similarities = (weights.astype(np.float64) @ query.astype(np.float64).toarray()[0]).astype(np.float32)
    order = np.lexsort((np.arange(len(similarities)), -similarities))[:k]
    order = order[similarities[order] > 0]
    return order, similarities[order]
