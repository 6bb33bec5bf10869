"""Keypoints and descriptors as bytes of a table's cell, and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Features:
    """keypoints, float32 (n, 4): x, y, diameter, angle; descriptors, uint8 (n, 128)."""

    keypoints: NDArray[np.float32]
    descriptors: NDArray[np.uint8]

    @property
    def positions(self) -> NDArray[np.float32]:
        """float32 (n, 2): x, y in pixels of the picture."""
        return self.keypoints[:, :2]


def pack(features: Features) -> dict[str, bytes]:
    """The cells `keypoints` and `descriptors` of the tables `features` and `signature`."""
    return {
        "keypoints": features.keypoints.astype("<f4").tobytes(),
        "descriptors": features.descriptors.tobytes(),
    }


def unpack(row: Mapping[str, Any]) -> Features:
    """The inverse of `pack`."""
    return Features(
        np.frombuffer(row["keypoints"], "<f4").reshape(-1, 4).astype(np.float32),
        np.frombuffer(row["descriptors"], np.uint8).reshape(-1, 128),
    )
