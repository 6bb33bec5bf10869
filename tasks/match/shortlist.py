"""Which photographs are worth a comparison: those with descriptors like these, turned and scaled alike."""

from collections.abc import Sequence
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from tasks.features.packed import Features

_NEIGHBOURS = 5
_PROBES = 8
_REACH = 360.0  # distance of RootSIFT bytes beyond which a neighbour says nothing: 0.7 of a unit vector's 512
_TURNS = 12  # bins of 30 degrees
_SCALES = 7  # bins of a factor of two, from 1/8 to 8
_CHUNK = 100_000
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
        self._photographs, self._owner = len(photographs), np.repeat(np.arange(len(photographs)), sizes)
        self._turns, self._scales = (
            np.concatenate([np.zeros(0), *(part(photograph) for photograph in photographs)])
            for part in (_turns, _scales)
        )
        stacked = np.concatenate([np.zeros((0, 128), np.uint8), *(p.descriptors for p in photographs)])
        self._index = _train(stacked) if len(stacked) > _FLAT else faiss.IndexFlatL2(128)
        for start in range(0, len(stacked), _CHUNK):
            self._index.add(stacked[start : start + _CHUNK].astype(np.float32))

    def votes(self, features: Features) -> NDArray[np.float64]:
        """The votes for each photograph, (n,): those in its fullest bin, the more the nearer the neighbours are."""
        bins = _TURNS * _SCALES
        if not len(features.descriptors) or not self._index.ntotal:
            return np.zeros(self._photographs)
        squares, found = self._index.search(features.descriptors.astype(np.float32), _NEIGHBOURS)
        asked, rank = np.nonzero(found >= 0)
        neighbour = found[asked, rank]
        weight = np.maximum(0, 1 - np.sqrt(np.maximum(squares[asked, rank], 0)) / _REACH)
        turn = np.floor((self._turns[neighbour] - _turns(features)[asked]) / 360 * _TURNS).astype(np.int64) % _TURNS
        steps = np.rint(self._scales[neighbour] - _scales(features)[asked]).astype(np.int64)
        scale = np.clip(steps + _SCALES // 2, 0, _SCALES - 1)
        cell = self._owner[neighbour] * bins + turn * _SCALES + scale
        histogram = np.bincount(cell, weights=weight, minlength=self._photographs * bins)
        histogram = histogram.reshape(self._photographs, _TURNS, _SCALES)
        histogram = histogram + np.roll(histogram, -1, axis=1)  # what lies across an edge counts in one of the two
        histogram[:, :, :-1] += histogram[:, :, 1:]
        return np.asarray(histogram.max(axis=(1, 2)), np.float64)

    def nearest_photographs(self, features: Features, count: int) -> NDArray[np.int64]:
        """The photographs with most votes, at most `count`, most first; those without a vote are left out."""
        votes = self.votes(features)
        order = np.argsort(-votes, kind="stable")[:count]
        return np.asarray(order[votes[order] > 0], np.int64)


def _train(descriptors: NDArray[np.uint8]) -> Any:
    lists = int(min(2 * np.sqrt(len(descriptors)), len(descriptors) / 40, 4096))  # k-means wants 40 points a centre
    index: Any = faiss.index_factory(128, f"IVF{lists},PQ64x4fs")
    index.cp.seed, index.cp.niter, index.cp.max_points_per_centroid = 1, 10, 64
    index.nprobe = _PROBES
    chosen = np.linspace(0, len(descriptors) - 1, min(len(descriptors), max(64 * lists, 4096))).astype(np.int64)
    index.train(descriptors[chosen].astype(np.float32))
    return index


def _turns(features: Features) -> NDArray[np.float64]:
    """Angles of the keypoints, degrees."""
    return np.asarray(features.keypoints[:, 3], np.float64)


def _scales(features: Features) -> NDArray[np.float64]:
    """Diameters of the keypoints, as powers of two."""
    return np.asarray(np.log2(np.maximum(features.keypoints[:, 2], 1e-6)), np.float64)
