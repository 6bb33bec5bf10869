"""Keypoints and descriptors as bytes of a table's cell, and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
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

    def without(self, masked: NDArray[np.bool_]) -> "Features":
        """Those that are not masked (n,)."""
        return Features(self.keypoints[~masked], self.descriptors[~masked])


def read_masked(features: pa.Table, masks: pa.Table) -> dict[str, Features]:
    """The features of each picture, by sha256, without its masked keypoints: tables `features` and `masks`."""
    bits = {row["sha256"]: np.frombuffer(row["bits"], np.uint8) for row in masks.to_pylist()}
    found = {}
    for row in features.to_pylist():
        own = unpack(row)
        masked = np.unpackbits(bits[row["sha256"]], count=len(own.keypoints)).astype(bool)
        found[row["sha256"]] = own.without(masked)
    return found


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
