"""Methods that say how alike images are, scored beside what captions say: table 2 of Gordo & Larlus 2017."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from tasks.evaluate.semantic import Floats, agreement, area, correlate, ndcg_curve, pcc_curve

Rows = NDArray[np.int64]
MOST = 128
"""Images up to which the curves of NDCG and PCC go, unless told otherwise."""
MEASURES = ("ndcg", "ndcg_linear", "pcc", "pcc_all")
"""Areas under the curves of NDCG, by both gains, and of PCC; and PCC over all images."""


class Method(Protocol):
    """Something that says how alike images are, which it knows by their rows."""

    def similarities(self, queries: Rows, images: Rows) -> Floats:
        """float64 (queries, images): of each query to each image."""
        ...

    def of_pairs(self, queries: Rows, images: Rows) -> Floats:
        """float64 (n,): of each query to the image beside it."""
        ...


@dataclass(frozen=True)
class ByVectors:
    """A method that compares images by products of their vectors.

    Attributes:
        queries, images: float32 (rows, d): of each image as a query, and as an image of the database.
    """

    queries: NDArray[np.float32]
    images: NDArray[np.float32]

    def similarities(self, queries: Rows, images: Rows) -> Floats:
        """Computes similarities as `Method` says."""
        return np.asarray(self.queries[queries] @ self.images[images].T, np.float64)

    def of_pairs(self, queries: Rows, images: Rows) -> Floats:
        """Computes similarities of pairs as `Method` says."""
        return np.asarray(np.einsum("nd,nd->n", self.queries[queries], self.images[images]), np.float64)


@dataclass(frozen=True)
class ByCaptions:
    """Products of tf-idf: what the others are to find out.

    Attributes:
        weights: float32 (rows, terms), rows of length 1 or 0.
    """

    weights: sp.csr_array

    def similarities(self, queries: Rows, images: Rows) -> Floats:
        """Computes similarities as `Method` says."""
        products: Floats = (self.weights[queries] @ self.weights[images].T).toarray().astype(np.float64)
        return products

    def of_pairs(self, queries: Rows, images: Rows) -> Floats:
        """Computes similarities of pairs as `Method` says."""
        products = self.weights[queries].astype(np.float64).multiply(self.weights[images].astype(np.float64))
        return np.asarray(sp.csr_array(products).sum(axis=1), np.float64)


def by_chance(rows: int, seed: int) -> ByVectors:
    """Returns a method that knows nothing: vectors of random directions."""
    drawn = np.random.default_rng(seed).normal(size=(rows, 64)).astype(np.float32)
    vectors = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return ByVectors(vectors, vectors)


def score_queries(
    methods: Sequence[Method], captions: ByCaptions, queries: Rows, images: Rows, most: int = MOST
) -> list[Floats]:
    """Scores methods by how they rank images for some queries.

    It takes 8 bytes for each query and image, several times.

    Args:
        images: the database; a query that is one of them is left out for itself.
        most: images up to which curves go.

    Returns:
        For each method float64 (queries, 4), as `MEASURES`; NaN where one is not defined.
    """
    relevance = captions.similarities(queries, images)
    others = [images != query for query in queries]
    scores = []
    for method in methods:
        similarity = relevance if method is captions else method.similarities(queries, images)
        measured = [_measure(similarity[n][own], relevance[n][own], most) for n, own in enumerate(others)]
        scores.append(np.array(measured, np.float64).reshape(-1, len(MEASURES)))
    return scores


def agreement_with_captions(method: Method, query: Rows, positive: Rows, negative: Rows) -> float:
    """Returns the share of triplets of captions in which a method too finds the positive more like the query.

    A tie is half.
    """
    if not len(query):
        return float("nan")
    preferences = method.of_pairs(query, positive) - method.of_pairs(query, negative)
    return agreement(preferences, np.tile([1.0, 0.0], (len(query), 1)))


def _measure(similarity: Floats, relevance: Floats, most: int) -> tuple[float, ...]:
    return (
        area(ndcg_curve(similarity, relevance, most)),
        area(ndcg_curve(similarity, relevance, most, "linear")),
        area(pcc_curve(similarity, relevance, most)),
        correlate(similarity, relevance),
    )
