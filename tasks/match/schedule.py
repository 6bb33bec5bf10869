"""In which order the pairs of a class are compared, and which need not be."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

Pair = tuple[int, int]

_RING = 2  # common neighbours with which two photographs lie on a ring


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
    count: int, candidates: list[Pair] | None, shows_the_same: Callable[[int, int], bool], supports: int
) -> Progress:
    """Compares the pairs of a class that are worth it: all, or the candidates and what these lead to.

    The likeliest candidates come first, so that groups form early and most of what follows is redundant. A pair is
    skipped when the two have two neighbours in common, and each has `supports` verified pairs for its box: they lie on
    a ring then, and whether they match changes neither the groups nor where these could be cut in two. Then photographs
    with fewer pairs are compared with the neighbours of their neighbours, until none is found.

    Args:
        count: photographs of the class. candidates: pairs, the likeliest first; None compares all. shows_the_same: the
            decision on a pair, lower number first. supports: verified pairs that a photograph needs for its box.
    """
    progress = Progress()
    if candidates is None:
        wave: list[Pair] = list(combinations(range(count), 2))
        supports = count  # more than there can be: nothing is skipped
    else:
        wave = candidates
    neighbours = [set[int]() for _ in range(count)]
    while wave:
        for a, b in wave:
            supported = min(len(neighbours[a]), len(neighbours[b])) >= supports
            if supported and len(neighbours[a] & neighbours[b]) >= _RING:
                progress.skipped.add((a, b))
                continue
            progress.compared.add((a, b))
            if shows_the_same(a, b):
                progress.verified.add((a, b))
                neighbours[a].add(b)
                neighbours[b].add(a)
        known = progress.compared | progress.skipped
        wave = sorted(set(_around(neighbours, supports)) - known)
    progress.skipped -= progress.compared
    return progress


def unseen_pairs(count: int, progress: Progress, wanted: int, seed: int) -> list[Pair]:
    """Draws at most `wanted` random pairs that were neither compared nor skipped, sorted."""
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
