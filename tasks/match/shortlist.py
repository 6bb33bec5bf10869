"""Which photographs are worth a comparison: those with descriptors like these."""

from collections.abc import Sequence

import faiss
import numpy as np
from numpy.typing import NDArray

_NEIGHBOURS = 5
_PROBES = 4
_REACH = 360.0  # distance of RootSIFT bytes beyond which a neighbour says nothing: 0.7 of a unit vector's 512


class DescriptorIndex:
    """An inverted file over the descriptors of many photographs (faiss IVF), asked by votes.

    Its k-means is seeded and runs on the descriptors in the order given, so that the same photographs in the same
    order give the same answers.

    Args:
        descriptors: per photograph, uint8 (n, 128).
    """

    def __init__(self, descriptors: Sequence[NDArray[np.uint8]]) -> None:
        stacked = np.concatenate([*descriptors, np.zeros((0, 128), np.uint8)]).astype(np.float32)
        self._owner = np.repeat(np.arange(len(descriptors)), [len(part) for part in descriptors])
        self._photographs = len(descriptors)
        lists = int(np.clip(np.sqrt(len(stacked)) * 2, 1, 4096))
        if len(stacked) < 40 * lists:  # k-means wants about forty points a centre
            lists = max(1, len(stacked) // 40)
        self._index = faiss.IndexIVFFlat(faiss.IndexFlatL2(128), 128, lists)
        self._index.cp.seed = 1
        self._index.cp.niter = 10
        self._index.cp.max_points_per_centroid = 64
        self._index.nprobe = _PROBES
        if len(stacked):
            self._index.train(stacked)
            self._index.add(stacked)

    def nearest_photographs(self, descriptors: NDArray[np.uint8], count: int) -> NDArray[np.int64]:
        """The photographs with most votes, at most `count`, most first; those without a vote are left out.

        Each descriptor (n, 128) votes for the photographs of its nearest neighbours, the more the nearer they are.
        """
        if not len(descriptors) or not self._index.ntotal:
            return np.zeros(0, np.int64)
        squares, found = self._index.search(descriptors.astype(np.float32), _NEIGHBOURS)
        weight = np.where(found >= 0, np.maximum(0, 1 - np.sqrt(np.where(found >= 0, squares, 0)) / _REACH), 0)
        votes = np.bincount(self._owner[found[found >= 0]], weights=weight[found >= 0], minlength=self._photographs)
        order = np.argsort(-votes, kind="stable")[:count]
        return np.asarray(order[votes[order] > 0], np.int64)
