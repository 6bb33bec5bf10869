"""Which pairs of photographs are worth a comparison: those with descriptors alike, whose places agree."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.features.packed import Features
from tasks.match.consistency import consistency
from tasks.match.settings import MatchSettings
from tasks.match.voting import DescriptorIndex, most_voted

BLOCK = 6000  # photographs indexed at once: about 8 million descriptors, 500 MB, and 250 more while they are laid out


class _Candidate(NamedTuple):
    """What one photograph, `a`, says of another: its votes, and log10 of how often chance would have them agree so."""

    a: int
    b: int
    votes: float
    false_alarms: float


def shortlist(
    photographs: Sequence[Features], settings: MatchSettings, classes: Sequence[str] | None = None
) -> list[tuple[int, int]]:
    """Lists the pairs worth a comparison, the likeliest first: their votes agree as chance would hardly have them.

    Each photograph asks for the `candidates` with most votes. Of what the two photographs of a pair say of each other,
    the likelier counts. Blocks of photographs are indexed one after the other: what grows with their number are only
    the candidates.

    Args:
        settings: of them, `candidates` and `proposal_alarms`.
        classes: of each photograph; where they are given, only photographs of different classes make pairs.

    Returns:
        Pairs of positions in `photographs`, lower first.
    """
    best: list[list[_Candidate]] = [[] for _ in photographs]
    owners = np.unique(np.array(classes), return_inverse=True)[1] if classes else np.arange(len(photographs))
    block = _block(len(photographs))
    for start in range(0, len(photographs), block):
        for a, found in enumerate(_ask(photographs, start, block, owners, settings.candidates)):
            best[a] = sorted(best[a] + found, key=lambda one: (-one.votes, one.b))[: settings.candidates]
    pairs: dict[tuple[int, int], tuple[float, float]] = {}
    for a, b, votes, false_alarms in chain.from_iterable(best):
        known, others = pairs.get((min(a, b), max(a, b)), (np.inf, 0.0))
        pairs[min(a, b), max(a, b)] = min(known, false_alarms), others - votes
    likely = (pair for pair, (false_alarms, _) in pairs.items() if false_alarms <= settings.proposal_alarms)
    return sorted(likely, key=lambda pair: (pairs[pair], pair))


def _ask(
    photographs: Sequence[Features], start: int, block: int, owners: NDArray[np.intp], count: int
) -> Iterator[list[_Candidate]]:
    """For each photograph those with most votes, at most `count`, in the block that begins at `start`."""
    index, end = DescriptorIndex(photographs[start : start + block]), start + block
    for a, features in enumerate(photographs):
        asked = index.ask(features, a - start if start <= a < end else None)
        votes = index.count(asked)
        votes[owners[start:end] == owners[a]] = 0
        found = consistency(asked.take(np.isin(asked.photograph, most_voted(votes, count))), index.extents)
        said = zip(found.photographs.tolist(), found.false_alarms.tolist(), strict=True)
        yield [_Candidate(a, start + b, float(votes[b]), false_alarms) for b, false_alarms in said]


def _block(photographs: int) -> int:
    """How many of so many photographs are indexed at once: all, or equal parts of them."""
    parts = max(1, -(-photographs // BLOCK))
    return max(1, -(-photographs // parts))
