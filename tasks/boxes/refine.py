"""Refinement: boxes diffuse along the edges of the graph until they agree (Deep Image Retrieval, bounding boxes)."""

import numpy as np
from numpy.typing import NDArray

from tasks.boxes.estimate import Array, geometric_medians
from tasks.boxes.settings import BoxSettings


def refine_boxes(
    boxes: Array, source: NDArray[np.int64], target: NDArray[np.int64], affine: Array, settings: BoxSettings
) -> tuple[Array, int]:
    """Moves each box a little towards what its neighbours' boxes become in it, until the boxes stand still.

    In one sweep every directed edge i → j proposes (1 − α)·B_j + α·A_ij(B_i), where A_ij(B) is `map_boxes`. The
    proposals of an image are merged by their geometric median. All images move at once, so that the order of edges does
    not matter. (The paper, as recalled, prints (α − 1): with that sign a box would flip at each step.) Boxes may reach
    over the edge of their picture, as the object does: a neighbour that sees more of it is told where it ends.

    Args:
        boxes: (n, 4) first boxes. source, target: (e,) directed edges, each pair in both directions; every image is
            the target of one at least. affine: (e, 2, 3), from source to target.

    Returns:
        The boxes (n, 4), and the number of sweeps.
    """
    for sweep in range(1, settings.max_sweeps + 1):
        proposals = (1 - settings.alpha) * boxes[target] + settings.alpha * map_boxes(boxes[source], affine)
        moved = geometric_medians(proposals, target, len(boxes))
        change = np.abs(moved - boxes).max(axis=1)
        boxes = moved
        if np.median(change) < settings.still:
            return boxes, sweep
    return boxes, settings.max_sweeps


def map_boxes(boxes: Array, affine: Array) -> Array:
    """Returns the rectangles around the ellipses inscribed in boxes (e, 4), under maps (e, 2, 3).

    Around the mapped corners it would be larger whenever a map turns or shears, and larger again on the way back:
    sweep by sweep, boxes would only grow. What the paper takes is not told (a figure draws the slanted box).
    """
    centre, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    linear, shift = affine[:, :, :2], affine[:, :, 2]
    moved = np.einsum("eij,ej->ei", linear, centre) + shift
    reach = np.sqrt(np.einsum("eij,ej->ei", linear**2, half**2))
    return np.hstack([moved - reach, moved + reach])
