"""Leader clustering (Hartigan 1975) of descriptors: one pass, in which whatever is near no leader becomes one."""

from itertools import pairwise

import faiss
import numpy as np
from numpy.typing import NDArray

_BLOCK = 1024  # vectors that are compared with each other at once

Rows = NDArray[np.int64]


def cluster_by_leaders(vectors: NDArray[np.uint8], radius: float) -> tuple[Rows, Rows]:
    """Gives each vector to the nearest leader before it, the first of equally near ones; it leads where there is none.

    All distances are exact, for their squares are integers that float32 holds. Time grows with vectors times leaders,
    at the speed of matrix products.

    Args:
        vectors: uint8 (n, d), d at most 128, those first that are to lead. radius: up to which a leader is near.

    Returns:
        Who leads, ascending rows (groups,), and of each vector the number of its group (n,).
    """
    index, limit = faiss.IndexFlatL2(vectors.shape[1]), np.floor(radius**2) + 0.5  # faiss takes what is below
    leaders, groups = np.zeros(0, np.int64), np.zeros(len(vectors), np.int64)
    for begin, end in pairwise([*range(0, len(vectors), _BLOCK), len(vectors)]):
        block = vectors[begin:end].astype(np.float32)
        squares, known = _nearest(index, block, limit)
        apart = _squares(block)
        new = _first_alone(apart < limit, squares < limit)
        apart = np.where(np.arange(end - begin) < new[:, None], np.inf, apart[new])  # nobody follows a later leader
        nearest = np.vstack([squares, apart]).argmin(axis=0)  # the first of those equally near
        groups[begin:end] = np.where(nearest == 0, known, len(leaders) + nearest - 1)
        leaders = np.append(leaders, begin + new)
        index.add(block[new])
    return leaders, groups


def _nearest(index: faiss.IndexFlatL2, block: NDArray[np.float32], limit: float) -> tuple[NDArray[np.float32], Rows]:
    """The squared distance (n,) to the nearest vector of the index, infinite from the limit on, and its row (n,)."""
    squares, rows = np.full(len(block), np.inf, np.float32), np.zeros(len(block), np.int64)
    bounds, found, where = index.range_search(block, limit)
    of = np.searchsorted(bounds, np.arange(len(found)), side="right") - 1
    order = np.lexsort((where, found, of))
    first = order[np.diff(of[order], prepend=-1) > 0]
    squares[of[first]], rows[of[first]] = found[first], where[first]
    return squares, rows


def _squares(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Squared distances (n, n) among vectors (n, d)."""
    own = np.square(block).sum(axis=1)
    squares: NDArray[np.float32] = own[:, None] + own - 2 * (block @ block.T)
    return squares


def _first_alone(near: NDArray[np.bool_], led: NDArray[np.bool_]) -> Rows:
    """Which of a block (n,) lead: those that have no leader yet, and none among those before them that lead."""
    led, new = led.copy(), list[int]()
    for row in range(len(led)):
        if not led[row]:
            new.append(row)
            led |= near[row]
    return np.array(new, np.int64)
