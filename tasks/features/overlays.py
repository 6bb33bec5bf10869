"""Watermarks, caption bars, frames: what repeats across photographs of unrelated landmarks, and the mask over it.

Two photographs of different landmarks that share an affine map share something laid over them, not something they
show. The descriptors that such pairs agree on become templates once enough classes carry them; any keypoint that looks
like a template is then masked, in every picture, whether or not that picture was among those compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from tasks.features.leaders import cluster_by_leaders
from tasks.features.packed import Features
from tasks.features.settings import OverlaySettings


@dataclass(frozen=True)
class Templates:
    """What overlays look like.

    Attributes:
        descriptors: uint8 (t, 128), RootSIFT.
        classes: int64 (t,), the number of classes that each was seen in.
    """

    descriptors: NDArray[np.uint8]
    classes: NDArray[np.int64]


@dataclass(frozen=True)
class Mask:
    """Which keypoints of a picture are not to be trusted.

    Attributes:
        keypoints: bool (n,), True where the keypoint is masked.
        regions: float32 (r, 4), x1, y1, x2, y2 in pixels of the picture: where masked keypoints lie close together.
            All keypoints inside are masked, for the digits of a caption differ from picture to picture.
        points: float32 (p, 2), x, y of the masked keypoints outside of the regions.
    """

    keypoints: NDArray[np.bool_]
    regions: NDArray[np.float32]
    points: NDArray[np.float32]


def learn_templates(
    descriptors: NDArray[np.uint8], classes: Sequence[frozenset[str]], settings: OverlaySettings
) -> Templates:
    """Groups what pairs of unrelated photographs agree on, and keeps the groups that enough classes carry.

    Two classes alone may show the same landmark under two names; what `min_classes` share is laid over them.

    Args:
        descriptors: uint8 (n, 128), of keypoints that are inliers of a verified pair across classes.
        classes: per keypoint its own class and those of the photographs it was matched in.

    Returns:
        The leader of each group, in the order of how many classes their keypoint was matched in, then of their bytes.
    """
    order = sorted(range(len(classes)), key=lambda k: (-len(classes[k]), descriptors[k].tobytes()))
    leaders, groups = cluster_by_leaders(descriptors[order], settings.template_radius)
    carried = [set[str]() for _ in leaders]
    for index, group in zip(order, groups.tolist(), strict=True):
        carried[group] |= classes[index]
    counts = np.array([len(names) for names in carried], np.int64)
    enough = np.flatnonzero(counts >= settings.min_classes)
    return Templates(descriptors[order][leaders[enough]], counts[enough])


def join_templates(parts: Sequence[Templates], settings: OverlaySettings) -> Templates:
    """Returns templates of several origins as one: what an earlier part has, a later one does not add again."""
    descriptors = np.concatenate([np.zeros((0, 128), np.uint8), *(part.descriptors for part in parts)])
    classes = np.concatenate([np.zeros(0, np.int64), *(part.classes for part in parts)])
    leaders, _ = cluster_by_leaders(descriptors, settings.template_radius)
    return Templates(descriptors[leaders], classes[leaders])


def mask_overlays(features: Features, templates: Templates, longer_side: int, settings: OverlaySettings) -> Mask:
    """Masks the keypoints that look like a template, and those among several of them."""
    masked = nearest_descriptors(features.descriptors, templates.descriptors)[1] <= settings.mask_radius**2
    regions = _regions(features.positions[masked], settings.gap * longer_side, settings.region_keypoints)
    x, y = features.positions.T
    inside = np.zeros_like(masked)
    for x1, y1, x2, y2 in regions:
        inside |= (x1 <= x) & (x <= x2) & (y1 <= y) & (y <= y2)
    return Mask(masked | inside, regions, features.positions[masked & ~inside])


def nearest_descriptors(
    first: NDArray[np.uint8], second: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Finds for descriptors (n, 128) the nearest of others (m, 128): its number and squared distance (n,).

    Without others, the distances are infinite.
    """
    if not len(first) or not len(second):
        return np.zeros(len(first), np.int64), np.full(len(first), np.inf, np.float32)
    squares, numbers = faiss.knn(first.astype(np.float32), second.astype(np.float32), 1)
    return numbers[:, 0], squares[:, 0]


def _regions(positions: NDArray[np.float32], gap: float, least: int) -> NDArray[np.float32]:
    """Rectangles around at least `least` positions (n, 2) that hang together by steps of at most `gap` pixels."""
    if len(positions) < least:
        return np.zeros((0, 4), np.float32)
    near = KDTree(positions).query_pairs(gap, output_type="ndarray")
    graph = coo_array((np.ones(len(near)), (near[:, 0], near[:, 1])), shape=(len(positions),) * 2)
    count, member = connected_components(graph, directed=False)
    boxes = [
        [*positions[member == c].min(axis=0), *positions[member == c].max(axis=0)]
        for c in range(count)
        if np.count_nonzero(member == c) >= least
    ]
    return np.array(sorted(boxes), np.float32).reshape(-1, 4)
