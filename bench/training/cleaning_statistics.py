"""How sure a mean difference is, of runs with several seeds that are scored on several classes."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_DRAWS = 10_000


class Interval(NamedTuple):
    """A mean and its 95 % interval."""

    mean: float
    low: float
    high: float

    def text(self) -> str:
        """For a table."""
        return f"{self.mean:+.4f} ({self.low:+.4f} to {self.high:+.4f})"


def class_means(average_precisions: NDArray[np.float64], classes: NDArray[np.int64]) -> NDArray[np.float64]:
    """The mean average precision of each class: (scores, classes).

    Args:
        average_precisions: (scores, queries). classes: int64 (queries,), of each query, from 0.
    """
    shares = classes == np.arange(classes.max() + 1)[:, None]
    means: NDArray[np.float64] = average_precisions @ shares.T / shares.sum(axis=1)
    return means


def interval(differences: NDArray[np.float64], seed: int = 0) -> Interval:
    """The mean of paired differences and its 95 % interval by a nested bootstrap: seeds and classes are drawn anew.

    Seeds and classes are crossed, and so each draw takes the same classes of all of its seeds. Percentiles.

    Args:
        differences: (seeds, classes). seed: of the bootstrap's draws.
    """
    random, (seeds, classes) = np.random.default_rng(seed), differences.shape
    rows = random.integers(seeds, size=(_DRAWS, seeds))
    columns = random.integers(classes, size=(_DRAWS, classes))
    means = differences[rows[:, :, None], columns[:, None, :]].mean(axis=(1, 2))
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(differences.mean()), float(low), float(high))
