"""Keypoints and RootSIFT descriptors of a picture, by one of several detectors.

Their libraries differ in where a pixel lies, in what a frame's unit is and in what they keep when they find too many.
Here the first pixel spans 0 to 1 for all, and a frame maps the unit circle to one σ of the scale at which the keypoint
was found: what OpenCV calls its radius and COLMAP its shape.
"""

from importlib.util import find_spec
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from storage.errors import InputError
from tasks.features.settings import FeatureSettings

cv2.setNumThreads(1)

_DESCRIPTOR_SCALE = 512.0  # as SIFT's own bytes: unit vectors rarely reach 0.5 in one bin
_HESAFF_REGION = 3 * np.sqrt(3)  # pyhesaff's `mrSize`: its shapes span the measurement region, so many σ wide
_CLOCKWISE = -np.arange(8)  # pyhesaff counts a SIFT's eight directions that way, OpenCV the other
_LIBRARIES = {"hessian-affine": "pyhesaff", "sift+hessian-affine": "pyhesaff", "colmap-affine": "pycolmap"}


class _Found(NamedTuple):
    """Keypoints, strongest first: float32 (n, 6) in pixels of the shrunk picture, and SIFT descriptors (n, 128)."""

    keypoints: NDArray[np.float32]
    sift: NDArray[Any]


def check_installed(settings: FeatureSettings) -> None:
    """Raises InputError where the library of the chosen detector is not installed."""
    library = _LIBRARIES.get(settings.detector)
    if library and find_spec(library) is None:
        raise InputError(
            f"setting features.detector: {settings.detector!r} needs {library}, which is not installed; install the "
            "extra, pip install 'cairn[detectors]' (pyhesaff is offered for Linux on x86-64 only), or choose 'sift'"
        )


def detect(picture: NDArray[np.uint8], settings: FeatureSettings) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Finds keypoints and their RootSIFT descriptors (Arandjelović & Zisserman 2012: l1, then square root).

    Args:
        picture: uint8 (height, width, 3), RGB.

    Returns:
        keypoints, float32 (n, 6), as in `Features`; descriptors, uint8 (n, 128). Largest first; n is at most
        `max_keypoints`.

    Raises:
        InputError: the library of the detector is not installed.
    """
    check_installed(settings)
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    scale = settings.longest_side / max(gray.shape)
    if scale != 1.0:
        width, height = (max(1, round(side * scale)) for side in gray.shape[::-1])
        gray = cv2.resize(gray, (width, height), interpolation=cv2.INTER_AREA if scale < 1.0 else cv2.INTER_CUBIC)
    found = _DETECTORS[settings.detector](gray, settings.max_keypoints)
    return found.keypoints / np.float32(scale), root_sift(found.sift)


def root_sift(sift: NDArray[Any]) -> NDArray[np.uint8]:
    """RootSIFT of SIFT descriptors (n, 128), as bytes: sqrt(d / |d|₁) × 512, rounded, at most 255."""
    share = sift / np.maximum(np.abs(sift).sum(axis=1, keepdims=True), 1e-12)
    scaled = np.rint(np.sqrt(np.maximum(share, 0)) * _DESCRIPTOR_SCALE)
    return np.asarray(np.minimum(scaled, 255), np.uint8)


def _sift(gray: NDArray[np.uint8], most: int) -> _Found:
    """Lowe's difference of Gaussians, by OpenCV: circles that stand upright, as photographs of buildings do.

    With an orientation of its own a keypoint also matches what is turned, and matches less of what is not (Perdoch et
    al. 2009).
    """
    sift = cv2.SIFT.create(enable_precise_upscale=True)
    points = sift.detect(gray, None)
    if not points:
        return _Found(np.zeros((0, 6), np.float32), np.zeros((0, 128), np.float32))
    # OpenCV gives a point once for each of its orientations
    circles, first = np.unique([(*point.pt, point.size) for point in points], axis=0, return_index=True)
    order = _strongest(circles, circles[:, 2])[:most]
    chosen = [points[k] for k in first[order]]
    for point in chosen:
        point.angle = 0
    described, descriptors = sift.compute(gray, chosen)
    x, y, size = np.array([(*point.pt, point.size) for point in described], np.float32).T
    none = np.zeros_like(size)
    return _Found(np.stack([x + 0.5, y + 0.5, size / 2, none, none, size / 2], axis=1), descriptors)


def _hessian_affine(gray: NDArray[np.uint8], most: int) -> _Found:
    """Perdoch's Hessian-Affine, by pyhesaff: ellipses that stand upright."""
    import pyhesaff

    points, sift = pyhesaff.detect_feats_in_image(gray)
    sift = sift.reshape(-1, 4, 4, 8)[..., _CLOCKWISE].reshape(-1, 128)
    x, y, a11, a21, a22, _ = points.T
    frame = np.stack([a11, np.zeros_like(a11), a21, a22]) / _HESAFF_REGION
    return _largest(np.stack([x + 0.5, y + 0.5, *frame], axis=1).astype(np.float32), sift, most)


def _colmap_affine(gray: NDArray[np.uint8], most: int) -> _Found:
    """VLFeat's covariant detector on the difference of Gaussians, by COLMAP: ellipses with up to four orientations."""
    import pycolmap

    options = pycolmap.FeatureExtractionOptions(num_threads=1, use_gpu=False)
    options.sift.first_octave = 0
    options.sift.estimate_affine_shape = True
    options.sift.max_num_features = most
    options.sift.normalization = pycolmap.Normalization.L2
    pycolmap.logging.minloglevel = pycolmap.logging.WARNING.value  # it announces every extractor
    found, sift = pycolmap.FeatureExtractor.create(options, pycolmap.Device.cpu).extract_from_uint8_array(gray)
    keypoints = np.array([(p.x, p.y, p.a11, p.a12, p.a21, p.a22) for p in found], np.float32).reshape(-1, 6)
    return _largest(keypoints, sift.data, most)


def _sift_and_hessian_affine(gray: NDArray[np.uint8], most: int) -> _Found:
    """The union of the papers. By turns, since their strengths do not compare: what one lacks, the other fills."""
    found = [_sift(gray, most), _hessian_affine(gray, most)]
    turns = np.argsort(np.concatenate([np.arange(len(part.keypoints)) for part in found]), kind="stable")[:most]
    return _Found(*(np.concatenate(arrays)[turns] for arrays in zip(*found, strict=True)))


_DETECTORS = {
    "sift": _sift,
    "hessian-affine": _hessian_affine,
    "sift+hessian-affine": _sift_and_hessian_affine,
    "colmap-affine": _colmap_affine,
}


def _largest(keypoints: NDArray[np.float32], sift: NDArray[Any], most: int) -> _Found:
    """The largest are the strongest: fewer, and seen from farther away."""
    _, _, a11, a12, a21, a22 = keypoints.T
    order = _strongest(keypoints, a11 * a22 - a12 * a21)[:most]
    return _Found(keypoints[order], sift[order])


def _strongest(keypoints: NDArray[Any], strength: NDArray[Any]) -> NDArray[np.int64]:
    """The falling order of strength; all columns break ties, for a library's own order means nothing."""
    return np.lexsort((*keypoints.T[::-1], -strength))
