"""Expanding queries, and augmenting a database, by nearest neighbours (Gordo et al. 2017, section 5.3)."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Weights = Literal["code", "paper"]
_BEST = 5  # windows that a query is expanded by (Tolias et al. 2016; their released code)


class Ranked(NamedTuple):
    """Rows of images, int64 (n,), the most similar first, and their similarities, float32 (n,)."""

    rows: NDArray[np.int64]
    similarities: NDArray[np.float32]


def expand_queries(queries: Vectors, neighbours: NDArray[np.float32], alpha: float = 0.0) -> Vectors:
    """Replaces each query by the mean of itself and its nearest images, scaled to unit length.

    Args:
        queries: float32 (q, d), of unit length.
        neighbours: float32 (q, k, d), the k nearest images of each, of unit length.
        alpha: a neighbour weighs its similarity to this power (Radenović et al. 2018); 0 is average query expansion.

    Returns:
        float32 (q, d).
    """
    similarity = np.einsum("qd,qkd->qk", queries, neighbours)
    weights = np.maximum(similarity, 0) ** alpha
    summed = queries + np.einsum("qk,qkd->qd", weights, neighbours)
    return unit_length(summed)


def rank_by_objects(query: Vectors, images: Vectors, windows: Vectors, scores: NDArray[np.floating]) -> Ranked:
    """Ranks images again by the mean of a query and the windows that show it best (Tolias et al. 2016, section 5).

    Args:
        query: float32 (d,), of unit length.
        images: float32 (n, d), the descriptors of the images.
        windows: float32 (n, d), of what each shows of the query.
        scores: (n,), how alike each window is.
    """
    best = np.argsort(-scores, kind="stable")[:_BEST]
    similarities = images @ unit_length(query + windows[best].sum(axis=0))
    order = np.argsort(-similarities, kind="stable")
    return Ranked(order, similarities[order])


def augment(neighbours: NDArray[np.float32], weights: Weights = "code") -> Vectors:
    """Replaces each image of a database by a weighted mean of itself and its nearest images.

    The result is not scaled to unit length again, as in the authors' code.

    Args:
        neighbours: float32 (n, 1 + k, d): the image itself, then its k nearest, nearest first.
        weights: of the neighbour of rank r: (k − r + 1) / k as in the authors' code, or (k − r) / k as in the paper.

    Returns:
        float32 (n, d).
    """
    count = neighbours.shape[1] - 1
    ranks = np.arange(1, count + 1)
    falling = (count - ranks + (weights == "code")) / max(count, 1)
    share = np.concatenate([[1.0], falling]).astype(np.float32)
    return np.asarray(np.einsum("r,nrd->nd", share / share.sum(), neighbours), np.float32)


def unit_length(vectors: Vectors) -> Vectors:
    """Scales each vector to unit length; zero stays zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)
