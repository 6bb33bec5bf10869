"""Votes that agree: which of them would one camera movement explain, and how many would chance?"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from tasks.match.voting import Votes

_NEAR = 0.1  # how far votes that agree may lie from where they should, as a share of the picture
_TURN = 30.0  # by how many degrees, and
_SCALE = 1.0  # by how many powers of two, they may be turned and scaled otherwise
_CHANCE = 0.01  # that a vote agrees with another by chance: measured in docs/evidence/quality.md
_STRONGEST = 64  # votes for a photograph that are looked at


class Consistency(NamedTuple):
    """What the votes for photographs come to.

    Attributes:
        photographs: int64 (n,), ascending: those with votes.
        false_alarms: float64 (n,), log10 of how often chance would have as many of as many votes agree.
    """

    photographs: NDArray[np.int64]
    false_alarms: NDArray[np.float64]


def consistency(votes: Votes, extents: NDArray[np.float32]) -> Consistency:
    """Returns how unlikely it is that so many of a photograph's votes agree by chance.

    A vote has a place, a turn and a scale on both sides, and so gives a similarity between the two pictures by itself
    (Philbin et al. 2007): each is tried, and the others counted that it maps near enough, turned and scaled alike. As
    `false_alarms` in `tasks.match.verify`: of k votes, c agree by chance k · C(k − 1, c − 1) · p^(c − 1) times.

    Args:
        votes: of one photograph for others. extents: float32, longer side in pixels of what is voted for, by its index.
    """
    votes = _strongest(_one_to_one(votes), _STRONGEST)
    photographs, first, counts = np.unique(votes.photograph, return_index=True, return_counts=True)
    if not len(photographs):
        return Consistency(np.zeros(0, np.int64), np.zeros(0))
    tried, other = _pairs(first, counts)
    agree = _agree(votes, tried, other, _NEAR * extents[votes.photograph])
    agreeing = np.bincount(tried, agree, minlength=len(votes.weight))
    most = np.maximum(np.maximum.reduceat(agreeing, first), 1)  # where a number is not finite, not even with itself
    chosen = gammaln(counts) - gammaln(most) - gammaln(counts - most + 1)
    alarms = (np.log(counts) + chosen) / np.log(10) + (most - 1) * np.log10(_CHANCE)
    return Consistency(photographs.astype(np.int64), alarms)


def _agree(
    votes: Votes, tried: NDArray[np.int64], other: NDArray[np.int64], tolerance: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Whether the similarity that a vote gives maps another's source near its target (m,); tolerance (k,) in pixels."""
    source, target = (
        np.ascontiguousarray(side[:, :2]).view(np.complex64)[:, 0] for side in (votes.source, votes.target)
    )
    turns, scales = votes.target[:, 2] - votes.source[:, 2], votes.target[:, 3] - votes.source[:, 3]
    similarity = (2**scales * np.exp(1j * np.deg2rad(turns))).astype(np.complex64)
    error = similarity[tried] * (source[other] - source[tried]) - (target[other] - target[tried])
    near = np.abs(error) <= tolerance[tried]
    turned = np.abs((turns[tried] - turns[other] + 180) % 360 - 180) <= _TURN
    return np.asarray(near & turned & (np.abs(scales[tried] - scales[other]) <= _SCALE))


def _one_to_one(votes: Votes) -> Votes:
    """The heaviest vote from each pixel, and of these the heaviest for each: what repeats is one thing seen once."""
    for side in ("source", "target"):
        x, y = np.rint(getattr(votes, side)[:, :2]).T
        order = np.lexsort((-votes.weight, y, x, votes.photograph))
        pixels = np.stack([votes.photograph, x, y])[:, order]
        new = (np.diff(pixels, axis=1, prepend=-1) != 0).any(axis=0)
        votes = votes.take(order[new])
    return votes


def _strongest(votes: Votes, count: int) -> Votes:
    """At most `count` of each photograph's votes, the heaviest, by photograph."""
    order = np.lexsort((-votes.weight, votes.photograph))
    owner = votes.photograph[order]
    rank = np.arange(len(owner)) - np.searchsorted(owner, owner)
    return votes.take(order[rank < count])


def _pairs(first: NDArray[np.int64], counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All ordered pairs, an item with itself among them, inside groups of so many items that begin at `first`."""
    begin, size = np.repeat(first, counts), np.repeat(counts, counts)
    one = np.repeat(np.arange(len(size)), size)
    within = np.arange(len(one)) - np.repeat(np.cumsum(size) - size, size)
    return one, begin[one] + within
