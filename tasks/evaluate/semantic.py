"""How a similarity agrees with what captions say, or people: NDCG, Pearson correlation, agreement on triplets.

Gordo & Larlus 2017 report the areas under the curves of NDCG and of the correlation over R, the number of images
looked at; the gain and the range of R are not published. Here R runs from 1 to `most`.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Gain = Literal["exponential", "linear"]
_STILL = 1e-18  # product of two sums of squares up to which what does not vary can't be told from rounding


def ndcg_curve(similarity: Floats, relevance: Floats, most: int, gain: Gain = "exponential") -> Floats:
    """Computes the normalised discounted cumulative gain of the first R images, for every R up to `most`.

    Args:
        similarity, relevance: float64 (n,), of each image of the database to one query, by the method that is scored,
            and by captions; relevance is not negative.
        gain: 2^relevance − 1, or relevance itself.

    Returns:
        float64 (min(most, n),); NaN where no image has any relevance.
    """
    gains = np.exp2(relevance) - 1 if gain == "exponential" else relevance
    length = min(most, len(gains))
    discounts = 1 / np.log2(np.arange(2, length + 2))
    found = np.cumsum(gains[_first(similarity, length)] * discounts)
    ideal = np.cumsum(gains[_first(gains, length)] * discounts)
    curve: Floats = np.divide(found, ideal, out=np.full(length, np.nan), where=ideal > 0)
    return curve


def pcc_curve(similarity: Floats, relevance: Floats, most: int) -> Floats:
    """Correlates similarity and relevance over the method's first R images, for every R from 2 up to `most`.

    Args:
        similarity, relevance: as in `ndcg_curve`.

    Returns:
        float64 (min(most, n) − 1,), Pearson's coefficient; NaN where one of the two does not vary.
    """
    order = _first(similarity, most)
    x, y = similarity[order] - similarity.mean(), relevance[order] - relevance.mean()
    count = np.arange(1, len(order) + 1)
    covariance = np.cumsum(x * y) - np.cumsum(x) * np.cumsum(y) / count
    spread = (np.cumsum(x * x) - np.cumsum(x) ** 2 / count) * (np.cumsum(y * y) - np.cumsum(y) ** 2 / count)
    varies = spread > _STILL
    curve: Floats = np.divide(covariance, np.sqrt(np.maximum(spread, 0)), out=np.full(len(order), np.nan), where=varies)
    return curve[1:]


def correlate(similarity: Floats, relevance: Floats) -> float:
    """Pearson's coefficient over all images; NaN where one of the two does not vary."""
    x, y = similarity - similarity.mean(), relevance - relevance.mean()
    spread = float((x @ x) * (y @ y))
    return float(x @ y) / spread**0.5 if spread > _STILL else float("nan")


def area(curve: Floats) -> float:
    """Returns the mean of a curve where it is defined; NaN where it is nowhere."""
    defined = curve[~np.isnan(curve)]
    return float(defined.mean()) if len(defined) else float("nan")


def agreement(preferences: Floats, votes: NDArray[np.int64] | Floats) -> float:
    """Computes how far a method agrees with people on triplets (Gordo & Larlus 2017, section 3.3).

    Args:
        preferences: float64 (n,), similarity of the query to candidate a less that to b; 0 agrees by half with anyone.
        votes: int64 or float64 (n, 2), how many people chose a, and b, at least one in each row; who can't say is half
            a vote for each.
    """
    shares = votes / votes.sum(axis=1, keepdims=True)
    agreed = np.where(preferences > 0, shares[:, 0], np.where(preferences < 0, shares[:, 1], 0.5))
    return float(agreed.mean())


def agreement_among(answers: Sequence[NDArray[np.bool_] | Floats]) -> float:
    """Computes how far people agree with each other, each left out in turn.

    Args:
        answers: of each question bool or float64 (people,), as `alike` takes them; questions that one person answered
            don't count.

    Returns:
        The mean, over people and questions, of the share of the others who answered alike; NaN without any.
    """
    shares = [alike(chosen) for chosen in answers if len(chosen) > 1]
    return float(np.concatenate(shares).mean()) if shares else float("nan")


def alike(chosen: NDArray[np.bool_] | Floats) -> Floats:
    """Computes for each person the share of the others who answered a question alike.

    Args:
        chosen: bool or float64 (people,), at least two: 1 for who chose a, 0 for b; 0.5 for who can't say, and so
            agrees by half with anyone.

    Returns:
        float64 (people,).
    """
    own = chosen.astype(np.float64)
    others, for_a = len(own) - 1, own.sum() - own
    shares: Floats = (own * for_a + (1 - own) * (others - for_a)) / others
    return shares


def _first(similarity: Floats, most: int) -> NDArray[np.int64]:
    """The most similar, in descending order; of equal ones the first of the database. Only these are sorted."""
    if most < len(similarity):
        least = np.partition(similarity, len(similarity) - most)[len(similarity) - most]
        among = np.flatnonzero(similarity >= least)
    else:
        among = np.arange(len(similarity))
    return among[np.argsort(-similarity[among], kind="stable")][:most]
