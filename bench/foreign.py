"""Do foreign photographs get into the kept group of a class that has as many of them as of its own?"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bench.allpairs import AllPairs
from bench.collection import Collection
from bench.shortlisted import explore_part, kept_group

_SEEDS = 3


@dataclass(frozen=True)
class Planting:
    """A class with foreign photographs among its own.

    Attributes:
        planted: how many. kept: those of them in the kept group, by id. undisturbed: whether of its own photographs
            the same are kept as without them.
    """

    landmark: str
    seed: int
    planted: int
    kept: tuple[str, ...]
    undisturbed: bool


def plant_all(collection: Collection, found: AllPairs) -> Iterator[Planting]:
    """Plants random photographs of other classes into each class, as many as it has, once per seed."""
    for number, (landmark, own) in enumerate(collection.classes.items()):
        alone = _kept(collection, own, found)
        others = sorted(set(range(len(collection.members))) - set(own))
        for seed in range(_SEEDS):
            count = min(len(own), len(others))
            planted = np.random.default_rng([seed, number]).choice(others, count, replace=False).tolist()
            kept = _kept(collection, sorted([*own, *planted]), found)
            foreign = sorted(collection.members[place]["image_id"] for place in kept - set(own))
            yield Planting(landmark, seed, count, tuple(foreign), kept & set(own) == alone)


def _kept(collection: Collection, places: list[int], found: AllPairs) -> frozenset[int]:
    return kept_group(collection, places, found, explore_part(collection, places, found.verified).verified)
