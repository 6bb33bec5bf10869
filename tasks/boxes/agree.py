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
    outlines = np.array([_outline(np.concatenate([points[row] for row in own])) for own in rows])
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


def _tell(image: int, steps: _Steps, outlines: Array) -> Array:
    near = np.arange(*steps.start[image : image + 2])
    through, far = _follow(steps.source[near], steps)
    path = steps.affine[near[through], :, :2] @ steps.affine[far]
    path[:, :, 2] += steps.affine[near[through], :, 2]
    others = np.concatenate([[image], steps.source[near], steps.source[far]])
    onto = np.concatenate([np.eye(2, 3)[None], steps.affine[near], path])
    _, first = np.unique(others, return_index=True)  # of several ways to one, the shortest
    scale = np.sqrt(np.abs(np.linalg.det(onto[first, :, :2])))
    first = first[(scale > _SCALES[0]) & (scale < _SCALES[1])]
    mapped = outlines[others[first]] @ onto[first, :, :2].transpose(0, 2, 1) + onto[first, None, :, 2]
    return np.hstack([mapped.min(axis=1), mapped.max(axis=1)])


def _follow(images: NDArray[np.int64], steps: _Steps) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pairs of all these images: which of them each is of, and its row."""
    begin, counts = steps.start[images], np.diff(steps.start)[images]
    through = np.repeat(np.arange(len(images)), counts)
    within = np.arange(len(through)) - np.repeat(np.cumsum(counts) - counts, counts)
    return through, begin[through] + within
