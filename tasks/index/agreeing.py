"""Which regions of two photographs agree most: what a similarity rests on, to be looked at."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]
_APART = 0.5  # intersection over union from which two regions are much the same


class Agreement(NamedTuple):
    """A region of the query, one of a result (x1, y1, x2, y2 in pixels), and the product of their vectors."""

    query: tuple[float, ...]
    result: tuple[float, ...]
    similarity: float


def agreeing_regions(
    query: NDArray[np.float32], query_boxes: Boxes, result: NDArray[np.float32], result_boxes: Boxes, most: int
) -> list[Agreement]:
    """Finds the pairs of regions of the largest products: the similarity of two R-MAC vectors is the sum of all.

    A pair is left out where one of its regions is much the same as that of a better pair: the picture would be crowded.

    Args:
        query, result: float32 (regions, d), of unit length.
        query_boxes, result_boxes: float32 (regions, 4).
        most: pairs that are given at most, the best first.
    """
    products = query @ result.T
    chosen: list[tuple[int, int]] = []
    for index in np.argsort(-products, axis=None, kind="stable"):
        one, other = divmod(int(index), len(result))
        if len(chosen) == most or products[one, other] <= 0:
            break
        if not any(
            overlap(query_boxes[one], query_boxes[q]) > _APART or overlap(result_boxes[other], result_boxes[r]) > _APART
            for q, r in chosen
        ):
            chosen.append((one, other))
    return [
        Agreement(tuple(query_boxes[q].tolist()), tuple(result_boxes[r].tolist()), float(products[q, r]))
        for q, r in chosen
    ]


def overlap(a: Boxes, b: Boxes) -> NDArray[np.float64]:
    """Returns intersection over union of boxes (…, 4), half-open, that are broadcast against each other."""
    common = np.clip(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0, None).prod(axis=-1)
    areas = (a[..., 2:] - a[..., :2]).prod(axis=-1) + (b[..., 2:] - b[..., :2]).prod(axis=-1)
    return np.asarray(common / (areas - common), np.float64)
