import re
import sys
from functools import cache

import cv2
import numpy as np
import pytest
from scipy.spatial import cKDTree

from storage.errors import InputError
from tasks.features.detect import detect, root_sift
from tasks.features.packed import Features
from tasks.features.settings import FeatureSettings
from tasks.match.copies import is_copy
from tasks.match.settings import MatchSettings
from tasks.match.verify import verify

SETTINGS = FeatureSettings()
DETECTORS = ["sift", "hessian-affine", "sift+hessian-affine", "colmap-affine"]


@cache
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


@cache
def seen(detector: str = SETTINGS.detector, most: int = SETTINGS.max_keypoints) -> Features:
    """What is detected in the scene, once for all tests."""
    return Features(*detect(texture(), FeatureSettings(detector=detector, max_keypoints=most)))


def offset(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Median offset between positions that lie close together; most must."""
    distance, nearest = cKDTree(second).query(first)
    close = distance < 1.5
    assert close.mean() > 0.7
    return np.median((second[nearest] - first)[close], axis=0)


@pytest.mark.parametrize("detector", DETECTORS)
def test_types_shapes_and_limits(detector):
    found = seen(detector, 1000)
    keypoints, descriptors = found.keypoints, found.descriptors
    assert (keypoints.dtype, descriptors.dtype) == (np.float32, np.uint8)
    assert keypoints.shape == (1000, 6)
    assert descriptors.shape == (1000, 128)
    assert (keypoints[:, :2] > 0).all()
    assert (keypoints[:, :2] < (640, 480)).all()
    assert (np.linalg.det(keypoints[:, 2:].reshape(-1, 2, 2)) > 0).all()


@pytest.mark.parametrize("detector", DETECTORS)
def test_the_same_picture_gives_the_same_keypoints_in_the_same_order(scene, detector):
    settings, first = FeatureSettings(detector=detector), seen(detector)
    detect(texture(320, 240, seed=1), settings)  # what came between is forgotten
    keypoints, descriptors = detect(scene.copy(), settings)
    np.testing.assert_array_equal(first.keypoints, keypoints)
    np.testing.assert_array_equal(first.descriptors, descriptors)


@pytest.mark.parametrize("detector", ["sift", "hessian-affine", "sift+hessian-affine"])
@pytest.mark.parametrize("most", [16, 17, 300])
def test_fewer_keypoints_are_the_strongest_ones(most, detector):
    everything, few = (seen(detector, count).keypoints for count in (1500, most))
    assert len(few) == most
    assert {tuple(point) for point in few} <= {tuple(point) for point in everything}


@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize("picture", [np.zeros((80, 90, 3), np.uint8), np.full((64, 64, 3), 255, np.uint8)])
def test_a_picture_of_nothing_has_no_keypoints(picture, detector):
    keypoints, descriptors = detect(picture, FeatureSettings(detector=detector))
    assert keypoints.shape == (0, 6)
    assert descriptors.shape == (0, 128)
    assert (keypoints.dtype, descriptors.dtype) == (np.float32, np.uint8)


def test_a_picture_of_one_pixel_does_no_harm():
    assert len(detect(np.zeros((1, 1, 3), np.uint8), SETTINGS)[0]) == 0


def test_positions_are_in_pixels_of_the_picture_however_it_was_shrunk(scene):
    large = cv2.resize(scene, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    found, shrunk = seen().keypoints, detect(large, FeatureSettings(longest_side=640))[0]
    np.testing.assert_allclose(offset(found[:, :2], shrunk[:, :2] / 2), 0, atol=0.1)
    sizes = [np.median(np.linalg.det(points[:, 2:].reshape(-1, 2, 2))) for points in (found, shrunk)]
    assert sizes[1] == pytest.approx(4 * sizes[0], rel=0.2)


def test_positions_mean_the_same_from_either_edge(scene):
    """The first pixel spans 0 to 1 and the last one W − 1 to W: a mirror takes x to W − x, exactly."""
    found = seen().positions
    mirrored = detect(scene[:, ::-1].copy(), SETTINGS)[0][:, :2]
    turned = detect(scene[::-1, ::-1].copy(), SETTINGS)[0][:, :2]
    np.testing.assert_allclose(offset(found, np.array([640, 0]) + mirrored * (-1, 1)), 0, atol=0.1)
    np.testing.assert_allclose(offset(found, np.array([640, 480]) - turned), 0, atol=0.1)


def test_keypoints_of_a_picture_that_was_enlarged_are_in_pixels_of_the_picture(scene):
    small = cv2.resize(scene, (320, 240), interpolation=cv2.INTER_AREA)
    found, enlarged = seen().keypoints, detect(small, SETTINGS)[0]
    assert (enlarged[:, :2] < (320, 240)).all()
    large, there = (points[points[:, 2] > 3 * scale] for points, scale in ((found, 2), (enlarged, 1)))
    np.testing.assert_allclose(offset(there[:, :2] * 2, large[:, :2]), 0, atol=0.15)
    sizes = [np.median(points[:, 2]) for points in (large, there)]
    assert sizes[0] == pytest.approx(2 * sizes[1], rel=0.1)


@pytest.mark.parametrize("detector", ["sift", "colmap-affine"])
def test_a_small_picture_has_the_keypoints_of_the_same_enlarged_to_the_longest_side(scene, detector):
    settings = FeatureSettings(detector=detector)
    small = cv2.resize(scene, (160, 120), interpolation=cv2.INTER_AREA)
    found, descriptors = detect(small, settings)
    enlarged = cv2.resize(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), (640, 480), interpolation=cv2.INTER_CUBIC)
    expected, expected_descriptors = detect(np.stack([enlarged] * 3, axis=2), settings)
    np.testing.assert_allclose(found, expected / 4, rtol=1e-6)
    np.testing.assert_array_equal(descriptors, expected_descriptors)


def test_a_small_copy_of_a_picture_matches_as_a_copy(scene):
    copy = Features(*detect(cv2.resize(scene, (160, 120), interpolation=cv2.INTER_AREA), SETTINGS))
    found = verify(copy, seen(), (640, 480), MatchSettings(), seed=0)
    assert found is not None
    assert is_copy(found, ((160, 120), (640, 480)), MatchSettings())
    np.testing.assert_allclose(found.affine, [[4, 0, 0], [0, 4, 0]], atol=0.5)


def ellipse(deviations: tuple[int, int], turn: float) -> np.ndarray:
    """Covariance of a Gaussian with these deviations along axes turned by so many radians."""
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return rotation @ np.diag(np.square(deviations)) @ rotation.T


def blobs(shape: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Dark Gaussians of this covariance on light gray."""
    apart = np.stack(np.meshgrid(np.arange(640) + 0.5, np.arange(480) + 0.5), axis=-1) - centres[:, None, None]
    weights = np.exp(-0.5 * np.einsum("khwi,ij,khwj->khw", apart, np.linalg.inv(shape), apart)).sum(axis=0)
    return np.repeat(np.clip(200 - 150 * weights, 0, 255).round().astype(np.uint8)[..., None], 3, axis=2)


CENTRES = np.array([(100.3, 120.7), (320.0, 240.5), (500.75, 350.25), (110.6, 380.1)])


@pytest.mark.parametrize(
    ("detector", "deviations", "turn"),
    [
        ("sift", (8, 8), 0.0),
        *[
            (detector, deviations, turn)
            for detector in ("hessian-affine", "colmap-affine")
            for deviations, turn in (((8, 8), 0.0), ((12, 8), 0.5), ((12, 8), 2.2))
        ],
    ],
)
def test_a_blob_is_found_at_its_centre_with_its_shape(detector, deviations, turn):
    """The scale at which a Gaussian is found is its deviation, and its ellipse that of its covariance."""
    shape = ellipse(deviations, turn)
    found = detect(blobs(shape, CENTRES), FeatureSettings(detector=detector))[0]
    for centre in CENTRES:
        frames = found[np.linalg.norm(found[:, :2] - centre, axis=1) < 0.5, 2:].reshape(-1, 2, 2)
        errors = np.linalg.norm(frames @ frames.transpose(0, 2, 1) - shape, axis=(1, 2)) / np.linalg.norm(shape)
        assert errors.min(initial=np.inf) < 0.25


@pytest.mark.parametrize("detector", DETECTORS)
def test_keypoints_follow_an_affine_map(scene, detector):
    """What is seen under a known map is found there, and its descriptors are told from all others."""
    linear = np.array([[1.2, 0.0], [0.15, 0.9]])
    shift = np.array([320.0, 240.0]) - linear @ (320.0, 240.0)
    in_centres = np.hstack([linear, (linear @ (0.5, 0.5) + shift - 0.5)[:, None]])  # OpenCV's first pixel is at 0
    warped = cv2.warpAffine(scene, in_centres, (640, 480), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    first, second = seen(detector), Features(*detect(warped, FeatureSettings(detector=detector)))
    here, there = one_to_one(first.descriptors, second.descriptors)
    errors = second.positions[there] - (first.positions[here] @ linear.T + shift)
    right = np.linalg.norm(errors, axis=1) < 3
    assert len(here) > 100
    assert right.mean() > 0.9
    np.testing.assert_allclose(np.median(errors[right], axis=0), 0, atol=0.1)
    frames = (features.keypoints[which, 2:].reshape(-1, 2, 2) for features, which in ((first, here), (second, there)))
    expected, found = linear @ next(frames), next(frames)
    growth = np.sqrt(np.linalg.det(found) / np.linalg.det(expected))[right]
    assert np.median(growth) == pytest.approx(1, abs=0.05)


def one_to_one(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places of descriptors that are each other's nearest, and clearly so."""
    near, far = cKDTree(second).query(first, k=2)
    back = cKDTree(first).query(second)[1]
    here = np.flatnonzero((near[:, 0] < 0.8 * near[:, 1]) & (back[far[:, 0]] == np.arange(len(first))))
    return here, far[here, 0]


def test_the_union_takes_from_both_by_turns():
    most = 300
    of = {detector: {tuple(point) for point in seen(detector, most).keypoints} for detector in DETECTORS[:3]}
    assert len(of["sift+hessian-affine"] & of["sift"]) == most / 2
    assert len(of["sift+hessian-affine"] & of["hessian-affine"]) == most / 2


@pytest.mark.parametrize("detector", ["hessian-affine", "sift+hessian-affine", "colmap-affine"])
def test_a_missing_library_is_named_with_what_to_do(scene, detector, monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    for library in ("pyhesaff", "pycolmap"):
        monkeypatch.delitem(sys.modules, library, raising=False)
    with pytest.raises(InputError, match=rf"'{re.escape(detector)}' needs py\w+, .*cairn\[detectors\]"):
        detect(scene, FeatureSettings(detector=detector))


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


@pytest.mark.parametrize(("detector", "share"), [("sift", 0.01), ("hessian-affine", 0.7)])
@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_turned_descriptors_are_those_of_the_turned_picture(scene, detector, share, quarters):
    """An affine region stands upright by another of its axes once it is turned: there they are only nearer."""
    if detector != "sift":
        pytest.importorskip("pyhesaff")
    turned = np.rot90(scene, quarters).copy()
    here, there = seen(detector), Features(*detect(turned, FeatureSettings(detector=detector)))
    positions, size = here.positions, scene.shape[1::-1]
    for _ in range(quarters):
        positions, size = np.stack([positions[:, 1], size[0] - positions[:, 0]], axis=1), size[::-1]
    apart = np.linalg.norm(positions[:, None] - there.positions, axis=2)
    found = apart.min(axis=1) < 0.5
    assert found.mean() > 0.8
    expected = there.descriptors[apart.argmin(axis=1)[found]].astype(float)
    off = [np.linalg.norm(own.descriptors[found] - expected, axis=1) for own in (here, here.turned(quarters))]
    assert np.median(off[1]) < share * np.median(off[0])


@pytest.mark.parametrize("detector", ["sift", "hessian-affine"])
def test_mirrored_features_are_those_of_the_mirrored_picture(scene, detector):
    if detector != "sift":
        pytest.importorskip("pyhesaff")
    here = seen(detector)
    there = Features(*detect(scene[:, ::-1].copy(), FeatureSettings(detector=detector)))
    mirrored = here.mirrored(scene.shape[1])
    apart = np.linalg.norm(mirrored.positions[:, None] - there.positions, axis=2)
    found = apart.min(axis=1) < 0.5
    assert found.mean() > 0.9
    off = mirrored.descriptors[found].astype(float) - there.descriptors[apart.argmin(axis=1)[found]]
    assert np.median(np.linalg.norm(off, axis=1)) < 10  # of a length of 512
    np.testing.assert_array_equal(mirrored.mirrored(scene.shape[1]).descriptors, here.descriptors)
