"""What people answered of triplets, and how far a similarity, or they among themselves, agree with it.

Of a query and two images, a and b, each person says which is more like the query, or that they can't say. Gordo &
Larlus 2017, section 3.3, asked this way; so did Fu et al. 2023 (NIGHTS), who published counts of votes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.evaluate.semantic import Floats, agreement, agreement_among, alike

Similarity = Callable[[str, str], float]
"""How alike two images are, by their ids."""


@dataclass(frozen=True)
class Triplet:
    """A triplet and its answers.

    Attributes:
        answers: float64 (people,), at least one: 1 for a, 0 for b, 0.5 of who can't say.
        people: who gave them, in the same order; empty where only votes were counted.
    """

    query: str
    a: str
    b: str
    answers: Floats
    people: tuple[str, ...] = ()

    @property
    def unanimous(self) -> bool:
        """Whether two people or more answered, all of them a, or all of them b."""
        return len(self.answers) > 1 and len(set(self.answers)) == 1 and self.answers[0] != 0.5


@dataclass(frozen=True)
class Agreed:
    """Agreement on all triplets and on the unanimous ones, from 0 to 1, NaN of none; and how many these are."""

    all: float
    unanimous: float
    triplets: int
    unanimous_triplets: int


def agreement_with(triplets: Sequence[Triplet], similarity: Similarity) -> Agreed:
    """Computes how far a similarity agrees with people: the mean share of those who chose what it finds more alike.

    A tie counts half: who can't say agrees by half with anything, and so does a similarity for which a and b are equal.
    """
    preferences = np.array([similarity(one.query, one.a) - similarity(one.query, one.b) for one in triplets])
    votes = np.array([(one.answers.sum(), (1 - one.answers).sum()) for one in triplets])
    clear = np.array([one.unanimous for one in triplets], bool)
    return Agreed(_mean(preferences, votes), _mean(preferences[clear], votes[clear]), len(triplets), int(clear.sum()))


def agreement_between(triplets: Sequence[Triplet]) -> float:
    """Computes how far people agree with each other, each left out in turn: see `agreement_among`."""
    return agreement_among([one.answers for one in triplets])


def agreement_of_each(triplets: Sequence[Triplet]) -> dict[str, tuple[int, float]]:
    """Computes of each person how many triplets they and others answered, and the mean share of others who agree.

    In the order of names; empty where only votes were counted.
    """
    shares: dict[str, list[float]] = {}
    for one in triplets:
        if len(one.people) > 1:
            for person, share in zip(one.people, alike(one.answers), strict=True):
                shares.setdefault(person, []).append(float(share))
    return {person: (len(own), float(np.mean(own))) for person, own in sorted(shares.items())}


def _mean(preferences: Floats, votes: NDArray[np.float64]) -> float:
    return agreement(preferences, votes) if len(votes) else float("nan")
