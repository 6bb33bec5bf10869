import cv2
import numpy as np
import pytest
from scipy.spatial import cKDTree

from tasks.features.detect import detect, root_sift
from tasks.features.settings import FeatureSettings

SETTINGS = FeatureSettings()


def texture(width: int = 640, height: int = 480, seed: int = 0) -> np.ndarray:
    """Noise of many scales, RGB: it has keypoints everywhere."""
    random = np.random.default_rng(seed)
    layers = [
        cv2.resize(random.random((cells * 3, cells * 4), np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
        / cells**0.3
        for cells in (2, 4, 8, 16, 32)
    ]
    gray = np.sum(layers, axis=0)
    gray = (255 * (gray - gray.min()) / np.ptp(gray)).astype(np.uint8)
    return np.stack([gray] * 3, axis=2)


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    return texture()


def offset(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Median offset between positions that lie close together; most must."""
    distance, nearest = cKDTree(second).query(first)
    close = distance < 1.5
    assert close.mean() > 0.7
    return np.median((second[nearest] - first)[close], axis=0)


def test_types_shapes_and_limits(scene):
    keypoints, descriptors = detect(scene, FeatureSettings(max_keypoints=1000))
    assert (keypoints.dtype, descriptors.dtype) == (np.float32, np.uint8)
    assert keypoints.shape == (1000, 4)
    assert descriptors.shape == (1000, 128)
    assert (keypoints[:, :2] > 0).all()
    assert (keypoints[:, :2] < (640, 480)).all()
    assert (keypoints[:, 2] > 0).all()
    assert ((keypoints[:, 3] >= 0) & (keypoints[:, 3] <= 360)).all()


def test_the_same_picture_gives_the_same_keypoints_in_the_same_order(scene):
    first, again = detect(scene, SETTINGS), detect(scene.copy(), SETTINGS)
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])


@pytest.mark.parametrize("most", [16, 17, 300])
def test_fewer_keypoints_are_the_strongest_ones(scene, most):
    everything, few = detect(scene, SETTINGS)[0], detect(scene, FeatureSettings(max_keypoints=most))[0]
    assert len(few) == most
    assert {tuple(point) for point in few} <= {tuple(point) for point in everything}


@pytest.mark.parametrize("picture", [np.zeros((80, 90, 3), np.uint8), np.full((64, 64, 3), 255, np.uint8)])
def test_a_picture_of_nothing_has_no_keypoints(picture):
    keypoints, descriptors = detect(picture, SETTINGS)
    assert keypoints.shape == (0, 4)
    assert descriptors.shape == (0, 128)
    assert (keypoints.dtype, descriptors.dtype) == (np.float32, np.uint8)


def test_a_picture_of_one_pixel_does_no_harm():
    assert len(detect(np.zeros((1, 1, 3), np.uint8), SETTINGS)[0]) == 0


def test_positions_are_in_pixels_of_the_picture_however_it_was_shrunk(scene):
    large = cv2.resize(scene, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    found, shrunk = detect(scene, SETTINGS)[0], detect(large, FeatureSettings(longest_side=640))[0]
    np.testing.assert_allclose(offset(found[:, :2], shrunk[:, :2] / 2), 0, atol=0.1)
    assert np.median(shrunk[:, 2]) == pytest.approx(2 * np.median(found[:, 2]), rel=0.1)


def test_positions_mean_the_same_from_either_edge(scene):
    """The first pixel spans 0 to 1 and the last one W − 1 to W: a mirror takes x to W − x, exactly."""
    found = detect(scene, SETTINGS)[0][:, :2]
    mirrored = detect(scene[:, ::-1].copy(), SETTINGS)[0][:, :2]
    turned = detect(scene[::-1, ::-1].copy(), SETTINGS)[0][:, :2]
    np.testing.assert_allclose(offset(found, np.array([640, 0]) + mirrored * (-1, 1)), 0, atol=0.1)
    np.testing.assert_allclose(offset(found, np.array([640, 480]) - turned), 0, atol=0.1)


def test_a_small_picture_is_not_enlarged(scene):
    np.testing.assert_array_equal(
        detect(scene, FeatureSettings(longest_side=640))[0], detect(scene, FeatureSettings(longest_side=4000))[0]
    )


def test_root_sift_is_the_root_of_the_share():
    sift = np.zeros((3, 128), np.float32)
    sift[0, :4] = (1, 1, 1, 1)  # each a quarter: sqrt(1/4) · 512 = 256, held at 255
    sift[1, :16] = 7  # sqrt(1/16) · 512 = 128
    sift[2, :2] = (9, 16)  # sqrt(9/25) · 512 = 307
    found = root_sift(sift)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found[0, :5], [255, 255, 255, 255, 0])
    np.testing.assert_array_equal(found[1, 14:18], [128, 128, 0, 0])
    np.testing.assert_array_equal(found[2, :3], [255, 255, 0])


def test_root_sift_does_not_depend_on_contrast_and_has_one_length():
    sift = np.random.default_rng(0).gamma(0.5, 30, (50, 128)).astype(np.float32)
    np.testing.assert_array_equal(root_sift(sift), root_sift(sift * 4))
    lengths = np.linalg.norm(root_sift(sift).astype(float), axis=1)
    np.testing.assert_allclose(lengths, 512, rtol=0.02)


def test_root_sift_of_nothing():
    assert root_sift(np.zeros((1, 128), np.float32)).max() == 0
    assert root_sift(np.zeros((0, 128), np.float32)).shape == (0, 128)
