"""Pictures come at the size that was asked for, upright, and cropped where the box is in the stored image."""

import io

import numpy as np
import pytest
from PIL import Image

from storage.errors import InputError
from tasks.describe.pictures import LEAST_SIDE, Picture


def shown(content, side, box=None):
    return Picture(content, side).at(side, box)[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize(("width", "height"), [(120, 90), (900, 500), (64, 200)])
@pytest.mark.parametrize("side", [96, 300])
def test_the_longest_side_is_what_was_asked_for(picture, width, height, side):
    found = shown(picture(width, height), side)
    assert max(found.shape[:2]) == side
    assert abs(found.shape[1] / found.shape[0] - width / height) < 0.05 * width / height
    assert found.dtype == np.uint8


def test_a_very_long_picture_is_widened_to_what_networks_need(picture):
    assert shown(picture(900, 20), 96).shape == (LEAST_SIDE, 96, 3)


def test_it_is_upright_by_exif():
    pixels = np.zeros((60, 100, 3), np.uint8)
    pixels[:, 50:] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # the stored right is the shown bottom
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", exif=exif)
    found = shown(file.getvalue(), 100)
    assert found.shape == (100, 60, 3)
    assert found[:40].max() < 60
    assert found[60:].min() > 200


@pytest.mark.parametrize("size", [(200, 100), (2000, 1000)])  # the larger is read at a part of its size
def test_a_box_in_pixels_of_the_stored_image_is_scaled_and_cropped(size):
    width, height = size
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[height // 4 : height * 3 // 4, width // 2 :] = 255
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    found = shown(file.getvalue(), 160, (width / 2, height / 4, width, height * 3 / 4))
    assert found.shape == (40, 80, 3)
    assert found[2:-2, 2:-2].min() > 250


def test_a_box_may_reach_out_of_the_image(picture):
    whole = shown(picture(), 96)
    assert np.array_equal(shown(picture(), 96, (-50.0, -50.0, 500.0, 500.0)), whole)


@pytest.mark.parametrize("box", [(0.0, 0.0, 20.0, 90.0), (300.0, 300.0, 400.0, 400.0), (50.0, 80.0, 40.0, 10.0)])
def test_a_box_without_enough_pixels_is_refused(picture, box):
    with pytest.raises(InputError, match=r"box .* pixels when the longest side is 96, and 32 a side are needed"):
        shown(picture(), 96, box)
