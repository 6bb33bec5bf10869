"""Scores of one ranking, as the evaluation code of Oxford, Paris and Holidays computes them."""

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def positive_ranks(ranking: Indices, positives: Indices, ignored: Indices) -> Indices:
    """Ranks the positives as if the ignored images were not in the ranking.

    Args:
        ranking: int64 (n,), images of the database, the most similar first; each at most once.
        positives, ignored: int64, images; those that the ranking lacks were not retrieved.

    Returns:
        int64, ascending, counted from 0.
    """
    left = ranking[~np.isin(ranking, ignored)]
    return np.flatnonzero(np.isin(left, positives)).astype(np.int64)


def average_precision(ranks: Indices, positives: int) -> float:
    """Computes average precision by the trapezoid rule, as the authors of the test sets do (not scikit-learn's).

    Args:
        ranks: of the positives that were retrieved, from 0, ascending.
        positives: how many there are in all, at least 1.
    """
    found = np.arange(len(ranks), dtype=np.float64)
    before = np.where(ranks == 0, 1.0, found / np.maximum(ranks, 1))
    after = (found + 1) / (ranks + 1)
    return float(((before + after) / 2).sum() / positives)


def precision_at(ranks: Indices, most: int) -> float:
    """Computes the share of positives among the first images (Radenović et al. 2018, mP@k).

    Where the last positive comes before the k-th image, only the images up to it count.

    Args:
        ranks: of the positives that were retrieved, from 0, ascending.
        most: k, at least 1.
    """
    if not len(ranks):
        return 0.0
    counted = min(int(ranks[-1]) + 1, most)
    return float((ranks < counted).sum() / counted)
