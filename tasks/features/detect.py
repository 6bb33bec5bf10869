"""Keypoints and RootSIFT descriptors of a picture."""

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.features.settings import FeatureSettings

cv2.setNumThreads(1)

_DESCRIPTOR_SCALE = 512.0  # as SIFT's own bytes: unit vectors rarely reach 0.5 in one bin


def detect(picture: NDArray[np.uint8], settings: FeatureSettings) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Finds SIFT keypoints and their RootSIFT descriptors (Arandjelović & Zisserman 2012: l1, then square root).

    Args:
        picture: uint8 (height, width, 3), RGB.

    Returns:
        keypoints, float32 (n, 4): x, y and diameter in pixels of the picture (the first pixel spans 0 to 1), angle in
        degrees; descriptors, uint8 (n, 128). Strongest first; n is at most `max_keypoints`.
    """
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    scale = min(1.0, settings.longest_side / max(gray.shape))
    if scale < 1.0:
        width, height = (max(1, round(side * scale)) for side in gray.shape[::-1])
        gray = cv2.resize(gray, (width, height), interpolation=cv2.INTER_AREA)
    found, sift = cv2.SIFT.create(nfeatures=settings.max_keypoints, enable_precise_upscale=True).detectAndCompute(
        gray, None
    )
    if not found:
        return np.zeros((0, 4), np.float32), np.zeros((0, 128), np.uint8)
    strength = np.array([point.response for point in found])
    keypoints = np.array([(*point.pt, point.size, point.angle) for point in found], np.float32)
    # OpenCV may return more than asked for, in an order of its own; all columns break ties
    order = np.lexsort((keypoints[:, 3], keypoints[:, 2], keypoints[:, 1], keypoints[:, 0], -strength))
    order = order[: settings.max_keypoints]
    keypoints = keypoints[order]
    keypoints[:, :2] = (keypoints[:, :2] + 0.5) / scale
    keypoints[:, 2] /= scale
    return keypoints, root_sift(sift[order])


def root_sift(sift: NDArray[np.float32]) -> NDArray[np.uint8]:
    """RootSIFT of SIFT descriptors (n, 128), as bytes: sqrt(d / |d|₁) × 512, rounded, at most 255."""
    share = sift / np.maximum(np.abs(sift).sum(axis=1, keepdims=True), 1e-12)
    scaled = np.rint(np.sqrt(np.maximum(share, 0)) * _DESCRIPTOR_SCALE)
    return np.asarray(np.minimum(scaled, 255), np.uint8)
