"""What software laid over two pictures is told from what two cameras saw, and what lies beneath it is found."""

import cv2
import pytest

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
