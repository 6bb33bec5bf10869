"""What stands around a landmark, replaced by another photograph, so that its box can be told from its matches.

Views that are computed from one photograph share its surroundings as exactly as its landmark: nothing in the pictures
would say where the one ends. Photographs that people take share the landmark alone.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from demo.views import Box, Pixels

# Photographs of the catalogue that look right on either side, and are neither a landmark nor in the test set.
SCENES = ("brick", "coffee", "flower", "grass", "gravel", "ihc", "moon", "satellite")
TURNS = 8
"""Ways to hold a picture: four quarter turns, each as it is and mirrored. The first is upright, as in the catalogue."""

_SEAM = 0.04  # of the box's shorter side: how wide the two pictures fade into each other


@dataclass(frozen=True)
class Surroundings:
    """A photograph to stand around a landmark, and which of the `TURNS` it is held by."""

    photo: str
    turn: int


def hold(scene: Pixels, turn: int) -> Pixels:
    """The scene, (height, width, 3), turned by `turn` mod 4 quarters, and mirrored before where `turn` is 4 or more."""
    return np.ascontiguousarray(np.rot90(scene[:, ::-1] if turn >= TURNS // 2 else scene, turn))


def surround(photo: Pixels, box: Box, scene: Pixels) -> Pixels:
    """The photograph, (height, width, 3) uint8 BGR, with the scene for everything outside of its landmark's box.

    The scene covers the picture, its middle shown. Inside the box every pixel is the photograph's; from there on
    it fades into the scene, so that no edge is drawn for a detector to find.
    """
    height, width = photo.shape[:2]
    ours = _fade(box, (height, width))[..., None]
    blend = ours * photo + (1 - ours) * _cover(scene, (height, width))
    return np.asarray(np.rint(blend), np.uint8)


def _cover(scene: Pixels, shape: tuple[int, int]) -> Pixels:
    """The middle of the scene, as large as `shape` (height, width), its proportions kept."""
    height, width = shape
    scale = max(height / scene.shape[0], width / scene.shape[1])
    size = (max(width, round(scene.shape[1] * scale)), max(height, round(scene.shape[0] * scale)))
    scaled = cv2.resize(scene, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return np.asarray(scaled[top : top + height, left : left + width], np.uint8)


def _fade(box: Box, shape: tuple[int, int]) -> NDArray[np.float32]:
    """How much of the photograph is left at each pixel, float32 (height, width): 1 in the box, 0 past the seam."""
    x1, y1, x2, y2 = (round(side) for side in box)
    outside = np.ones(shape, np.uint8)
    outside[y1:y2, x1:x2] = 0
    distance = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    left = np.clip(1 - distance / (_SEAM * min(x2 - x1, y2 - y1)), 0, 1)
    return np.asarray(left * left * (3 - 2 * left), np.float32)
