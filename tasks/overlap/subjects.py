"""What a photograph's class is about in it: where most photographs of its class match it.

A tower's photograph with a gate in its corner matches photographs of the gate. That says that the tower's photograph
shows the gate, and nothing of what the tower's class is about.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_GRID = 8  # cells across and down
_MOST = 0.75  # of as many photographs as match any one cell, from which a cell is of the subject
_ON = 0.5  # share of a pair's inliers that lie on the subject, from which the pair does


class _End(NamedTuple):
    """One side of a pair: the image, the other one, and the cells of its grid where the inliers lie, (n,) each."""

    image: str
    other: str
    cells: tuple[NDArray[np.int64], NDArray[np.int64]]


def links_on_subjects(images: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Returns on which of its two images a pair lies on what the class there is about.

    Args:
        images: image_id, landmark_id, photograph, width, height. pairs: image_a, image_b, points (k·4 floats: x, y in
            the first and x, y in the second image), inside classes and across; a pair may come twice.

    Returns:
        image_a, image_b; on_a, on_b, whether half of the inliers or more lie on the subject there. All do of a pair
        inside a class, and of an image that no other of its class matches. Each pair once.
    """
    pairs = pairs.drop_duplicates(["image_a", "image_b"])
    home = dict(zip(images.image_id, images.landmark_id, strict=True))
    sizes = dict(zip(images.image_id, images[["width", "height"]].to_numpy(), strict=True))
    ends = []
    for a, b, points in zip(pairs.image_a, pairs.image_b, pairs.points, strict=True):
        places = np.asarray(points, np.float64).reshape(-1, 4)
        ends.append((_End(a, b, _cells(places[:, :2], sizes[a])), _End(b, a, _cells(places[:, 2:], sizes[b]))))
    inside = (end for two in ends for end in two if home[end.image] == home[end.other])
    subjects = _subjects(inside, dict(zip(images.image_id, images.photograph, strict=True)))

    def lies_on(end: _End) -> bool:
        if home[end.image] == home[end.other] or end.image not in subjects:
            return True
        return bool(np.mean(subjects[end.image][end.cells]) >= _ON)

    rows = [(first.image, second.image, lies_on(first), lies_on(second)) for first, second in ends]
    return pd.DataFrame(rows, columns=["image_a", "image_b", "on_a", "on_b"])


def _subjects(inside: Iterable[_End], photograph: Mapping[str, str]) -> dict[str, NDArray[np.bool_]]:
    """By image, which cells (rows, columns) most of the photographs match that match it; copies of it say nothing."""
    seen: dict[str, dict[str, NDArray[np.bool_]]] = {}
    for image, other, cells in inside:
        if photograph[image] != photograph[other]:
            by_photograph = seen.setdefault(image, {})
            by_photograph.setdefault(photograph[other], np.zeros((_GRID, _GRID), np.bool_))[cells] = True
    counts = {image: np.sum(list(by_photograph.values()), axis=0) for image, by_photograph in seen.items()}
    return {image: count >= _MOST * count.max() for image, count in counts.items()}


def _cells(places: NDArray[np.float64], size: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and column of the cells of places (n, 2): x, y in pixels of a picture of this width and height."""
    cells = np.clip(places / size * _GRID, 0, _GRID - 1).astype(np.int64)
    return cells[:, 1], cells[:, 0]
