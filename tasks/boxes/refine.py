"""Refinement: boxes diffuse along the edges of the graph until they agree (Deep Image Retrieval, bounding boxes)."""

import numpy as np
from numpy.typing import NDArray

from tasks.boxes.estimate import Array, geometric_medians
from tasks.boxes.settings import BoxSettings


def refine_boxes(
    boxes: Array,
    source: NDArray[np.int64],
    target: NDArray[np.int64],
    affine: Array,
    sizes: Array,
    settings: BoxSettings,
) -> tuple[Array, int]:
    """Moves each box a little towards what its neighbours' boxes become in it, until the boxes stand still.

    In one sweep every directed edge i → j proposes (1 − α)·B_j + α·A_ij(B_i), where A_ij(B) is the enclosing
    rectangle of the mapped corners, clipped to image j. The proposals of an image are merged by their geometric
    median. All images move at once, so that the order of edges does not matter. (The paper, as recalled, prints
    (α − 1): with that sign a box would flip at each step.)

    Args:
        boxes: (n, 4) first boxes. source, target: (e,) directed edges, each pair in both directions; every image is
            the target of one at least. affine: (e, 2, 3), from source to target. sizes: (n, 2) widths and heights.

    Returns:
        The boxes (n, 4), and the number of sweeps.
    """
    for sweep in range(1, settings.max_sweeps + 1):
        mapped = map_boxes(boxes[source], affine, sizes[target])
        proposals = (1 - settings.alpha) * boxes[target] + settings.alpha * mapped
        moved = geometric_medians(proposals, target, len(boxes))
        change = np.abs(moved - boxes).max(axis=1)
        boxes = moved
        if np.median(change) < settings.still:
            return boxes, sweep
    return boxes, settings.max_sweeps


def map_boxes(boxes: Array, affine: Array, sizes: Array) -> Array:
    """The enclosing rectangles of boxes (e, 4) under maps (e, 2, 3), clipped to pictures of sizes (e, 2)."""
    corners = boxes[:, [[0, 1], [2, 1], [0, 3], [2, 3]]]
    mapped = np.einsum("eij,ekj->eki", affine[:, :, :2], corners) + affine[:, None, :, 2]
    mapped = np.clip(mapped, 0, sizes[:, None, :])
    return np.hstack([mapped.min(axis=1), mapped.max(axis=1)])
