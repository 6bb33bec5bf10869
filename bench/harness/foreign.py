"""Do foreign photographs get into the kept group of a class that has as many of them as of its own?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.harness.collection import Collection
from bench.leaks.related import Grouped, contending, relate
from bench.matching.allpairs import AllPairs
from bench.matching.shortlisted import decide, explore_part, pair_rows
from tasks.overlap.pair_memory import PairMemory

_SEEDS = 3


@dataclass(frozen=True)
class Planting:
    """A class with foreign photographs among its own.

    Attributes:
        planted: how many. kept: those of them that the class keeps, by id. before: how many it would keep if classes
            were not compared with each other. undisturbed: whether of its own photographs the same are kept as without
            them.
    """

    landmark: str
    seed: int
    planted: int
    kept: tuple[str, ...]
    before: int
    undisturbed: bool


def plant_all(collection: Collection, found: AllPairs) -> Iterator[Planting]:
    """Moves random photographs of other classes into each class, as many as it has, once per seed.

    Their own classes are without them then: no photograph stands in the list twice.
    """
    pairs = {name: _explore(collection, found, indices) for name, indices in collection.classes.items()}
    for number, (landmark, own) in enumerate(collection.classes.items()):
        alone = _kept(decide(collection, own, pairs[landmark]))
        others = sorted(set(range(len(collection.members))) - set(own))
        for seed in range(_SEEDS):
            count = min(len(own), len(others))
            planted = set(np.random.default_rng([seed, number]).choice(others, count, replace=False).tolist())
            classes = {name: sorted(set(indices) - planted) for name, indices in collection.classes.items()}
            classes[landmark] = sorted([*own, *planted])
            edges = {**pairs, landmark: _explore(collection, found, classes[landmark])}
            foreign = {collection.members[index]["image_id"] for index in planted}
            before, after = _keep(collection, classes, edges, landmark)
            undisturbed = after - foreign == alone
            yield Planting(landmark, seed, count, tuple(sorted(after & foreign)), len(before & foreign), undisturbed)


def _explore(collection: Collection, found: AllPairs, indices: list[int]) -> pd.DataFrame:
    return pair_rows(collection, found, explore_part(collection, indices, found.verified).verified)


def _keep(
    collection: Collection, classes: Mapping[str, list[int]], pairs: Mapping[str, pd.DataFrame], landmark: str
) -> tuple[set[str], set[str]]:
    """What a class keeps before all are compared with each other, and after."""
    members = pd.DataFrame(collection.members)[["image_id", "sha256", "width", "height"]]
    decided = {name: decide(collection, indices, pairs[name], name) for name, indices in classes.items()}
    images = pd.concat([contending(own, members) for own in decided.values()], ignore_index=True)
    features = dict(zip(members.image_id, collection.features, strict=True))
    dropped = set(relate(Grouped(images, features, pd.concat(pairs.values())), PairMemory()).dropped.image_id)
    kept = [index for index in classes[landmark] if collection.members[index]["image_id"] not in dropped]
    return _kept(decided[landmark]), _kept(decide(collection, kept, pairs[landmark]))


def _kept(decided: pd.DataFrame) -> set[str]:
    return set(decided.image_id[decided.kept])
