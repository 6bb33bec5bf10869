import io

import numpy as np
import pytest
from PIL import Image

from tasks.pages.pictures import thumbnail
from tasks.publish.illustrate import contact_sheet, draw_match


def pixels(content):
    image = Image.open(io.BytesIO(content))
    assert image.format == "JPEG"
    return np.asarray(image.convert("RGB")).astype(int)


def test_a_thumbnail_is_upright_and_at_most_256_pixels(picture):
    # Orientation 6: the camera was turned, and the corner that is stored top left is shown top right.
    small = pixels(thumbnail(picture(1000, 500, orientation=6)))
    assert small.shape == (256, 128, 3)
    assert small[5, -5].min() > 200
    assert small[5, 5].max() < 90


def test_a_thumbnail_is_never_enlarged(picture):
    assert pixels(thumbnail(picture(40, 30))).shape == (30, 40, 3)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK", "I;16"])
def test_every_mode_becomes_a_thumbnail_of_its_brightness(mode):
    if mode == "I;16":
        image = Image.fromarray(np.linspace(0, 65535, 400, dtype=np.uint16)[None].repeat(300, axis=0))
    else:
        image = Image.new("RGB", (400, 300), (128, 128, 128)).convert(mode)
    sink = io.BytesIO()
    image.save(sink, "TIFF")
    assert abs(pixels(thumbnail(sink.getvalue())).mean() - 128) < 4


def test_a_match_joins_the_points_where_they_are_drawn(picture):
    # 960 pixels shrink to 480; the right picture starts after the left one and a gap of 8 pixels.
    points = np.array([[200, 100, 600, 300]], np.float32)
    drawn = pixels(draw_match(picture(960, 480), picture(960, 480), points))
    plain = pixels(draw_match(picture(960, 480), picture(960, 480), points[:0]))
    assert drawn.shape == (240, 480 + 8 + 480, 3)
    changed = np.abs(drawn - plain).max(axis=2) > 60
    y, x = np.nonzero(changed)
    assert changed[46:55, 96:105].any()
    assert changed[146:155, 784:793].any()
    assert (x.min(), y.min(), x.max(), y.max()) == pytest.approx((100, 50, 788, 150), abs=8)


def test_pictures_of_different_height_are_centred(picture):
    drawn = pixels(draw_match(picture(480, 240), picture(240, 480), np.empty((0, 4), np.float32)))
    assert drawn.shape == (480, 480 + 8 + 240, 3)
    assert 140 < drawn[60, 240].min() < 160  # paper above the flat picture
    assert drawn[200, 240].max() < 90


def test_many_points_are_thinned_and_drawn_the_same_each_time(picture):
    points = np.random.default_rng(0).uniform(0, 480, (5000, 4)).astype(np.float32)
    first, second = (draw_match(picture(480, 480), picture(480, 480), points) for _ in range(2))
    assert first == second
    # Sixty lines leave most of the picture free.
    assert (pixels(first).max(axis=2) < 90).mean() > 0.4


def test_a_contact_sheet_frames_what_was_kept_and_dropped(picture):
    small = thumbnail(picture(300, 300))
    sheet = pixels(contact_sheet([small] * 25, [small] * 3))
    assert sheet.shape == (3 * 96, 10 * 96, 3)
    frames = [sheet[row * 96 + 48, 2] for row in range(3)]
    assert frames[0][1] > frames[0][0]
    assert frames[1][1] > frames[1][0]
    assert frames[2][0] > frames[2][1]
    assert sheet[2 * 96 + 48, 3 * 96 + 48].min() > 230  # nothing beyond the third dropped one


def test_a_contact_sheet_of_nothing_is_a_blank_tile():
    assert pixels(contact_sheet([], [])).shape == (96, 96, 3)
