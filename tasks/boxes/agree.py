"""First boxes as the photographs of a group agree on them, those that an image matches only through others included."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.boxes.estimate import Array

_SEES_LESS = 0.4  # share of the photographs that may see less of the object at a side of the box
_MARGIN = 0.04  # by which keypoints fall short of the object at each side, as a share of the box
_MOST = 30  # pairs of a photograph that are followed, those with the most keypoints
_SCALES = (0.15, 7.0)  # beyond, maps that were put together have gone astray


class _Steps(NamedTuple):
    """Directed pairs by target: source int64 (e,), affine float64 (e, 2, 3), and where those of a target begin."""

    source: NDArray[np.int64]
    affine: Array
    start: NDArray[np.int64]


def told_boxes(
    points: list[NDArray[np.float32]], source: NDArray[np.int64], target: NDArray[np.int64], affine: Array, count: int
) -> list[Array]:
    """Returns for each image where the photographs of its group have the object in it.

    A pair matches where its two photographs happen to overlap and are alike, which is a part of the object, or more
    than it. So each photograph that an image is paired with, and each that those are paired with, tells from where to
    where it matches any others; the image itself is the first of them.

    Args:
        points: per directed pair, float32 (n, 2), what is matched in its target. source, target: int64 (e,), each pair
            in both directions; every image is the target of one at least. affine: float64 (e, 2, 3), from source to
            target. count: images.

    Returns:
        Per image the rectangles x1, y1, x2, y2 in its pixels, float64 (photographs, 4), not clipped.
    """
    steps = _order(np.array([len(own) for own in points]), source, target, affine, count)
    rows = np.split(np.argsort(target, kind="stable"), np.cumsum(np.bincount(target, minlength=count))[:-1])
    outlines = [_outline(np.concatenate([points[row] for row in own])) for own in rows]
    return [_tell(image, steps, outlines) for image in range(count)]


def agreed_boxes(told: list[Array]) -> Array:
    """Returns for each image a box (count, 4): two in five photographs see no further at any side.

    Keypoints fall short of what they are found on, so that it is a little larger than that.

    Args:
        told: as of `told_boxes`.
    """
    sides = np.array([np.quantile(own * (1, 1, -1, -1), _SEES_LESS, axis=0, method="inverted_cdf") for own in told])
    low, high = sides[:, :2], -sides[:, 2:]
    margin = _MARGIN * (high - low)
    return np.hstack([low - margin, high + margin])


def _order(
    matched: NDArray[np.int64], source: NDArray[np.int64], target: NDArray[np.int64], affine: Array, count: int
) -> _Steps:
    order = np.lexsort((source, -matched, target))
    begin = np.searchsorted(target[order], np.arange(count))
    order = order[np.arange(len(order)) - begin[target[order]] < _MOST]
    return _Steps(source[order], affine[order], np.searchsorted(target[order], np.arange(count + 1)))


def _outline(points: NDArray[np.float32]) -> Array:
    """The outermost points in sixteen directions."""
    angles = np.arange(16) * np.pi / 8
    outermost = np.argmax(points @ np.stack([np.cos(angles), np.sin(angles)]), axis=0)
    found: Array = points[outermost].astype(np.float64)
    return found


def _tell(image: int, steps: _Steps, outlines: list[Array]) -> Array:
    here = np.eye(2, 3)
    near = _follow(image, here, steps)
    onto = {image: here}
    for other, path in (*near, *(far for step in near for far in _follow(*step, steps))):
        onto.setdefault(other, path)
    sane = [
        outlines[other] @ path[:, :2].T + path[:, 2]
        for other, path in onto.items()
        if _SCALES[0] < np.sqrt(abs(np.linalg.det(path[:, :2]))) < _SCALES[1]
    ]
    return np.array([[*own.min(axis=0), *own.max(axis=0)] for own in sane])


def _follow(image: int, onto: Array, steps: _Steps) -> list[tuple[int, Array]]:
    """What is paired with an image, the strongest first, with its map through that image."""
    rows = slice(steps.start[image], steps.start[image + 1])
    linear = onto[:, :2] @ steps.affine[rows, :, :2]
    shift = steps.affine[rows, :, 2] @ onto[:, :2].T + onto[:, 2]
    return list(zip(steps.source[rows].tolist(), np.concatenate([linear, shift[:, :, None]], axis=2), strict=True))
