"""What software laid over two pictures is told from what two cameras saw, and what lies beneath it is found."""

import cv2
import numpy as np
import pytest

from tasks.features.detect import detect
from tasks.features.packed import Features
from tasks.features.settings import FeatureSettings
from tasks.match.layers import attempt_beneath, crowds_on, layers_of_class, verify_beneath
from tasks.match.settings import MatchSettings
from tasks.match.verify import verify

SETTINGS = MatchSettings()
SIZE = (640, 480)
SIZES = (SIZE, SIZE)


def scene(seed: int) -> np.ndarray:
    """A made-up view, (480, 640, 3): rectangles of all sizes."""
    random = np.random.default_rng(seed)
    picture = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)
    for size in np.geomspace(250, 12, 300):
        corner = (random.uniform(-0.1, 1, 2) * SIZE).astype(int)
        opposite = corner + (size * random.uniform(0.5, 1.5, 2)).astype(int)
        cv2.rectangle(picture, corner.tolist(), opposite.tolist(), random.integers(0, 256, 3).tolist(), -1)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.2), np.uint8)


CAPTION = 130  # its height, in pixels


def with_caption(picture: np.ndarray) -> np.ndarray:
    """Three lines: one alone is too thin for a match."""
    captioned = picture.copy()
    captioned[-CAPTION:] = 0
    for number, text in enumerate(("PICTURE ARCHIVE", "LONDON 1984", "(C) ALL RIGHTS")):
        place = (20 + 60 * number, SIZE[1] - CAPTION + 36 + 40 * number)
        cv2.putText(captioned, text, place, cv2.FONT_HERSHEY_SIMPLEX, 1.1, (255, 255, 255), 2)
    return captioned


def seen_from_elsewhere(picture: np.ndarray) -> np.ndarray:
    """The view from a step to the side: its parts move by different amounts, as with depth."""
    y, x = np.indices(SIZE[::-1], np.float32)
    moved = x + 12 * np.sin(y / 90) + 0.04 * (x - 320), y + 6 * np.cos(x / 110)
    shifted = cv2.remap(picture, moved[0], moved[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    noise = np.random.default_rng(9).normal(0, 8, shifted.shape)
    return np.clip(shifted + noise, 0, 255).astype(np.uint8)


def describe(picture: np.ndarray) -> Features:
    return Features(*detect(picture, FeatureSettings()))


def test_a_caption_that_two_views_share_is_no_match():
    first, second = (describe(with_caption(scene(seed))) for seed in (1, 2))
    assert verify(first, second, SIZE, SETTINGS, 0)
    made = attempt_beneath(first, second, SIZES, SETTINGS, 0)
    assert made.verification is None
    assert made.lacks == "view"
    assert made.inliers >= SETTINGS.min_inliers
    assert (made.matched[:, [1, 3]] > SIZE[1] - CAPTION - 10).mean() > 0.9  # the inliers are the caption's
    assert (made.layer[:, [1, 3]] > SIZE[1] - CAPTION - 10).all()


def test_beneath_a_caption_the_view_is_found():
    first, second = describe(with_caption(scene(1))), describe(with_caption(seen_from_elsewhere(scene(1))))
    found = verify_beneath(first, second, SIZES, SETTINGS, 0)
    assert found
    assert (found.matched[:, [1, 3]] < SIZE[1] - CAPTION).mean() > 0.9


@pytest.mark.parametrize("quality", [30, 95])
def test_a_copy_is_no_layer(quality):
    picture = scene(3)
    _, content = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    copy = cv2.imdecode(content, cv2.IMREAD_COLOR)
    made = attempt_beneath(describe(picture), describe(copy), SIZES, SETTINGS, 0)
    assert made.verification
    assert not len(made.layer)


def test_two_cameras_are_no_layer():
    made = attempt_beneath(describe(scene(4)), describe(seen_from_elsewhere(scene(4))), SIZES, SETTINGS, 0)
    assert made.verification
    assert not len(made.layer)


def test_what_three_pictures_have_on_a_layer_is_known_in_a_fourth():
    features = [describe(with_caption(scene(seed))) for seed in (5, 6, 7)]
    pairs = [(0, 1), (0, 2), (1, 2)]
    made = {(a, b): attempt_beneath(features[a], features[b], SIZES, SETTINGS, 0) for a, b in pairs}
    fourth, fifth = describe(with_caption(scene(8))), describe(scene(9))
    made[3, 4] = attempt_beneath(fourth, fifth, SIZES, SETTINGS, 0)
    masks = layers_of_class(made, [*features, fourth, fifth])
    masked = fourth.positions[masks[3]]
    assert len(masked) >= 10
    assert (masked[:, 1] > SIZE[1] - CAPTION - 10).mean() > 0.9
    assert len(masks.get(4, [])) == 0 or masks[4].mean() < 0.02


def test_two_pictures_tell_no_layer_of_a_class():
    features = [describe(with_caption(scene(seed))) for seed in (5, 6)]
    made = attempt_beneath(*features, SIZES, SETTINGS, 0)
    assert len(made.layer)
    assert layers_of_class({(0, 1): made}, features) == {}


def test_places_crowd_on_a_layer_where_most_keypoints_lie_elsewhere():
    random = np.random.default_rng(0)
    keypoints = random.uniform(0, 1000, (500, 2)).astype(np.float32)
    layer = random.uniform(0, 100, (20, 2)).astype(np.float32)
    inside, anywhere = random.uniform(0, 100, (12, 2)), keypoints[:30]
    assert crowds_on(inside.astype(np.float32), layer, keypoints, 1000)
    assert not crowds_on(anywhere, layer, keypoints, 1000)


def test_a_layer_all_over_the_picture_says_nothing_of_places():
    keypoints = np.random.default_rng(0).uniform(0, 1000, (500, 2)).astype(np.float32)
    assert not crowds_on(keypoints[:40], keypoints[40:], keypoints, 1000)
