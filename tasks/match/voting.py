"""An index over the descriptors of photographs: which photographs have those of another, turned and scaled alike."""

from collections.abc import Sequence
from typing import NamedTuple

import faiss
import numpy as np
from numpy.typing import NDArray

from tasks.features.packed import Features
from tasks.match.inverted import InvertedFile

_NEIGHBOURS = 20  # the last of them tells how near a descriptor's chance neighbours are
_NEARER = 0.85  # a neighbour says nothing beyond this share of that distance: the ratio test of a whole class
_TURNS = 12  # bins of 30 degrees
_SCALES = 7  # bins of a factor of two, from 1/8 to 8
_FLAT = 10_000  # descriptors up to which every one is looked at


class Votes(NamedTuple):
    """Keypoints of a photograph and those of the index whose descriptors are nearer than chance would have them.

    Attributes:
        photograph: int32 (k,): the one voted for, by its index. source, target: float32 (k, 4): x, y (pixels), angle
            (degrees) and radius (as a power of two) of the keypoint that asks, and of the one that it votes by.
        weight: float64 (k,), above 0 and at most 1.
    """

    photograph: NDArray[np.int32]
    source: NDArray[np.float32]
    target: NDArray[np.float32]
    weight: NDArray[np.float64]

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> "Votes":
        """Returns some of them: a mask (k,), or numbers in the order wanted."""
        return Votes(self.photograph[chosen], self.source[chosen], self.target[chosen], self.weight[chosen])


class DescriptorIndex:
    """The descriptors of many photographs, asked for votes that agree in turn and scale.

    Neighbours vote for their photograph apart for each relative turn and scale, as in weak geometric consistency (Jégou
    et al. 2008): the votes of chance scatter over the bins, those of a common object do not. A vote weighs the more the
    nearer the neighbour is beside the last of 20, which is there by chance (as in query-adaptive similarity, Qin et al.
    2013): what looks like everything else says nothing.

    Args:
        photographs: in the order in which answers count them.

    Attributes:
        extents: float32 (n,): the longer side, in pixels, of the part of each photograph that has keypoints.
    """

    def __init__(self, photographs: Sequence[Features]) -> None:
        keypoints = [_similar(photograph) for photograph in photographs]
        sizes = [len(own) for own in keypoints]
        self._owner = np.repeat(np.arange(len(photographs), dtype=np.int32), sizes)
        self._keypoints = np.concatenate([np.zeros((0, 4), np.float32), *keypoints])
        self.extents = np.array([_extent(own[:, :2]) for own in keypoints], np.float32)
        self._inverted = InvertedFile(photographs) if sum(sizes) > _FLAT else None
        self._flat = faiss.IndexFlatL2(128)
        if self._inverted is None:
            for photograph in photographs:
                self._flat.add(photograph.descriptors.astype(np.float32))

    def ask(self, features: Features, index: int | None = None) -> Votes:
        """Returns the votes of a photograph's descriptors.

        Args:
            index: of a photograph that is indexed itself. Which lists its descriptors are looked for in is known then;
                the votes are the same.
        """
        if not len(features.descriptors) or not len(self._owner):
            none = np.zeros((0, 4), np.float32)
            return Votes(np.zeros(0, np.int32), none, none, np.zeros(0))
        squares, found = self._neighbours(features.descriptors.astype(np.float32), index)
        distances = np.where(found >= 0, np.sqrt(np.maximum(squares, 0)), np.inf)
        last = np.where(found >= 0, distances, 0).max(axis=1, keepdims=True)
        weights = 1 - distances / np.maximum(_NEARER * last, 1e-6)
        asked, rank = np.nonzero(weights > 0)
        near = found[asked, rank]
        return Votes(self._owner[near], _similar(features)[asked], self._keypoints[near], weights[asked, rank])

    def count(self, votes: Votes) -> NDArray[np.float64]:
        """Returns the votes for each photograph, (n,): those in its fullest bin, by their weight."""
        _, _, turns, scales = (votes.target - votes.source).T
        turn = np.floor(turns / 360 * _TURNS).astype(np.int64) % _TURNS
        scale = np.clip(np.rint(scales).astype(np.int64) + _SCALES // 2, 0, _SCALES - 1)
        return _fullest(votes.photograph, turn, scale, votes.weight, len(self.extents))

    def votes(self, features: Features) -> NDArray[np.float64]:
        """Returns the votes of a photograph's descriptors for each of those indexed, (n,)."""
        return self.count(self.ask(features))

    def _neighbours(
        self, descriptors: NDArray[np.float32], index: int | None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Squared distances and numbers of the nearest descriptors, nearest first; -1 where there are too few."""
        count = min(_NEIGHBOURS, len(self._owner))
        if self._inverted is not None:
            return self._inverted.search(descriptors, count, index)
        found: tuple[NDArray[np.float32], NDArray[np.int64]] = self._flat.search(descriptors, count)
        return found


def most_voted(votes: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Returns the photographs with most votes (n,), at most `count`, most first; those without a vote are left out."""
    order = np.argsort(-votes, kind="stable")[:count]
    return np.asarray(order[votes[order] > 0], np.int64)


def _fullest(
    owner: NDArray[np.int32],
    turn: NDArray[np.int64],
    scale: NDArray[np.int64],
    weight: NDArray[np.float64],
    photographs: int,
) -> NDArray[np.float64]:
    """The weight in the fullest two by two bins of each photograph, (n,), from votes (k,).

    What lies across an edge counts on both sides: a vote is given to the four squares that its bin is part of. Only
    squares with votes are counted, so that the costs are those of the votes and not of the photographs.
    """
    squares = [((turn - a) % _TURNS, scale - b) for a in (0, 1) for b in (0, 1)]
    cells = np.concatenate([(owner * _TURNS + t) * (_SCALES + 1) + s + 1 for t, s in squares])
    cell, inverse = np.unique(cells, return_inverse=True)
    total = np.bincount(inverse, weights=np.tile(weight, len(squares)))
    found = np.zeros(photographs)
    np.maximum.at(found, cell // (_TURNS * (_SCALES + 1)), total)
    return found


def _similar(features: Features) -> NDArray[np.float32]:
    """Keypoints without their affine shape, (n, 4): see `Votes`."""
    radii = np.log2(np.maximum(features.radii, 1e-6))
    return np.column_stack([features.positions, features.angles, radii]).astype(np.float32, copy=False)


def _extent(positions: NDArray[np.float32]) -> float:
    return float(np.ptp(positions, axis=0).max()) if len(positions) else 0.0
