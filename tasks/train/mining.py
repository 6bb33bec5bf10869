"""Hard negatives: the triplets of a pool that lose most under the network as it is (Gordo et al. 2017).

The pool is drawn anew every so many iterations and described by the network; then a query is drawn evenly, and one of
its hardest triplets. Every draw comes from the seed and the number of the pool or iteration alone, so that a run that
goes on after a kill, and each process of several, draws what one undisturbed run draws.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from storage.errors import InputError
from tasks.train.settings import MiningSettings

Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]
JUNK = -1
"""The class of an image that neither counts for a query nor against it."""
_BLOCK = 256
_POOLS, _BATCHES = 0, 1  # streams of random numbers


@dataclass(frozen=True)
class Labels:
    """What is known of images, by which triplets are formed.

    Attributes:
        classes: (n,), the class of each, or `JUNK`.
        pictures: (n,), the same number for copies of one picture.
        verified: (pairs, 2), rows of images that verifiably show the same; None has any two of a class do so.
    """

    classes: Indices
    pictures: Indices
    verified: Indices | None = None

    def allies(self) -> sp.csr_array:
        """Returns which images are verified with which, bool (n, n), both ways."""
        pairs = np.empty((0, 2), np.int64) if self.verified is None else self.verified
        rows, columns = np.concatenate([pairs, pairs[:, ::-1]]).T
        count = len(self.classes)
        return sp.csr_array((np.ones(len(rows), np.bool_), (rows, columns)), shape=(count, count))


def draw_pool(labels: Labels, settings: MiningSettings, number: int) -> Indices:
    """Draws the images of a pool, ascending, from all that are no junk: all of these where they are fewer.

    Args:
        number: of the pool: 0 for the first iterations, 1 after the first refresh.
    """
    known = np.flatnonzero(labels.classes != JUNK)
    random = np.random.default_rng([settings.seed, _POOLS, number])
    return np.sort(random.choice(known, min(settings.pool, len(known)), replace=False))


def mine_triplets(
    labels: Labels, pool: Indices, descriptors: NDArray[np.floating], margin: float, hardest: int
) -> Indices:
    """Finds each query's triplets of largest loss in a pool, of those with any.

    A positive is an image of the query's class, verified with it where pairs are, and no copy of it. A negative is of
    another class, verified with the query in no case. Other images of the class are neither.

    Args:
        pool: (N,), images that are no junk.
        descriptors: (N, dimensions), theirs, of unit length.
        margin: in the form of dot products.
        hardest: triplets that are kept of a query.

    Returns:
        int64 (triplets, 3): query, positive and negative, as images; the queries in the pool's order, and of each the
        largest loss first, ties in the pool's order.

    Raises:
        InputError: no image of the pool has a positive, or none has a negative.
    """
    mined, sides = [np.empty((0, 3), np.int64)], np.zeros(2, np.bool_)
    rows = zip(candidates(labels, pool), _similarities(descriptors), strict=True)
    for query, ((positive, negative), similarities) in enumerate(rows):
        sides |= positive.any(), negative.any()
        found = _hardest(similarities, np.flatnonzero(positive), np.flatnonzero(negative), margin, hardest)
        mined.append(pool[np.insert(found, 0, query, axis=1)])
    if not sides.all():
        raise InputError(
            f"a pool of {len(pool)} images has none that can be a {'negative' if sides[0] else 'positive'} of another; "
            "train on a version of several classes with several photographs each, or raise [train.mining] pool"
        )
    return np.concatenate(mined)


def draw_triplets(mined: Indices, settings: MiningSettings, iteration: int) -> Indices:
    """Draws the triplets of an iteration: each of a query that is drawn evenly, and evenly of the hardest of that.

    Args:
        mined: (triplets, 3), one at least, with those of a query together, as `mine_triplets` returns them.

    Returns:
        int64 (batch, 3).
    """
    random = np.random.default_rng([settings.seed, _BATCHES, iteration])
    _, begins, counts = np.unique(mined[:, 0], return_index=True, return_counts=True)
    queries = random.integers(len(begins), size=settings.batch)
    drawn: Indices = mined[begins[queries] + random.integers(counts[queries])]
    return drawn


def candidates(labels: Labels, pool: Indices) -> Iterator[tuple[Mask, Mask]]:
    """Tells for each row of the pool which rows can be positives of it, and which negatives: bool (N,) each."""
    allies, classes, pictures = labels.allies()[pool][:, pool], labels.classes[pool], labels.pictures[pool]
    for query in range(len(pool)):
        verified = np.zeros(len(pool), np.bool_)
        verified[allies.indices[allies.indptr[query] : allies.indptr[query + 1]]] = True
        same, other = classes == classes[query], pictures != pictures[query]
        positive = same & other if labels.verified is None else same & other & verified
        yield positive, ~same & other & ~verified


def _similarities(descriptors: NDArray[np.floating]) -> Iterator[NDArray[np.floating]]:
    """Those of each descriptor with all, row by row, multiplied in blocks, which is many times as fast."""
    for begin in range(0, len(descriptors), _BLOCK):
        yield from descriptors[begin : begin + _BLOCK] @ descriptors.T


def _hardest(
    similarities: NDArray[np.floating], positives: Indices, negatives: Indices, margin: float, count: int
) -> Indices:
    """The positives and negatives (found, 2) of the triplets of largest loss.

    A triplet among the hardest has a positive among as many farthest, and a negative among as many nearest.
    """
    far = positives[np.argsort(similarities[positives], kind="stable")[:count]]
    near = negatives[np.argsort(-similarities[negatives], kind="stable")[:count]]
    losses = margin + similarities[near][None] - similarities[far][:, None]
    order = np.argsort(-losses, axis=None, kind="stable")[:count]
    rows, columns = np.unravel_index(order[losses.flat[order] > 0], losses.shape)
    return np.stack([far[rows], near[columns]], axis=1)
