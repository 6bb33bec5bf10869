import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.features.packed import Features
from tasks.match.repeats import repeats
from tasks.match.settings import MatchSettings
from tasks.match.verify import Verification, verify

SIZE = (1000, 800)
SETTINGS = MatchSettings()
KEYPOINTS = 40


def part(seed: int, at: tuple[float, float], noise: float = 0.0) -> Features:
    """Keypoints of a tower, 200 × 400 pixels; the same seed is the same tower, its descriptors off by some noise."""
    random = np.random.default_rng(seed)
    positions = random.uniform(0, 1, (KEYPOINTS, 2)) * (200, 400) + at
    descriptors = random.integers(0, 200, (KEYPOINTS, 128)).astype(np.float64)
    descriptors += np.random.default_rng((seed, *map(int, at))).normal(0, noise, descriptors.shape) if noise else 0
    frames = np.tile([5.0, 0, 0, 5], (KEYPOINTS, 1))
    return Features(np.float32(np.hstack([positions, frames])), descriptors.clip(0, 255).astype(np.uint8))


def scene(*parts: Features) -> Features:
    return Features(np.vstack([p.keypoints for p in parts]), np.vstack([p.descriptors for p in parts]))


def match(first: Features, second: Features) -> Verification:
    found = verify(first, second, SIZE, SETTINGS, seed=0)
    assert found
    return found


def test_a_tower_that_stands_twice_repeats():
    """The second picture shows the right one of two towers that are alike."""
    both, one = scene(part(1, (100, 200)), part(1, (600, 200), noise=12)), scene(part(1, (300, 100), noise=3))
    found = match(both, one)
    assert repeats(both, one, (SIZE, SIZE), found, SETTINGS)
    turned = match(one, both)
    assert repeats(one, both, (SIZE, SIZE), turned, SETTINGS)


def test_a_tower_beside_another_one_does_not():
    both, one = scene(part(1, (100, 200)), part(2, (600, 200))), scene(part(1, (300, 100), noise=3))
    assert not repeats(both, one, (SIZE, SIZE), match(both, one), SETTINGS)


def test_a_small_part_that_stands_twice_is_not_enough():
    """A tower, and one of its windows again beside it: fewer than half of what matches."""
    tower = part(1, (100, 200))
    window = Features(tower.keypoints[:12] + np.float32([400, 0, 0, 0, 0, 0]), tower.descriptors[:12])
    both, one = scene(tower, window), scene(part(1, (300, 100), noise=3))
    found = verify_part(tower, one, both)
    assert not repeats(both, one, (SIZE, SIZE), found, SETTINGS)


def verify_part(part_of: Features, other: Features, whole: Features) -> Verification:
    """The pair as it would be with the part alone; `whole` has the part first."""
    assert (whole.keypoints[: len(part_of.keypoints)] == part_of.keypoints).all()
    return match(part_of, other)


@pytest.mark.parametrize("count", [101, 300])
def test_a_part_with_many_inliers_is_no_element(count):
    random = np.random.default_rng(0)
    places: NDArray[np.float32] = np.float32(random.uniform(0, 700, (count, 2)))
    found = Verification(count, np.eye(2, 3), np.hstack([places, places]), np.zeros(count), -900.0)
    nothing = Features(np.zeros((0, 6), np.float32), np.zeros((0, 128), np.uint8))
    assert not repeats(nothing, nothing, (SIZE, SIZE), found, SETTINGS)
