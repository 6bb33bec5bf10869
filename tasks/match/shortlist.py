"""Which photographs are worth a comparison: those with descriptors like these, turned and scaled alike."""

from collections.abc import Sequence
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from tasks.features.packed import Features
from tasks.match.settings import MatchSettings

_NEIGHBOURS = 20  # the last of them tells how near a descriptor's chance neighbours are
_NEARER = 0.85  # a neighbour says nothing beyond this share of that distance: the ratio test of a whole class
_PROBES = 4
_TURNS = 12  # bins of 30 degrees
_SCALES = 7  # bins of a factor of two, from 1/8 to 8
_POINTS = 40  # descriptors that a centre is learnt from
BLOCK = 6000  # photographs indexed at once: about 8 million descriptors, 400 MB
_FLAT = 10_000  # descriptors up to which every one is looked at


class DescriptorIndex:
    """An inverted file over the descriptors of many photographs, asked by votes that agree in turn and scale.

    The descriptors are kept in 32 bytes each (faiss IVF with PQ64x4fs), beside the angle and the scale of their
    keypoint. Neighbours vote for their photograph apart for each relative turn and scale, as in weak geometric
    consistency (Jégou et al. 2008): the votes of chance scatter over the bins, those of a common object do not. A vote
    weighs the more the nearer the neighbour is beside the last of 20, which is there by chance (as in query-adaptive
    similarity, Qin et al. 2013): what looks like everything else says nothing. The k-means is seeded and everything
    runs in the order given: the same photographs give the same answers.

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
        count = min(_NEIGHBOURS, self._index.ntotal)
        squares, found = self._index.search(features.descriptors.astype(np.float32), count)
        distances = np.where(found >= 0, np.sqrt(np.maximum(squares, 0)), np.inf)
        last = np.where(found >= 0, distances, 0).max(axis=1, keepdims=True)
        weights = 1 - distances / np.maximum(_NEARER * last, 1e-6)
        asked, rank = np.nonzero(weights > 0)
        neighbour = found[asked, rank]
        turn = np.floor((self._turns[neighbour] - _turns(features)[asked]) / 360 * _TURNS).astype(np.int64) % _TURNS
        steps = np.rint(self._scales[neighbour] - _scales(features)[asked]).astype(np.int64)
        scale = np.clip(steps + _SCALES // 2, 0, _SCALES - 1)
        return _fullest(self._owner[neighbour], turn, scale, weights[asked, rank], self._photographs)


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
            votes = index.votes(features)
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


def _train(photographs: Sequence[Features], descriptors: int) -> Any:
    """An empty index with lists and codes for so many descriptors, learnt from some of them, evenly spread."""
    lists = int(min(np.sqrt(descriptors), 4096))
    index: Any = faiss.index_factory(128, f"IVF{lists},PQ64x4fs")
    index.cp.seed, index.cp.niter, index.cp.max_points_per_centroid = 1, 5, _POINTS
    index.pq.cp.niter, index.nprobe = 8, _PROBES
    step = max(1, descriptors // max(_POINTS * lists, 4096))
    chosen = np.concatenate([photograph.descriptors[::step] for photograph in photographs])
    index.train(chosen.astype(np.float32))
    return index


def _turns(features: Features) -> NDArray[np.float32]:
    """Angles of the keypoints, degrees."""
    return features.angles


def _scales(features: Features) -> NDArray[np.float32]:
    """Radii of the keypoints, as powers of two."""
    return np.asarray(np.log2(np.maximum(features.radii, 1e-6)), np.float32)
