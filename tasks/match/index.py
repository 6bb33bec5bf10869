"""An inverted file over descriptors: which photographs have those of another, turned and scaled alike."""

from collections.abc import Sequence
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from tasks.features.packed import Features

_PROBES = 4  # lists of the inverted file that a descriptor is looked for in
_NEIGHBOURS = 20  # the last of them tells how near a descriptor's chance neighbours are
_NEARER = 0.85  # a neighbour says nothing beyond this share of that distance: the ratio test of a whole class
_TURNS = 12  # bins of 30 degrees
_SCALES = 7  # bins of a factor of two, from 1/8 to 8
_POINTS = 40  # descriptors that a centre is learnt from
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
        self._lists: list[NDArray[np.uint16]] = []
        if sum(sizes) > _FLAT:
            self._index, self._lists = _invert(photographs)
        else:
            self._index = faiss.IndexFlatL2(128)
            for photograph in photographs:
                self._index.add(photograph.descriptors.astype(np.float32))

    def votes(self, features: Features, place: int | None = None) -> NDArray[np.float64]:
        """The votes for each photograph, (n,): those in its fullest bin, the more the nearer the neighbours are.

        Args:
            place: of a photograph that is indexed itself. Which lists its descriptors are looked for in is known then,
                which saves a quarter of the work in a large index; the votes are the same.
        """
        if not len(features.descriptors) or not self._index.ntotal:
            return np.zeros(self._photographs)
        squares, found = self._neighbours(features.descriptors.astype(np.float32), place)
        distances = np.where(found >= 0, np.sqrt(np.maximum(squares, 0)), np.inf)
        last = np.where(found >= 0, distances, 0).max(axis=1, keepdims=True)
        weights = 1 - distances / np.maximum(_NEARER * last, 1e-6)
        asked, rank = np.nonzero(weights > 0)
        neighbour = found[asked, rank]
        turn = np.floor((self._turns[neighbour] - _turns(features)[asked]) / 360 * _TURNS).astype(np.int64) % _TURNS
        steps = np.rint(self._scales[neighbour] - _scales(features)[asked]).astype(np.int64)
        scale = np.clip(steps + _SCALES // 2, 0, _SCALES - 1)
        return _fullest(self._owner[neighbour], turn, scale, weights[asked, rank], self._photographs)

    def _neighbours(
        self, descriptors: NDArray[np.float32], place: int | None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Squared distances and numbers of the nearest descriptors, nearest first; -1 where there are too few."""
        count = min(_NEIGHBOURS, self._index.ntotal)
        found: tuple[NDArray[np.float32], NDArray[np.int64]]
        if place is None or not self._lists:
            found = self._index.search(descriptors, count)
        else:
            lists = self._lists[place].astype(np.int64)
            unread = np.zeros(lists.shape, np.float32)  # distances to their centres: codes are of whole descriptors
            found = self._index.search_preassigned(descriptors, count, lists, unread)
        return found


def most_voted(votes: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """The photographs with most votes (n,), at most `count`, most first; those without a vote are left out."""
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
    cell, place = np.unique(cells, return_inverse=True)
    total = np.bincount(place, weights=np.tile(weight, len(squares)))
    found = np.zeros(photographs)
    np.maximum.at(found, cell // (_TURNS * (_SCALES + 1)), total)
    return found


def _invert(photographs: Sequence[Features]) -> tuple[Any, list[NDArray[np.uint16]]]:
    """The inverted file, and of each photograph's descriptors the lists nearest to them, (n, 4), nearest first.

    Each is put into the first of them, and asks in all: what is nearest need be found out only once. faiss takes such
    lists for codes as they are before they are laid out for its fast scan.
    """
    index, listed = _train(photographs), list[NDArray[np.uint16]]()
    for photograph in photographs:
        own = photograph.descriptors.astype(np.float32)
        _, lists = index.quantizer.search(own, _PROBES)
        first = np.ascontiguousarray(lists[:, 0])
        index.add_core(len(own), faiss.swig_ptr(own), None, faiss.swig_ptr(first))
        listed.append(lists.astype(np.uint16))
    fast: Any = faiss.IndexIVFPQFastScan(index)
    index.own_fields, fast.own_fields, fast.nprobe = False, True, _PROBES  # the lists' centres are handed over
    return fast, listed


def _train(photographs: Sequence[Features]) -> Any:
    """An empty index with lists and codes for the descriptors, learnt from some of them, evenly spread."""
    descriptors = sum(len(photograph.descriptors) for photograph in photographs)
    lists = int(min(np.sqrt(descriptors), 4096))
    index: Any = faiss.index_factory(128, f"IVF{lists},PQ64x4")
    index.by_residual = index.do_polysemous_training = False  # as its fast scan has it
    index.cp.seed, index.cp.niter, index.cp.max_points_per_centroid = 1, 5, _POINTS
    index.pq.cp.niter = 8
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
