from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.features.detect import detect
from tasks.features.packed import Features
from tasks.features.settings import FeatureSettings
from tasks.match.settings import MatchSettings
from tasks.match.verify import Verification, false_alarms, is_sane, is_thin, pair_seed, putative_matches, verify

SETTINGS = MatchSettings()
LEAST = 12
SIZE = (640, 480)


def texture(seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    layers = [
        cv2.resize(random.random((cells * 3, cells * 4), np.float32), SIZE, interpolation=cv2.INTER_CUBIC) / cells**0.3
        for cells in (2, 4, 8, 16, 32)
    ]
    gray = np.sum(layers, axis=0)
    return np.stack([(255 * (gray - gray.min()) / np.ptp(gray)).astype(np.uint8)] * 3, axis=2)


def describe(picture: np.ndarray) -> Features:
    return Features(*detect(picture, FeatureSettings(max_keypoints=800)))


@cache
def scene(seed: int = 0) -> Features:
    return describe(texture(seed))


def warped(affine: np.ndarray, seed: int = 0) -> Features:
    """The scene seen under a map of continuous pixels (the first pixel spans 0 to 1)."""
    centred = affine.copy()
    centred[:, 2] += affine[:, :2] @ (0.5, 0.5) - 0.5
    return describe(cv2.warpAffine(texture(seed), centred, SIZE, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT))


def crafted(positions: np.ndarray, seed: int = 1) -> Features:
    """Features whose k-th descriptor matches the k-th of any other crafted set of that seed, and no other."""
    descriptors = np.random.default_rng(seed).integers(0, 256, (len(positions), 128), dtype=np.uint8)
    return Features(np.hstack([positions, np.ones((len(positions), 4))]).astype(np.float32), descriptors)


def turn(degrees: float, scale: float, shift: tuple[float, float], stretch: float = 1.0) -> np.ndarray:
    angle = np.radians(degrees)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.diag([stretch, 1])
    centre = np.array(SIZE) / 2
    return np.column_stack([linear, centre - linear @ centre + shift])


def apply(affine: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ affine[:, :2].T + affine[:, 2]


GRID = np.stack(np.meshgrid(np.linspace(150, 490, 5), np.linspace(110, 370, 5)), axis=-1).reshape(-1, 2)


# Putative matches


def test_each_descriptor_finds_its_twin():
    features = crafted(np.zeros((50, 2)))
    order = np.random.default_rng(5).permutation(50)
    matches = putative_matches(features.descriptors, features.descriptors[order], 0.8)
    np.testing.assert_array_equal(matches[:, 0], np.arange(50))
    np.testing.assert_array_equal(order[matches[:, 1]], np.arange(50))
    assert matches.dtype == np.int64


def test_a_descriptor_with_two_equal_neighbours_says_nothing():
    two = np.zeros((2, 128), np.uint8)
    two[1] = 200
    assert len(putative_matches(two, two, 0.8)) == 2
    assert len(putative_matches(two, two[[0, 0, 1]], 0.8)) == 1


def test_the_ratio_is_of_distances_not_of_their_squares():
    first = np.zeros((2, 128), np.uint8)
    first[1] = 255
    second = np.zeros((3, 128), np.uint8)
    second[0, 0], second[1, 1], second[2] = 79, 100, 255
    assert [0, 0] in putative_matches(first, second, 0.8).tolist()
    second[0, 0] = 81
    assert [0, 0] not in putative_matches(first, second, 0.8).tolist()


@given(st.integers(0, 2**32 - 1), st.integers(0, 12), st.integers(0, 12))
def test_matches_are_one_to_one_and_the_same_from_both_sides(seed, n, m):
    random = np.random.default_rng(seed)
    first, second = (random.integers(0, 3, (count, 128), dtype=np.uint8) * 60 for count in (n, m))
    forth, back = putative_matches(first, second, 1.0), putative_matches(second, first, 1.0)
    for side in (0, 1):
        assert len(np.unique(forth[:, side])) == len(forth)
    assert (np.diff(forth[:, 0]) > 0).all()
    squares = (
        ((first[:, None].astype(int) - second[None].astype(int)) ** 2).sum(axis=2) if n and m else np.zeros((n, m))
    )
    for i, j in forth:
        assert squares[i, j] == squares[i].min() == squares[:, j].min()
    if n > 1 and m > 1:
        strictly = {(i, j) for i, j in forth.tolist() if np.sort(squares[:, j])[0] < np.sort(squares[:, j])[1]}
        assert strictly <= {(i, j) for j, i in back.tolist()}


@pytest.mark.parametrize(("n", "m"), [(0, 0), (0, 5), (1, 5), (5, 1), (1, 1)])
def test_too_few_descriptors_match_nothing(n, m):
    assert putative_matches(np.zeros((n, 128), np.uint8), np.zeros((m, 128), np.uint8), 0.8).shape == (0, 2)


# Verification


@pytest.mark.parametrize(
    "affine",
    [
        turn(0, 1, (0, 0)),
        turn(0, 1, (40.25, -30.5)),
        turn(12, 0.8, (10, 5)),
        turn(-15, 0.9, (0, 0)),
        turn(5, 0.7, (0, 0), 1.3),
    ],
)
def test_the_map_between_two_views_is_recovered(affine):
    found = verify(scene(), warped(affine), SIZE, SETTINGS, 1)
    assert found is not None
    assert np.linalg.norm(apply(found.affine, GRID) - apply(affine, GRID), axis=1).max() < 1
    assert found.inliers >= 50
    assert found.putative >= len(found.matched) == len(found.residuals)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_picture_on_its_side_is_recovered_once_its_descriptors_are_turned(quarters):
    affine = turn(90 * quarters, 1, (0, 0))
    assert verify(scene(), warped(affine), SIZE, SETTINGS, 1) is None
    found = [verify(scene().turned(turns), warped(affine), SIZE, SETTINGS, 1) for turns in (quarters, -quarters)]
    best = max((own for own in found if own), key=lambda own: own.inliers)
    assert np.linalg.norm(apply(best.affine, GRID) - apply(affine, GRID), axis=1).max() < 1


def test_the_facts_of_a_verification_agree_with_each_other():
    found = verify(scene(), warped(turn(15, 0.9, (5, 5))), SIZE, SETTINGS, 1)
    assert found is not None
    residuals = np.linalg.norm(apply(found.affine, found.matched[:, :2]) - found.matched[:, 2:], axis=1)
    np.testing.assert_allclose(found.residuals, residuals, atol=1e-3)
    assert (found.residuals <= SETTINGS.tolerance * max(SIZE)).all()
    cells = found.cells()
    assert (cells["putative"], cells["inliers"]) == (found.putative, found.inliers)
    np.testing.assert_array_equal(np.reshape(cells["affine"], (2, 3)), found.affine)
    np.testing.assert_array_equal(np.reshape(cells["points"], (-1, 4)), found.matched)


def test_again_gives_the_same():
    other = warped(turn(15, 0.8, (3, 4)))
    first, again = (verify(scene(), other, SIZE, SETTINGS, 7) for _ in range(2))
    assert first is not None
    assert again is not None
    np.testing.assert_array_equal(first.affine, again.affine)
    np.testing.assert_array_equal(first.matched, again.matched)


@pytest.mark.parametrize("seed", range(1, 7))
def test_unrelated_textures_are_rejected(seed):
    assert verify(scene(), scene(seed), SIZE, SETTINGS, seed) is None


def test_a_mirrored_scene_is_rejected():
    assert verify(scene(), describe(texture(0)[:, ::-1].copy()), SIZE, SETTINGS, 1) is None


def test_matches_that_agree_on_a_mirror_are_rejected():
    points = np.random.default_rng(2).uniform(0, 480, (80, 2))
    for mirror in (np.diag([-1.0, 1.0]), np.diag([1.0, -1.0]), np.array([[0.0, 1.0], [1.0, 0.0]])):
        assert verify(crafted(points), crafted(points @ mirror.T + 480), SIZE, SETTINGS, 1) is None
    assert verify(crafted(points), crafted(points + 50), SIZE, SETTINGS, 1) is not None


RANDOM = np.random.default_rng(4).uniform(0, 480, (60, 2))
DEGENERATE = {
    "collapsed": np.full((60, 2), 50.0),
    "nearly collapsed": 50 + np.random.default_rng(0).uniform(0, 1, (60, 2)),
    "on a line": np.column_stack([np.arange(60.0) * 8, np.arange(60.0) * 3]),
    "on two places": np.repeat([[50.0, 60.0], [400.0, 300.0]], 30, axis=0),
    "on too few places": np.random.default_rng(1).uniform(0, 480, (6, 2))[np.arange(60) % 6],
}


@pytest.mark.parametrize("points", DEGENERATE.values(), ids=DEGENERATE)
@pytest.mark.parametrize("sides", ["first", "second", "both"])
def test_points_that_determine_no_map_are_rejected(points, sides):
    first = RANDOM if sides == "second" else points
    second = RANDOM if sides == "first" else points
    assert verify(crafted(first), crafted(second), SIZE, SETTINGS, 3) is None


@pytest.mark.parametrize(("matches", "verified"), [(LEAST - 1, False), (LEAST, True), (LEAST + 1, True)])
def test_the_last_inlier_decides(matches, verified):
    points = np.random.default_rng(3).uniform(0, 480, (matches, 2))
    settings = MatchSettings(min_inliers=LEAST)
    assert (verify(crafted(points), crafted(points * 0.9 + 10), SIZE, settings, 1) is not None) == verified


def test_outliers_are_left_out():
    points = np.random.default_rng(6).uniform(0, 480, (100, 2))
    affine = turn(15, 0.8, (20, 10))
    target = apply(affine, points)
    target[:50] = np.random.default_rng(7).uniform(0, 480, (50, 2))
    found = verify(crafted(points), crafted(target), SIZE, SETTINGS, 1)
    assert found is not None
    assert found.putative == 100
    assert 50 <= found.inliers <= 53
    assert np.linalg.norm(apply(found.affine, GRID) - apply(affine, GRID), axis=1).max() < 2


def test_the_tolerance_is_a_share_of_the_second_pictures_longer_side():
    points = np.random.default_rng(8).uniform(0, 480, (60, 2))
    angles = np.random.default_rng(9).uniform(0, 2 * np.pi, 60)
    noisy = points + 20 * np.column_stack([np.cos(angles), np.sin(angles)])
    settings = MatchSettings(min_inliers=40)
    assert verify(crafted(points), crafted(noisy), (2000, 100), settings, 1) is not None
    assert verify(crafted(points), crafted(noisy), (100, 2000), settings, 1) is not None
    assert verify(crafted(points), crafted(noisy), (300, 200), settings, 1) is None


@pytest.mark.parametrize("matches", [30, 100, 300, 1000])
def test_random_matches_stay_below_the_threshold(matches):
    """Chance level at 20 pixels on 1024 × 768: no draw is verified."""
    for draw in range(15):
        random = np.random.default_rng(draw)
        first, second = (random.uniform(0, 1, (matches, 2)) * (1024, 768) for _ in range(2))
        assert len(putative_matches(crafted(first).descriptors, crafted(second).descriptors, 0.8)) == matches
        assert verify(crafted(first), crafted(second), (1024, 768), SETTINGS, draw) is None


@pytest.mark.parametrize("features", [np.zeros((0, 2)), np.zeros((1, 2))])
def test_a_picture_of_nothing_matches_nothing(features):
    assert verify(crafted(features), scene(), SIZE, SETTINGS, 1) is None
    assert verify(scene(), crafted(features), SIZE, SETTINGS, 1) is None


def test_inliers_are_counted_by_distinct_places():
    matched = np.array([[1, 1, 5, 5], [1.2, 1.1, 9, 9], [30, 30, 50, 50], [40, 40, 50.1, 50.2]], np.float32)
    assert Verification(4, np.eye(2, 3), matched, np.zeros(4), -9.0).inliers == 3


# A contrario


def test_false_alarms_of_a_small_case_by_hand():
    # (5 - 3) * C(5, 4) * C(4, 3) * 0.01^1 = 2 * 5 * 4 * 0.01 = 0.4
    assert false_alarms(5, 4, 0.01) == pytest.approx(np.log10(0.4))


def test_false_alarms_of_three_matches_say_nothing():
    assert false_alarms(50, 3, 0.001) > 0
    assert false_alarms(3, 3, 0.001) >= 0


@given(st.integers(5, 400), st.data())
def test_more_inliers_and_fewer_matches_are_less_likely_by_chance(putative, data):
    inliers = data.draw(st.integers(max(4, putative // 2), putative - 1))
    chance = data.draw(st.floats(1e-5, 0.01))
    assert false_alarms(putative, inliers + 1, chance) < false_alarms(putative, inliers, chance)
    assert false_alarms(putative + 50, inliers, chance) > false_alarms(putative, inliers, chance)
    assert false_alarms(putative, inliers, chance * 1.5) > false_alarms(putative, inliers, chance)


def test_the_same_inliers_are_enough_among_few_matches_and_not_among_many():
    inliers = np.random.default_rng(3).uniform(0, 480, (9, 2))
    for noise, verified in ((6, True), (600, False)):
        first, second = (np.random.default_rng(seed).uniform(0, 480, (noise, 2)) for seed in (4, 5))
        pair = crafted(np.vstack([inliers, first])), crafted(np.vstack([inliers + 9, second]))
        assert (verify(*pair, SIZE, SETTINGS, 1) is not None) == verified


def test_points_along_a_line_or_on_a_spot_are_thin():
    random = np.random.default_rng(0)
    spread = random.uniform(0, 500, (30, 2))
    line = np.column_stack([np.linspace(0, 500, 30), random.uniform(0, 4, 30)])
    for thin, points in ((False, spread), (True, line), (True, np.full((30, 2), 7.0))):
        assert is_thin(np.hstack([points, spread]).astype(np.float32), 0.05) == thin
        assert is_thin(np.hstack([spread, points]).astype(np.float32), 0.05) == thin


# Seeds and sanity


def test_a_seed_follows_from_the_ids():
    assert pair_seed("a", "b") == pair_seed("a", "b")
    assert pair_seed("a", "b") != pair_seed("b", "a")
    assert pair_seed("a", "bc") != pair_seed("ab", "c")


@given(st.lists(st.text(), min_size=1, max_size=3))
def test_a_seed_fits_opencv(ids):
    assert 0 <= pair_seed(*ids) < 2**31


@pytest.mark.parametrize(
    ("linear", "sane"),
    [
        ([[1, 0], [0, 1]], True),
        ([[-1, 0], [0, -1]], True),
        ([[-1, 0], [0, 1]], False),
        ([[0, 1], [1, 0]], False),
        ([[9.9, 0], [0, 9.9]], True),
        ([[10.1, 0], [0, 9]], False),
        ([[0.11, 0], [0, 0.11]], True),
        ([[0.2, 0], [0, 0.09]], False),
        ([[4.9, 0], [0, 1]], True),
        ([[5.1, 0], [0, 1]], False),
        ([[1, 0], [0, 0]], False),
        ([[0, 0], [0, 0]], False),
        ([[np.nan, 0], [0, 1]], False),
        ([[np.inf, 0], [0, 1]], False),
    ],
)
def test_what_maps_are_sane(linear, sane):
    assert is_sane(np.column_stack([np.array(linear, float), [3.0, 4.0]]), SETTINGS) is sane


def test_a_shift_beyond_all_numbers_is_not_sane():
    assert not is_sane(np.array([[1, 0, np.inf], [0, 1, 0]]), SETTINGS)


@given(st.floats(0, 360), st.floats(0, 360), st.floats(0.15, 8), st.floats(1, 4.5))
def test_rotations_do_not_change_what_is_sane(a, b, scale, anisotropy):
    def rotation(degrees: float) -> np.ndarray:
        return turn(degrees, 1, (0, 0))[:, :2]

    small = min(scale, 9.9 / anisotropy)
    linear = rotation(a) @ np.diag([small * anisotropy, small]) @ rotation(b)
    assert is_sane(np.column_stack([linear, [0, 0]]), SETTINGS)
    assert not is_sane(np.column_stack([linear @ np.diag([1, -1]), [0, 0]]), SETTINGS)
