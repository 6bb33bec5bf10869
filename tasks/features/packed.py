"""Keypoints and descriptors as bytes of a table's cell, and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Features:
    """The keypoints of a picture.

    Attributes:
        keypoints: float32 (n, 6): x, y, a11, a12, a21, a22 in pixels of the picture (the first pixel spans 0 to 1). The
            frame [[a11, a12], [a21, a22]] maps the unit circle to the keypoint's region around x, y; where it stands
            upright, a12 is 0.
        descriptors: uint8 (n, 128), RootSIFT.
    """

    keypoints: NDArray[np.float32]
    descriptors: NDArray[np.uint8]

    @property
    def positions(self) -> NDArray[np.float32]:
        """float32 (n, 2): x, y in pixels of the picture."""
        return self.keypoints[:, :2]

    @property
    def angles(self) -> NDArray[np.float32]:
        """float32 (n,): by how many degrees, -180 to 180, the frames are turned from x towards y."""
        return np.asarray(np.rad2deg(np.arctan2(-self.keypoints[:, 3], self.keypoints[:, 5])))

    @property
    def radii(self) -> NDArray[np.float32]:
        """float32 (n,): radii, in pixels of the picture, of circles as large as the keypoints' regions."""
        _, _, a11, a12, a21, a22 = self.keypoints.T
        return np.asarray(np.sqrt(np.abs(a11 * a22 - a12 * a21)))

    def without(self, masked: NDArray[np.bool_]) -> "Features":
        """Returns the features that are not masked, by a mask (n,)."""
        return Features(self.keypoints[~masked], self.descriptors[~masked])

    def largest(self, count: int) -> "Features":
        """Returns the `count` keypoints with the largest regions, or all where there are fewer."""
        chosen = np.sort(np.argsort(-self.radii, kind="stable")[:count])
        return Features(self.keypoints[chosen], self.descriptors[chosen])

    def mirrored(self, width: float) -> "Features":
        """Returns the features of the mirror image, left for right, of a picture so many pixels wide.

        The grid of a SIFT (see `turned`) then counts its columns, and its directions, the other way round.
        """
        keypoints = self.keypoints * np.array([-1, 1, 1, -1, -1, 1], np.float32)
        keypoints[:, 0] += width
        grid = self.descriptors.reshape(-1, 4, 4, 8)[:, :, ::-1, (4 - np.arange(8)) % 8]
        return Features(keypoints, np.ascontiguousarray(grid.reshape(-1, 128)))

    def turned(self, quarters: int) -> "Features":
        """Returns the features with descriptors of upright keypoints, once the picture is turned left by quarters.

        A SIFT is a grid of 4 × 4 cells with 8 directions each (y downwards, x, counterclockwise from x): a quarter
        turn moves the cells and steps the directions by two, and changes no number.
        """
        grid = np.rot90(self.descriptors.reshape(-1, 4, 4, 8), quarters, axes=(1, 2))
        directions = np.roll(grid, 2 * quarters, axis=3)
        return Features(self.keypoints, np.ascontiguousarray(directions.reshape(-1, 128)))


NOTHING = Features(np.zeros((0, 6), np.float32), np.zeros((0, 128), np.uint8))
"""The features of a picture without keypoints."""


def pack(features: Features) -> dict[str, bytes]:
    """Returns the cells `keypoints` and `descriptors` of the tables `features` and `signature`."""
    return {
        "keypoints": features.keypoints.astype("<f4").tobytes(),
        "descriptors": features.descriptors.tobytes(),
    }


def unpack(row: Mapping[str, Any]) -> Features:
    """Reads a row of `features` back, as `pack` wrote it."""
    return Features(
        np.frombuffer(row["keypoints"], "<f4").reshape(-1, 6).astype(np.float32),
        np.frombuffer(row["descriptors"], np.uint8).reshape(-1, 128),
    )
