"""Does what two pictures agree on lie over both: a watermark, a caption, a frame, a pasted sky?

Two cameras see depth, light and noise of their own. What software laid over two pictures is upright in both and the
same to a fraction of a pixel, its descriptors hardly differ, and the rest of the pictures has nothing in common; or it
lies in the margins of both. Where it is half transparent, it has few keypoints and these differ; but it keeps its place
in the frame, as two views hardly do by chance. A copy is the same everywhere.
The numbers: `docs/decisions/2026-11-29-layers.md`.
"""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from tasks.features.packed import Features
from tasks.match.settings import MatchSettings
from tasks.match.verify import Attempt, Verification, attempt_matches, putative_matches

Size = tuple[int, int]

_ON = 3.0  # copy tolerances up to which a match lies on a layer that others told
_MARGIN = 0.08  # width of the margin, as a share of the picture's
_FRAMED = 0.75  # share of inliers in both margins from which they are a frame's or a bar's
_CELLS = 8  # of the common view, across and down
_FEW = 0.3  # share of the cells where a copy may have been changed
_POPULATED = 3  # keypoints of a cell that says something
_THERE = 0.003  # how far from where the map takes it a keypoint's twin may lie, as a share of the longer side
_ALIKE = 150.0  # distance of RootSIFT bytes up to which it is its twin
_SAME = 0.5  # share of keypoints with twins that a copy has at least, were the descriptors of its matches equal, and
_FADING = 0.004  # how it falls with their distance,
_LEAST_SAME = 0.08  # to no less than this
_LEAST_FIT = 0.3  # share of a layer's inliers that fit one similarity at least
_MANY = 20  # inliers from which a close fit alone tells, however their descriptors differ
_UPRIGHT = 0.03  # of what a map moves across for each pixel along
_SAME_SIZE = 0.02  # by which scales differ
_ANCHORED = 0.02  # of the longer side


def attempt_beneath(
    first: Features, second: Features, sizes: tuple[Size, Size], settings: MatchSettings, seed: int
) -> Attempt:
    """Does what `attempt` does, and where the pair rests on a layer over both pictures, looks beneath it.

    The matches of the layer go, and the rest are tried again. Where nothing is beneath it, the attempt lacks a `view`,
    and its inliers are the layer's.

    Args:
        sizes: width and height of both pictures.
    """
    matches = putative_matches(first.descriptors, second.descriptors, settings.ratio)
    made = above = attempt_matches(first, second, matches, sizes[1], settings, seed)
    layers: list[NDArray[np.float32]] = []
    while settings.layer_distance and made.verification:
        on_layer = _find_layer(first, second, matches, made.verification, sizes, settings)
        if not on_layer.any():
            break
        own = matches[on_layer]
        layers.append(np.hstack([first.positions[own[:, 0]], second.positions[own[:, 1]]]))
        matches = matches[~on_layer]
        made = attempt_matches(first, second, matches, sizes[1], settings, seed)
    if not layers:
        return made
    beneath = made if made.verification else replace(above, verification=None, lacks="view")
    return replace(beneath, layer=np.concatenate(layers))


def verify_beneath(
    first: Features, second: Features, sizes: tuple[Size, Size], settings: MatchSettings, seed: int
) -> Verification | None:
    """Does what `verify` does by what two cameras saw alone; see `attempt_beneath`."""
    return attempt_beneath(first, second, sizes, settings, seed).verification


def _find_layer(
    first: Features,
    second: Features,
    matches: NDArray[np.int64],
    found: Verification,
    sizes: tuple[Size, Size],
    settings: MatchSettings,
) -> NDArray[np.bool_]:
    """Which of the matches (k, 2) lie on the layer that a verified pair rests on; none where it rests on none."""
    none = np.zeros(len(matches), np.bool_)
    source, target = first.positions[matches[:, 0]], second.positions[matches[:, 1]]
    inlier = _residuals(found.affine, source, target) <= settings.tolerance * max(sizes[1])
    own = matches[inlier]
    typical = float(np.median(_distances(first.descriptors[own[:, 0]], second.descriptors[own[:, 1]])))
    framed = inlier & _in_margin(source, sizes[0]) & _in_margin(target, sizes[1])
    if framed.sum() >= _FRAMED * inlier.sum():
        return none if _is_same_elsewhere(first, second, found, sizes, typical) else framed
    if typical > settings.layer_distance and len(own) < _MANY:
        in_place = _is_in_place(found.affine, sizes) and not _is_same_elsewhere(first, second, found, sizes, typical)
        return inlier if in_place else none
    scale = float(np.sqrt(np.linalg.det(found.affine[:, :2])))
    fine = settings.copy_tolerance * max(max(sizes[1]), scale * max(sizes[0]))
    similarity, within = cv2.estimateAffinePartial2D(
        source[inlier], target[inlier], method=cv2.RANSAC, ransacReprojThreshold=fine
    )
    if similarity is None or within.mean() < max(_LEAST_FIT, typical / settings.layer_fit):
        return none
    turn = np.degrees(np.arctan2(similarity[1, 0], similarity[0, 0]))
    if abs(turn) > settings.layer_turn or _is_same_elsewhere(first, second, found, sizes, typical):
        return none
    return np.asarray(_residuals(similarity, source, target) <= _ON * fine)


def _is_in_place(affine: NDArray[np.float64], sizes: tuple[Size, Size]) -> bool:
    """Whether a map keeps to the frames of both pictures, as what is laid over each at the same place does.

    Along either axis that is, upright, at the same size or at the size that the pictures have to each other, from one
    end or the middle of the first picture to that of the second.
    """
    if max(abs(affine[0, 1]), abs(affine[1, 0])) > _UPRIGHT:
        return False
    for axis in (0, 1):
        scale, side, other = affine[axis, axis], sizes[0][axis], sizes[1][axis]
        if min(abs(scale - 1), abs(scale - other / side)) > _SAME_SIZE:
            return False
        middle = np.array(sizes[0]) / 2
        middle[axis] = 0
        start = affine[axis, :2] @ middle + affine[axis, 2]
        if all(abs(start + scale * at * side - at * other) > _ANCHORED * max(sizes[1]) for at in (0, 0.5, 1)):
            return False
    return True


def _in_margin(places: NDArray[np.float32], size: Size) -> NDArray[np.bool_]:
    """Which places (n, 2) of a picture lie in its margin, where frames and bars are, and hardly a landmark alone."""
    margin = _MARGIN * size[0]
    return np.asarray(((places < margin) | (places > np.array(size) - margin)).any(axis=1))


def _is_same_elsewhere(
    first: Features, second: Features, found: Verification, sizes: tuple[Size, Size], typical: float
) -> bool:
    """Whether most of the common view has as many twins as a copy would whose descriptors are `typical` apart."""
    whole = np.vstack([found.affine, [0, 0, 1]])
    there = _shared(first, second, whole[:2], sizes[1])
    back = _shared(second, first, np.linalg.inv(whole)[:2], sizes[0])
    return max(there, back) >= max(_SAME - _FADING * typical, _LEAST_SAME)


def _shared(first: Features, second: Features, onto: NDArray[np.float64], size: Size) -> float:
    """The share of keypoints with twins in the other picture that all but a few cells of the common view reach."""
    mapped = first.positions @ onto[:, :2].T + onto[:, 2]
    seen = np.flatnonzero((mapped > 0).all(axis=1) & (mapped < size).all(axis=1))
    if not len(seen):
        return 0.0
    twins = np.zeros(len(seen))
    near = KDTree(second.positions).query_ball_point(mapped[seen], _THERE * max(size))
    for number, (own, others) in enumerate(zip(seen, near, strict=True)):
        if others:
            twins[number] = _distances(first.descriptors[[own]], second.descriptors[others]).min() <= _ALIKE
    places = first.positions[seen]
    column, row = ((places - places.min(axis=0)) / (np.ptp(places, axis=0) + 1) * _CELLS).astype(np.int64).T
    counts = np.bincount(row * _CELLS + column, minlength=_CELLS**2)
    sums = np.bincount(row * _CELLS + column, twins, minlength=_CELLS**2)
    populated = counts >= _POPULATED
    return float(np.quantile(sums[populated] / counts[populated], _FEW)) if populated.any() else float(twins.mean())


def _residuals(
    affine: NDArray[np.floating], source: NDArray[np.float32], target: NDArray[np.float32]
) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(source @ affine[:, :2].T + affine[:, 2] - target, axis=1), np.float64)


def _distances(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Distances (n,) of descriptors (n, 128) or (1, 128) to others (n, 128)."""
    return np.asarray(np.linalg.norm(first.astype(np.float32) - second.astype(np.float32), axis=1))
