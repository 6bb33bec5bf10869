"""First boxes: per pair the rectangle around the matched keypoints, per image one rectangle out of these."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def enclosing_boxes(points: list[NDArray[np.float32]]) -> Array:
    """Returns the smallest axis-parallel rectangles around the matched keypoints of pairs, in one image of each.

    Args:
        points: per pair, float32 (n, 2): x, y.

    Returns:
        Boxes x1, y1, x2, y2, float64 (pairs, 4).
    """
    return np.array([[*own.min(axis=0), *own.max(axis=0)] for own in points], np.float64).reshape(-1, 4)


def covering_boxes(boxes: Array, owner: NDArray[np.int64], count: int) -> Array:
    """Returns the smallest rectangles that hold all boxes of each owner.

    Args:
        boxes: (n, 4). owner: (n,), 0 to count − 1; every owner has a box.

    Returns:
        (count, 4).
    """
    covering = np.tile(np.array([np.inf, np.inf, -np.inf, -np.inf]), (count, 1))
    np.minimum.at(covering[:, :2], owner, boxes[:, :2])
    np.maximum.at(covering[:, 2:], owner, boxes[:, 2:])
    return covering


def geometric_medians(vectors: Array, owner: NDArray[np.int64], count: int, iterations: int = 200) -> Array:
    """Computes the geometric median of each owner's vectors, by the modified Weiszfeld iteration (Vardi & Zhang 2000).

    Args:
        vectors: (n, d). owner: (n,), 0 to count − 1; every owner has a vector.

    Returns:
        (count, d).
    """
    sizes = np.bincount(owner, minlength=count)
    estimate = _sums(vectors, owner, count) / sizes[:, None]
    for _ in range(iterations):
        difference = vectors - estimate[owner]
        distance = np.linalg.norm(difference, axis=1)
        apart = distance > 1e-9
        weight = np.where(apart, 1 / np.where(apart, distance, 1), 0)
        pull = _sums(weight[:, None] * difference, owner, count)  # R(y)
        total = np.bincount(owner, weights=weight, minlength=count)
        equal = np.bincount(owner, weights=~apart, minlength=count)  # η
        strength = np.linalg.norm(pull, axis=1)
        # Where the estimate sits on a vector, the step shrinks by γ = min(1, η/|R|): it may be the median already.
        step = np.where(strength > equal, 1 - equal / np.maximum(strength, 1e-12), 0)
        move = step[:, None] * pull / np.maximum(total, 1e-12)[:, None]
        estimate = estimate + move
        if np.abs(move).max(initial=0) < 1e-7:
            break
    return np.asarray(estimate, np.float64)


def spreads(boxes: Array, owner: NDArray[np.int64], own: Array) -> Array:
    """Measures how far the boxes of each owner lie from its own, (count,): the median of the mean distances of sides.

    Args:
        boxes: (n, 4). owner: (n,); every owner has a box. own: (count, 4).
    """
    distance = np.abs(boxes - own[owner]).mean(axis=1)
    order = np.lexsort((distance, owner))
    starts = np.searchsorted(owner[order], np.arange(len(own)))
    sizes = np.bincount(owner, minlength=len(own))
    return np.asarray(distance[order][starts + (sizes - 1) // 2], np.float64)


def _sums(values: Array, owner: NDArray[np.int64], count: int) -> Array:
    columns = [np.bincount(owner, weights=column, minlength=count) for column in values.T]
    return np.stack(columns, axis=1)
