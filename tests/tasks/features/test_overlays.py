import numpy as np
import pytest

from tasks.features.overlays import Templates, learn_templates, mask_overlays
from tasks.features.packed import Features
from tasks.features.settings import OverlaySettings

SETTINGS = OverlaySettings()
RANDOM = np.random.default_rng(0).integers(0, 120, (40, 128), dtype=np.uint8)


def like(descriptor: np.ndarray, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(-3, 4, descriptor.shape)
    return np.clip(descriptor.astype(int) + noise, 0, 255).astype(np.uint8)


def keypoints(positions: np.ndarray) -> np.ndarray:
    return np.column_stack([positions, np.ones((len(positions), 4))]).astype(np.float32)


def test_a_pattern_of_three_classes_is_a_template_and_one_of_two_is_not():
    descriptors = np.stack([like(RANDOM[0], 1), like(RANDOM[0], 2), like(RANDOM[1], 3), like(RANDOM[1], 4)])
    classes = [frozenset("ab"), frozenset("bc"), frozenset("ab"), frozenset("ab")]
    found = learn_templates(descriptors, classes, SETTINGS)
    assert found.classes.tolist() == [3]
    assert np.abs(found.descriptors[0].astype(int) - RANDOM[0]).max() <= 3


def test_templates_do_not_depend_on_the_order_of_keypoints():
    descriptors = np.stack([like(RANDOM[n % 4], n) for n in range(40)])
    classes = [frozenset({"abcdefgh"[n % 8], "abcdefgh"[n % 5]}) for n in range(40)]
    order = np.random.default_rng(1).permutation(40)
    one = learn_templates(descriptors, classes, SETTINGS)
    other = learn_templates(descriptors[order], [classes[n] for n in order], SETTINGS)
    np.testing.assert_array_equal(one.descriptors, other.descriptors)
    np.testing.assert_array_equal(one.classes, other.classes)


def test_nothing_in_common_gives_no_template():
    found = learn_templates(np.zeros((0, 128), np.uint8), [], SETTINGS)
    assert found.descriptors.shape == (0, 128)


def test_keypoints_like_a_template_are_masked_and_no_other():
    descriptors = RANDOM.copy()
    descriptors[7] = like(RANDOM[30], 5)
    positions = np.random.default_rng(3).uniform(0, 900, (40, 2))
    mask = mask_overlays(
        Features(keypoints(positions), descriptors), Templates(RANDOM[30:31], np.array([3])), 900, SETTINGS
    )
    assert np.flatnonzero(mask.keypoints).tolist() == [7, 30]
    assert mask.regions.shape == (0, 4)


def test_what_lies_among_masked_keypoints_is_masked_too():
    corners = np.array([[100, 800], [110, 800], [110, 820], [100, 820]])
    inside, outside = np.array([[105, 810]]), np.array([[105, 300], [130, 810]])
    positions = np.vstack([corners, inside, outside])
    descriptors = np.concatenate([RANDOM[:1].repeat(4, axis=0), RANDOM[1:4]])
    mask = mask_overlays(
        Features(keypoints(positions), descriptors), Templates(RANDOM[:1], np.array([3])), 900, SETTINGS
    )
    assert mask.keypoints.tolist() == [True] * 5 + [False] * 2
    np.testing.assert_array_equal(mask.regions, [[100, 800, 110, 820]])


@pytest.mark.parametrize("count", [0, 5])
def test_without_templates_nothing_is_masked(count):
    features = Features(keypoints(np.zeros((count, 2))), RANDOM[:count])
    mask = mask_overlays(features, Templates(RANDOM[:0], np.zeros(0, np.int64)), 900, SETTINGS)
    assert mask.keypoints.tolist() == [False] * count
