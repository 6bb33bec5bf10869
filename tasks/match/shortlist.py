"""Which pairs of photographs are worth a comparison: those with descriptors alike, turned and scaled alike."""

from collections.abc import Sequence

import numpy as np

from tasks.features.packed import Features
from tasks.match.index import DescriptorIndex, most_voted
from tasks.match.settings import MatchSettings

BLOCK = 6000  # photographs indexed at once: about 8 million descriptors, 400 MB, and 250 more while they are laid out


def shortlist(
    photographs: Sequence[Features], settings: MatchSettings, classes: Sequence[str] | None = None
) -> list[tuple[int, int]]:
    """The pairs in which one photograph is among the other's `candidates` with most votes, most votes first.

    A pair has the votes of both. What chance gives it shrinks with the number of photographs that share the neighbours
    of a descriptor, and scatters by the square root of that: so does what is asked of it. Blocks of photographs are
    indexed one after the other, so that memory does not grow with their number.

    Args:
        classes: of each photograph; where they are given, only photographs of different classes make pairs.

    Returns:
        Pairs of positions in `photographs`, lower first.
    """
    best: list[list[tuple[float, int]]] = [[] for _ in photographs]  # minus the votes, and whose they are
    owners = np.unique(np.array(classes), return_inverse=True)[1] if classes else np.arange(len(photographs))
    block = _block(len(photographs))
    for start in range(0, len(photographs), block):
        index = DescriptorIndex(photographs[start : start + block])
        for a, features in enumerate(photographs):
            votes = index.votes(features, a - start if start <= a < start + block else None)
            votes[owners[start : start + block] == owners[a]] = 0
            found = [(-float(votes[b]), start + b) for b in most_voted(votes, settings.candidates).tolist()]
            best[a] = sorted(best[a] + found)[: settings.candidates]
    sums: dict[tuple[int, int], float] = {}
    for a, candidates in enumerate(best):
        for minus, b in candidates:
            pair = (min(a, b), max(a, b))
            sums[pair] = sums.get(pair, 0.0) - minus
    floor = settings.min_votes * np.sqrt(100 / block)
    return sorted((pair for pair in sums if sums[pair] >= floor), key=lambda pair: (-sums[pair], pair))


def _block(photographs: int) -> int:
    """How many of so many photographs are indexed at once: all, or equal parts of them."""
    parts = max(1, -(-photographs // BLOCK))
    return max(1, -(-photographs // parts))
