"""What counts as an answer in each test set's protocol, and the scores of all its queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.evaluate.ranking import Indices, average_precision, positive_ranks, precision_at

FIRST = (1, 5, 10)
"""Of the ranking, how many images precision is told of."""


class Setup(NamedTuple):
    """Which grades of a query's ground truth are answers, and which are left out of its ranking."""

    positives: tuple[str, ...]
    ignored: tuple[str, ...]


CLASSIC = {"classic": Setup(("good", "ok"), ("junk",))}
"""Oxford Buildings and Paris (Philbin et al. 2007, 2008)."""
REVISITED = {
    "easy": Setup(("easy",), ("junk", "hard")),
    "medium": Setup(("easy", "hard"), ("junk",)),
    "hard": Setup(("hard",), ("junk", "easy")),
}
"""The revisited sets (Radenović et al. 2018, section 3)."""
HOLIDAYS = {"holidays": Setup(("positive",), ("query",))}
"""Holidays (Jégou et al. 2008): the query itself is in the database, and left out."""
OWN = {"own": Setup(("positive",), ("junk", "query"))}
"""A test set of one's own: the query's photograph, where it is in the database, is left out."""

Grades = Mapping[str, Indices]
"""Of one query, the images of the database by grade, such as `good` or `junk`."""


@dataclass(frozen=True)
class Scores:
    """The scores of a setup: of each query float64 (queries,), NaN for one without positives, which no mean counts."""

    average_precisions: NDArray[np.float64]
    precisions: dict[int, NDArray[np.float64]]

    @property
    def mean(self) -> float:
        """The mean average precision; NaN where no query has positives."""
        return _mean(self.average_precisions)

    def mean_precision(self, most: int) -> float:
        """Returns the mean precision among the first `most` images, one of `FIRST`."""
        return _mean(self.precisions[most])

    def interval(self, seed: int = 0) -> tuple[float, float]:
        """Returns the 95 % interval of the mean average precision over queries, by bootstrap (BCa).

        NaN below two queries.
        """
        counted = self.average_precisions[~np.isnan(self.average_precisions)]
        if len(counted) < 2 or np.ptp(counted) == 0:
            return (self.mean, self.mean) if len(counted) > 1 else (float("nan"), float("nan"))
        from scipy.stats import bootstrap  # takes most of a second to import, and each process that trains would wait

        found = bootstrap((counted,), np.mean, rng=np.random.default_rng(seed)).confidence_interval
        return float(found.low), float(found.high)


def score(rankings: Sequence[Indices], grades: Sequence[Grades], setup: Setup) -> Scores:
    """Scores the rankings of all queries.

    Args:
        rankings: for each query int64 (n,), images of the database, the most similar first.
        grades: for each query, in the same order.
    """
    precisions = np.full((len(rankings), 1 + len(FIRST)), np.nan)
    for query, (ranking, graded) in enumerate(zip(rankings, grades, strict=True)):
        positives, ignored = (_union(graded, names) for names in setup)
        if len(positives):
            ranks = positive_ranks(ranking, positives, ignored)
            shares = [precision_at(ranks, most) for most in FIRST]
            precisions[query] = [average_precision(ranks, len(positives)), *shares]
    return Scores(precisions[:, 0], {most: precisions[:, 1 + index] for index, most in enumerate(FIRST)})


def _union(grades: Grades, names: tuple[str, ...]) -> Indices:
    return np.unique(np.concatenate([np.empty(0, np.int64), *(grades[name] for name in names if name in grades)]))


def _mean(values: NDArray[np.float64]) -> float:
    counted = values[~np.isnan(values)]
    return float(counted.mean()) if len(counted) else float("nan")
