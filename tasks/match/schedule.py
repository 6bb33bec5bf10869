"""In which order the pairs of a class are compared, and which need not be."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import DisjointSet

from tasks.match.settings import MatchSettings

Pair = tuple[int, int]


@dataclass
class Progress:
    """What is known of the pairs of a class; photographs are counted from 0, the lower first.

    Attributes:
        compared: pairs that were compared. skipped: pairs that were not, because they could not change the groups and
            both photographs have pairs enough. verified: pairs that show the same thing.
    """

    compared: set[Pair] = field(default_factory=set)
    skipped: set[Pair] = field(default_factory=set)
    verified: set[Pair] = field(default_factory=set)


def explore(
    count: int, votes: NDArray[np.float32] | None, shows_the_same: Callable[[int, int], bool], settings: MatchSettings
) -> Progress:
    """Compares the pairs of a class that are worth it: all of a small class, else the shortlist and what it leads to.

    The pairs with most votes come first, so that groups form early and most of what follows is redundant: a pair is
    skipped when both photographs are in one group already and each has `supports` verified pairs for its box. Then
    photographs with fewer are compared with the neighbours of their neighbours, until none is found.

    Args:
        count: photographs of the class. votes: (count, count), how much a photograph (row) is like another (column);
            None compares all pairs. shows_the_same: the decision on a pair, lower number first.
    """
    progress = Progress()
    if votes is None:
        wave: list[Pair] = list(combinations(range(count), 2))
        redundant_at = count  # more supports than there can be: nothing is skipped
    else:
        wave, redundant_at = shortlist(votes, settings), settings.supports
    groups, neighbours = DisjointSet(range(count)), [set[int]() for _ in range(count)]
    while wave:
        for a, b in wave:
            if groups.connected(a, b) and min(len(neighbours[a]), len(neighbours[b])) >= redundant_at:
                progress.skipped.add((a, b))
                continue
            progress.compared.add((a, b))
            if shows_the_same(a, b):
                progress.verified.add((a, b))
                groups.merge(a, b)
                neighbours[a].add(b)
                neighbours[b].add(a)
        known = progress.compared | progress.skipped
        wave = sorted(set(_around(neighbours, redundant_at)) - known) if votes is not None else []
    progress.skipped -= progress.compared
    return progress


def shortlist(votes: NDArray[np.float32], settings: MatchSettings) -> list[Pair]:
    """The pairs in which one photograph is among the other's candidates, most votes first."""
    best: dict[Pair, float] = {}
    for a, row in enumerate(votes):
        order = np.argsort(-row, kind="stable")
        order = order[(order != a) & (row[order] >= settings.min_votes)][: settings.candidates]
        for b in order.tolist():
            pair = (min(a, b), max(a, b))
            best[pair] = max(best.get(pair, 0.0), float(row[b]))
    return sorted(best, key=lambda pair: (-best[pair], pair))


def unseen_pairs(count: int, progress: Progress, wanted: int, seed: int) -> list[Pair]:
    """At most `wanted` random pairs that were neither compared nor skipped, sorted."""
    known = progress.compared | progress.skipped
    total = count * (count - 1) // 2
    wanted = min(wanted, total - len(known))
    random, drawn = np.random.default_rng(seed), set[Pair]()
    while len(drawn) < wanted:
        for a, b in random.integers(0, count, (2 * wanted, 2)).tolist():
            if a < b and (a, b) not in known and len(drawn) < wanted:
                drawn.add((a, b))
    return sorted(drawn)


def _around(neighbours: list[set[int]], supports: int) -> Iterator[Pair]:
    """Pairs of photographs with few neighbours and the neighbours of their neighbours."""
    for a, own in enumerate(neighbours):
        if len(own) < supports:
            for b in set().union(*(neighbours[c] for c in own)) - own - {a}:
                yield min(a, b), max(a, b)
