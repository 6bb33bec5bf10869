"""Descriptors by the thousand of photographs: which of them are nearest to another."""

from collections.abc import Sequence
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from tasks.features.packed import Features

_LENGTH = 340  # descriptors of a list, in the mean: however many there are, as many are looked at
_ENOUGH = 8 * _LENGTH  # once so many have been looked at, no further list is begun: what is crowded says little
_NEAREST = 3  # centres of either half that are looked at: nine lists
_LEARNT = 10_000  # descriptors that lists and codes are learnt from
_HALF = 64  # dimensions
_KEPT = 64  # principal components of which a descriptor's code tells, by 4 bits each
_MOST = 255  # centres of a half: the number of a list fits 16 bits
_DEALT = [[axis for axis in range(2 * _HALF) if axis % 4 in turns] for turns in ((0, 3), (1, 2))]


class InvertedFile:
    """An inverted multi-index (Babenko & Lempitsky 2012) over descriptors kept in 32 bytes each (faiss' PQ64x4fs).

    A code has one of sixteen levels for each of the first 64 principal components, which hold 95 % of the variance of
    SIFT. Rounding loses 1.6 % of it; sixteen centres for every two of the 128 dimensions lose 7 %, at random: whether a
    pair had votes enough then hung on the sample that the centres were learnt from.

    A list is a pair of centres, one of each half of the descriptor: so ten thousand lists need two hundred centres, and
    can be as short as those of a few photographs. The halves are of principal components, dealt out by turns: almost
    independent and of like variance, they fill the lists more evenly than those of the descriptor do. A descriptor is
    put into the list of its nearest centres and looked for in the nine of its three nearest on either side, until
    enough was seen. The k-means is seeded and everything runs in the order given: the same photographs give the same
    answers.

    Args:
        photographs: whose descriptors are numbered one after the other; at least ten thousand in sum.
    """

    def __init__(self, photographs: Sequence[Features]) -> None:
        descriptors = sum(len(photograph.descriptors) for photograph in photographs)
        sample = _sample(photographs, max(1, descriptors // _LEARNT))
        self._centres = min(int(np.sqrt(descriptors / _LENGTH)), _MOST)
        self._mean, self._axes = sample.mean(axis=0), _principal_axes(sample)
        turned = self._turn(sample)
        self._halves = [_learn(half, self._centres) for half in _split(turned)]
        unasked = faiss.IndexFlatL2(_KEPT)  # lists are found here, not by faiss
        plain: Any = faiss.IndexIVFPQ(unasked, _KEPT, self._centres**2, _KEPT, 4)
        plain.by_residual = plain.own_fields = False
        plain.pq.cp.niter, plain.is_trained = 8, True
        plain.pq.train(_kept(turned))
        self._lists = [self._add(plain, photograph.descriptors.astype(np.float32)) for photograph in photographs]
        first = np.concatenate([lists[:, 0] for lists in self._lists])
        self._lengths = np.bincount(first, minlength=self._centres**2)
        fast: Any = faiss.IndexIVFPQFastScan(plain)
        fast.nprobe = _NEAREST**2
        fast.referenced_objects = [unasked]  # and not `plain`, which has all codes a second time
        self._index = fast

    def search(
        self, descriptors: NDArray[np.float32], count: int, index: int | None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Returns squared distances to the nearest descriptors, by their codes, and their numbers, (n, count).

        Where there are fewer, the number is -1.

        Args:
            index: of the photograph whose descriptors they are, where it is among those indexed: its lists are known.
        """
        turned = self._turn(descriptors)
        lists = self._nearest(turned) if index is None else self._lists[index].astype(np.int64)
        looked_at = np.cumsum(self._lengths[lists], axis=1)
        lists[:, 1:][looked_at[:, :-1] >= _ENOUGH] = -1
        unread = np.zeros(lists.shape, np.float32)  # distances to their centres: codes are not relative to these
        found: tuple[NDArray[np.float32], NDArray[np.int64]]
        found = self._index.search_preassigned(_kept(turned), count, lists, unread)
        return found

    def _add(self, index: Any, descriptors: NDArray[np.float32]) -> NDArray[np.uint16]:
        """faiss takes lists that it is told for codes as they are before they are laid out for its fast scan."""
        turned = self._turn(descriptors)
        lists, kept = self._nearest(turned), _kept(turned)
        first = np.ascontiguousarray(lists[:, 0])
        index.add_core(len(kept), faiss.swig_ptr(kept), None, faiss.swig_ptr(first))
        return lists.astype(np.uint16)

    def _nearest(self, turned: NDArray[np.float32]) -> NDArray[np.int64]:
        """The lists to look through, int64 (n, 9), nearest first."""
        pairs = zip(self._halves, _split(turned), strict=True)
        (first, a), (second, b) = (centres.search(half, _NEAREST) for centres, half in pairs)
        squares = (first[:, :, None] + second[:, None, :]).reshape(-1, _NEAREST**2)
        lists = (a[:, :, None] * self._centres + b[:, None, :]).reshape(-1, _NEAREST**2)
        return np.take_along_axis(lists, np.argsort(squares, axis=1, kind="stable"), axis=1)

    def _turn(self, descriptors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Principal components, by falling variance."""
        turned: NDArray[np.float32] = (descriptors - self._mean) @ self._axes
        return turned


def _sample(photographs: Sequence[Features], step: int) -> NDArray[np.float32]:
    """Takes of each photograph one descriptor in so many, from a random one on: they may stand in order of size."""
    random = np.random.default_rng(1)
    return np.concatenate([one.descriptors[random.integers(step) :: step] for one in photographs]).astype(np.float32)


def _principal_axes(descriptors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Columns, by falling variance."""
    return np.asarray(np.linalg.eigh(np.cov(descriptors.T))[1][:, ::-1], np.float32)


def _split(turned: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    return [np.ascontiguousarray(turned[:, half]) for half in _DEALT]


def _kept(turned: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(turned[:, :_KEPT])


def _learn(half: NDArray[np.float32], count: int) -> Any:
    """Centres of halves of descriptors."""
    means = faiss.Kmeans(_HALF, count, niter=8, seed=1, max_points_per_centroid=_LEARNT)
    means.train(half)
    centres: Any = faiss.IndexFlatL2(_HALF)
    centres.add(means.centroids)
    return centres
