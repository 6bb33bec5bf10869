"""Hashes of pixels: the same for the same pixels, near for near ones."""

import io

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tasks.acquire.decode import decode, open_picture
from tasks.acquire.fingerprint import Fingerprint, fingerprint
from tasks.acquire.orientation import orientation_of


def picture(width: int = 160, height: int = 120, seed: int = 0) -> Image.Image:
    """Synthetic: patches of random colours, smoothed."""
    patches = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return Image.fromarray(patches).resize((width, height), Image.Resampling.BICUBIC)


def encode(image: Image.Image, format_name: str = "PNG", **options: object) -> bytes:
    sink = io.BytesIO()
    image.save(sink, format_name, **options)
    return sink.getvalue()


def prints(content: bytes) -> Fingerprint:
    image = open_picture(content)
    image.load()
    return fingerprint(image, orientation_of(image))


def distance(first: str, second: str) -> int:
    return (int(first, 16) ^ int(second, 16)).bit_count()


def test_however_it_is_kept_a_picture_has_one_hash():
    image = picture()
    kept = [
        encode(image),
        encode(image, compress_level=9),
        encode(image, "BMP"),
        encode(image, "TIFF", compression="tiff_lzw"),
        encode(image, "WEBP", lossless=True),
        encode(image.convert("RGBA")),
        encode(image.convert("RGBX"), "TIFF"),
        encode(image.convert("CMYK"), "TIFF"),
    ]
    assert len({prints(content) for content in kept}) == 1


def test_grey_is_grey_in_one_channel_and_in_three():
    grey = picture().convert("L")
    kept = [encode(grey), encode(grey.convert("RGB")), encode(grey.convert("LA")), encode(grey, "GIF")]
    assert len({prints(content) for content in kept}) == 1


def test_one_pixel_size_and_orientation_count():
    image = picture()
    other = image.copy()
    other.putpixel((159, 119), (1, 2, 3))
    row = Image.fromarray(np.asarray(image).reshape(60, 320, 3))
    exif = Image.Exif()
    exif[0x0112] = 3
    variants = [encode(image), encode(other), encode(row), encode(image, exif=exif)]
    assert len({prints(content).pixel_hash for content in variants}) == 4


def test_pictures_of_many_strips_are_hashed_to_their_last_row():
    tall = picture(700, 1000)
    other = tall.copy()
    other.putpixel((0, 999), (1, 2, 3))
    assert prints(encode(tall)).pixel_hash != prints(encode(other)).pixel_hash


@pytest.mark.parametrize("seed", range(20))
def test_the_perceptual_hash_is_the_one_of_opencv(seed):
    """At its own size, 32×32 grey pixels, where nothing is left to how it is shrunk."""
    grey = np.random.default_rng(seed).integers(0, 256, (32, 32), np.uint8)
    assert prints(encode(Image.fromarray(grey))).phash == cv2.img_hash.pHash(grey).tobytes().hex()


def test_similar_pictures_have_similar_hashes_and_others_do_not():
    image = picture(640, 480)
    own = prints(encode(image)).phash
    worse = prints(encode(image.resize((300, 225)), "JPEG", quality=40)).phash
    others = [prints(encode(picture(640, 480, seed))).phash for seed in range(1, 30)]
    assert distance(own, worse) <= 4
    assert min(distance(own, other) for other in others) > 12


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_perceptual_hash_is_of_the_upright_picture(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encode(picture(), exif=exif)
    assert distance(prints(content).phash, prints(encode(Image.fromarray(decode(content)))).phash) <= 2


@pytest.mark.parametrize("values", [[0, 65535], [1000, 5000]])
def test_deep_pictures_are_hashed_as_they_are_decoded(values):
    ramp = np.linspace(*values, 160 * 1200).astype(np.uint16).reshape(1200, 160)
    content = encode(Image.fromarray(ramp))
    assert prints(content) == prints(encode(Image.fromarray(decode(content))))


@settings(max_examples=30)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 255), st.integers(0, 255))
def test_blank_is_what_has_one_colour(width, height, colour, other):
    pixels = np.full((height, width), colour, np.uint8)
    pixels[-1, -1] = other
    assert prints(encode(Image.fromarray(pixels))).blank == (colour == other or width * height == 1)
