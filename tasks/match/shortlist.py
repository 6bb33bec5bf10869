"""Which photographs are worth a comparison: those with descriptors like these, turned and scaled alike."""

from collections.abc import Sequence
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from tasks.features.packed import Features
from tasks.match.settings import MatchSettings

_NEIGHBOURS = 5
_PROBES = 8
_REACH = 360.0  # distance of RootSIFT bytes beyond which a neighbour says nothing: 0.7 of a unit vector's 512
_TURNS = 12  # bins of 30 degrees
_SCALES = 7  # bins of a factor of two, from 1/8 to 8
_BLOCK = 3000  # photographs indexed at once: about 4 million descriptors, 200 MB
_FLAT = 10_000  # descriptors up to which every one is looked at


class DescriptorIndex:
    """An inverted file over the descriptors of many photographs, asked by votes that agree in turn and scale.

    The descriptors are kept in 32 bytes each (faiss IVF with PQ64x4fs), beside the angle and the scale of their
    keypoint. Neighbours vote for their photograph apart for each relative turn and scale, as in weak geometric
    consistency (Jégou et al. 2008): the votes of chance scatter over the bins, those of a common object do not. The
    k-means is seeded and everything runs in the order given: the same photographs give the same answers.

    Args:
        photographs: in the order in which answers count them.
    """

    def __init__(self, photographs: Sequence[Features]) -> None:
        sizes = [len(photograph.descriptors) for photograph in photographs]
        self._photographs, self._owner = len(photographs), np.repeat(np.arange(len(photographs), dtype=np.int32), sizes)
        self._turns, self._scales = (
            np.concatenate([np.zeros(0, np.float32), *(part(photograph) for photograph in photographs)])
            for part in (_turns, _scales)
        )
        self._index = _train(photographs, sum(sizes)) if sum(sizes) > _FLAT else faiss.IndexFlatL2(128)
        for photograph in photographs:
            self._index.add(photograph.descriptors.astype(np.float32))

    def votes(self, features: Features) -> NDArray[np.float64]:
        """The votes for each photograph, (n,): those in its fullest bin, the more the nearer the neighbours are."""
        if not len(features.descriptors) or not self._index.ntotal:
            return np.zeros(self._photographs)
        squares, found = self._index.search(features.descriptors.astype(np.float32), _NEIGHBOURS)
        asked, rank = np.nonzero(found >= 0)
        neighbour = found[asked, rank]
        weight = np.maximum(0, 1 - np.sqrt(np.maximum(squares[asked, rank], 0)) / _REACH)
        turn = np.floor((self._turns[neighbour] - _turns(features)[asked]) / 360 * _TURNS).astype(np.int64) % _TURNS
        steps = np.rint(self._scales[neighbour] - _scales(features)[asked]).astype(np.int64)
        scale = np.clip(steps + _SCALES // 2, 0, _SCALES - 1)
        return _fullest(self._owner[neighbour], turn, scale, weight, self._photographs)


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
    cell, place = np.unique(cells, return_inverse=True)
    total = np.bincount(place, weights=np.tile(weight, len(squares)))
    found = np.zeros(photographs)
    np.maximum.at(found, cell // (_TURNS * (_SCALES + 1)), total)
    return found


def most_voted(votes: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """The photographs with most votes (n,), at most `count`, most first; those without a vote are left out."""
    order = np.argsort(-votes, kind="stable")[:count]
    return np.asarray(order[votes[order] > 0], np.int64)


def shortlist(
    photographs: Sequence[Features], settings: MatchSettings, classes: Sequence[str] | None = None
) -> list[tuple[int, int]]:
    """The pairs in which one photograph is among the other's `candidates` with most votes, most votes first.

    Blocks of photographs are indexed one after the other, so that memory does not grow with their number.

    Args:
        classes: of each photograph; where they are given, only photographs of different classes make pairs.

    Returns:
        Pairs of positions in `photographs`, lower first.
    """
    best: list[list[tuple[float, int]]] = [[] for _ in photographs]  # minus the votes, and whose they are
    owners = np.unique(np.array(classes), return_inverse=True)[1] if classes else np.arange(len(photographs))
    for start in range(0, len(photographs), _BLOCK):
        index = DescriptorIndex(photographs[start : start + _BLOCK])
        for a, features in enumerate(photographs):
            votes = index.votes(features)
            votes[owners[start : start + _BLOCK] == owners[a]] = -1  # no candidates, whatever is asked for
            found = [(-votes[b], start + b) for b in np.flatnonzero(votes >= settings.min_votes).tolist()]
            best[a] = sorted(best[a] + found)[: settings.candidates]
    ranks: dict[tuple[int, int], float] = {}
    for a, candidates in enumerate(best):
        for rank, b in candidates:
            pair = (min(a, b), max(a, b))
            ranks[pair] = min(ranks.get(pair, 0.0), rank)
    return sorted(ranks, key=lambda pair: (ranks[pair], pair))


def _train(photographs: Sequence[Features], descriptors: int) -> Any:
    """An empty index with lists and codes for so many descriptors, learnt from some of them, evenly spread."""
    lists = int(min(2 * np.sqrt(descriptors), descriptors / 40, 4096))  # k-means wants 40 points a centre
    index: Any = faiss.index_factory(128, f"IVF{lists},PQ64x4fs")
    index.cp.seed, index.cp.niter, index.cp.max_points_per_centroid = 1, 10, 64
    index.nprobe = _PROBES
    step = max(1, descriptors // max(64 * lists, 4096))
    chosen = np.concatenate([photograph.descriptors[::step] for photograph in photographs])
    index.train(chosen.astype(np.float32))
    return index


def _turns(features: Features) -> NDArray[np.float32]:
    """Angles of the keypoints, degrees."""
    return features.angles


def _scales(features: Features) -> NDArray[np.float32]:
    """Radii of the keypoints, as powers of two."""
    return np.asarray(np.log2(np.maximum(features.radii, 1e-6)), np.float32)
