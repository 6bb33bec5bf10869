"""What software laid over two pictures is told from what two cameras saw, and what lies beneath it is found."""

import cv2
import numpy as np
import pytest

from tasks.features.packed import Features
from tasks.match.layers import attempt_beneath, verify_beneath
from tasks.match.verify import verify
from tests.tasks.match.pictures import (
    CAPTION,
    SETTINGS,
    SIZE,
    SIZES,
    describe,
    scene,
    seen_from_elsewhere,
    with_caption,
)


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


def strangers_with_a_logo(at: tuple[float, float], noise: float) -> tuple[Features, Features]:
    """Two pictures of 300 keypoints without anything in common but a logo of 14, its descriptors this far off.

    It stands in the middle of the first picture, and there in the second.
    """
    random = np.random.default_rng(0)
    logo = random.uniform(-60, 60, (14, 2)) * (2, 1)
    middle, descriptors = np.array(SIZE) / 2, random.integers(0, 120, (14, 128)).astype(np.float64)
    pictures = []
    for place in (middle, np.array(at)):
        positions = np.vstack([random.uniform(0, 1, (300, 2)) * SIZE, place + logo + random.normal(0, 0.4, (14, 2))])
        shown = np.vstack([random.integers(0, 120, (300, 128)), descriptors + random.normal(0, noise, (14, 128))])
        frames = np.tile([5.0, 0, 0, 5], (len(positions), 1))
        pictures.append(Features(np.float32(np.hstack([positions, frames])), shown.clip(0, 255).astype(np.uint8)))
    return pictures[0], pictures[1]


def test_few_keypoints_that_keep_their_place_in_the_frame_are_a_layer_however_they_differ():
    first, second = strangers_with_a_logo((SIZE[0] / 2, SIZE[1] / 2), noise=20)
    assert verify(first, second, SIZE, SETTINGS, 0)
    made = attempt_beneath(first, second, SIZES, SETTINGS, 0)
    assert made.verification is None
    assert made.lacks == "view"


def test_the_same_in_another_place_is_a_match():
    moved = strangers_with_a_logo((0.4 * SIZE[0], 0.6 * SIZE[1]), noise=20)
    assert attempt_beneath(*moved, SIZES, SETTINGS, 0).verification
