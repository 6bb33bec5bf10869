"""How well a network finds the photographs of a version that validate: mAP among those that are kept."""

import numpy as np
from numpy.typing import NDArray

from tasks.evaluate.protocol import OWN, score
from tasks.index.search import search_exactly
from tasks.train.mining import Indices, Labels, Mask
from tasks.train.settings import ValidationSettings

_STREAM = 3  # of random numbers


def searched(validates: Mask, settings: ValidationSettings) -> Indices:
    """Selects the photographs that are searched, ascending: those that validate, and others, drawn evenly."""
    validating, others = np.flatnonzero(validates), np.flatnonzero(~validates)
    count = min(len(others), max(0, settings.database - len(validating)))
    drawn = np.random.default_rng([0, _STREAM]).choice(others, count, replace=False)
    return np.sort(np.concatenate([validating, drawn]))


def validation_score(
    vectors: NDArray[np.float32], photographs: Indices, labels: Labels, validates: Mask
) -> tuple[float, int]:
    """Returns the mean average precision of the validating photographs, and how many of them have an answer.

    A query asks for the others of its class among all that are searched; its copies are left out.

    Args:
        vectors: float32 (n, dimensions), of unit length. photographs: int64 (n,), which they are of.

    Returns:
        NaN and 0 where nothing validates.
    """
    queries = np.flatnonzero(validates[photographs])
    if not len(queries):
        return float("nan"), 0
    classes, pictures = labels.classes[photographs], labels.pictures[photographs]
    rankings = list(search_exactly(vectors, vectors[queries], len(vectors)).rows)
    grades = [_grades(classes, pictures, query) for query in queries.tolist()]
    found = score(rankings, grades, OWN["own"])
    return found.mean, int((~np.isnan(found.average_precisions)).sum())


def _grades(classes: Indices, pictures: Indices, query: int) -> dict[str, Indices]:
    copies = pictures == pictures[query]
    positive = (classes == classes[query]) & ~copies
    return {"positive": np.flatnonzero(positive), "query": np.flatnonzero(copies)}
