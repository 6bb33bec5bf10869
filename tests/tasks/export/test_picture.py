import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tasks.export.layout import Box, photographs
from tasks.export.picture import render


@pytest.fixture
def one(kept_row):
    """The photograph of one row."""

    def make(crop=False, **cells):
        (photograph,) = photographs(pd.DataFrame([kept_row(**cells)]), crop=crop)
        return photograph

    return make


def encoded(image, kind, **options):
    sink = io.BytesIO()
    image.save(sink, kind, **options)
    return sink.getvalue()


def test_a_plain_picture_is_exported_as_it_is_stored(one):
    photograph = one()
    assert photograph.as_stored
    assert (photograph.file, photograph.width, photograph.height) == ("c/a.jpg", 40, 30)
    assert photograph.box == pytest.approx((3.2, 4.0, 20.5, 30.0))
    assert render(photograph, b"whatever it is") == b"whatever it is"


@pytest.mark.parametrize("cells", [{"orientation": 6}, {"format": "GIF", "mode": "P"}, {"mode": "CMYK"}, {"mode": "I"}])
def test_what_loaders_see_otherwise_is_written_anew(one, cells):
    assert not one(**cells).as_stored


def test_a_picture_that_lies_on_its_side_is_exported_upright(one):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    lying = Image.new("RGB", (30, 40), "white")
    lying.paste("red", (0, 0, 15, 40))  # the left of the file is the top of the picture
    shown = Image.open(io.BytesIO(render(one(orientation=6), encoded(lying, "JPEG", exif=exif, quality=95))))
    assert shown.size == (40, 30)
    assert not shown.getexif()
    pixels = np.asarray(shown, int)
    assert abs(pixels[5, 20] - (255, 0, 0)).max() < 20
    assert abs(pixels[25, 20] - 255).max() < 20


def test_a_crop_has_every_pixel_that_the_box_touches(one):
    photograph = one(crop=True, path="images/ab/ab.png", format="PNG")
    assert photograph.crop == (3, 4, 21, 30)
    assert photograph.box == (0, 0, 18, 26)
    assert photograph.file == "c/a.jpg"
    random = np.random.default_rng(0).integers(0, 256, (3, 4, 3), np.uint8)
    picture = Image.fromarray(random).resize((40, 30), Image.Resampling.NEAREST)
    shown = Image.open(io.BytesIO(render(photograph, encoded(picture, "PNG"))))
    assert shown.size == (photograph.width, photograph.height)
    difference = np.asarray(shown, int) - np.asarray(picture.crop((3, 4, 21, 30)), int)
    assert np.abs(difference).mean() < 5


def test_a_box_ends_with_the_picture():
    assert Box(-0.1, 2.5, 40.2, 30.0).pixels(40, 30) == (0, 2, 40, 30)
