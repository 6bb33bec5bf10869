"""Synthetic photographs for the index and the shortlist: keypoints anywhere, descriptors at random."""

from collections.abc import Callable

import numpy as np
import pytest

from tasks.features.packed import Features


def frames(radii: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """Circles turned by angles, as the frames of keypoints, (n, 4)."""
    cos, sin = radii * np.cos(np.deg2rad(degrees)), radii * np.sin(np.deg2rad(degrees))
    return np.stack([cos, -sin, sin, cos], axis=1)


def make_photographs(count: int, size: int = 120, seed: int = 0) -> list[Features]:
    random = np.random.default_rng(seed)
    return [
        Features(
            np.column_stack(
                [random.uniform(0, 640, (size, 2)), frames(random.uniform(1, 20, size), random.uniform(0, 360, size))]
            ).astype(np.float32),
            random.integers(0, 200, (size, 128), dtype=np.uint8),
        )
        for _ in range(count)
    ]


def make_like(known: Features, noise: int = 15, seed: int = 1, turn: float = 0.0, scale: float = 1.0) -> Features:
    """The same keypoints seen by a camera turned by so many degrees, so many times nearer."""
    shaken = known.descriptors.astype(int) + np.random.default_rng(seed).integers(
        -noise, noise + 1, known.descriptors.shape
    )
    camera = frames(np.array([scale]), np.array([turn])).reshape(2, 2)
    seen = (camera @ known.keypoints[:, 2:].reshape(-1, 2, 2)).reshape(-1, 4)
    positions = (known.positions - 320) @ camera.T + 320
    keypoints = np.hstack([positions, seen]).astype(np.float32)
    return Features(keypoints, np.clip(shaken, 0, 255).astype(np.uint8))


@pytest.fixture
def photographs() -> Callable[..., list[Features]]:
    """Makes unrelated photographs: `count`, `size` (keypoints of each), `seed`."""
    return make_photographs


@pytest.fixture
def like() -> Callable[..., Features]:
    """Makes another photograph of what one shows: `noise` of its descriptors, `turn` in degrees, `scale`."""
    return make_like
