import hashlib
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from storage.reasons import Reason
from tasks.acquire.inspect import EXTENSIONS, Picture, Rejected, decode, inspect
from tasks.acquire.settings import AcquireSettings
from tasks.features.detect import detect
from tasks.features.settings import FeatureSettings

SETTINGS = AcquireSettings()
UNDO = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""What turns an upright picture into the one that a camera stores with this EXIF orientation."""


def upright() -> Image.Image:
    corners = np.zeros((80, 120, 3), np.uint8)
    corners[:40, :60], corners[:40, 60:], corners[40:, :60] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    return Image.fromarray(corners)


def encode(image: Image.Image, format_name: str, **options: object) -> bytes:
    sink = io.BytesIO()
    image.save(sink, format_name, **options)
    return sink.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A whole PNG file in form, whose header promises a picture that its data do not hold."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def accepted(content: bytes, settings: AcquireSettings = SETTINGS) -> Picture:
    found = inspect(content, settings)
    assert isinstance(found, Picture), found
    return found


def reason(content: bytes, settings: AcquireSettings = SETTINGS) -> Reason:
    found = inspect(content, settings)
    assert isinstance(found, Rejected), found
    return found.reason


def test_the_facts_of_a_photograph(picture):
    content = picture(96, 80)
    assert accepted(content) == Picture(
        sha256=hashlib.sha256(content).hexdigest(),
        md5=hashlib.md5(content).hexdigest(),
        bytes=len(content),
        width=96,
        height=80,
        format="JPEG",
        mode="RGB",
        orientation=1,
    )


@pytest.mark.parametrize("format_name", EXTENSIONS)
def test_every_accepted_format_is_read(format_name):
    options = {"save_all": True, "append_images": [upright()]} if format_name == "MPO" else {}
    content = encode(upright(), format_name, **options)
    found = accepted(content)
    assert (found.format, found.width, found.height) == (format_name, 120, 80)
    assert decode(content).shape == (80, 120, 3)


@pytest.mark.parametrize("format_name", ["PPM", "ICO", "PDF", "EPS", "TGA", "PCX", "DDS"])
def test_other_formats_are_refused(format_name):
    assert reason(encode(upright(), format_name)) is Reason.NOT_AN_IMAGE


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"<!doctype html><img src=a.jpg>",
        b"\xff\xd8",
        b"\xff\xd8\xff\xe0",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"%PDF-1.7",
        bytes(4096),
    ],
)
def test_what_is_no_image_is_refused_with_its_first_bytes(content):
    found = inspect(content, SETTINGS)
    assert isinstance(found, Rejected)
    assert found.reason is Reason.NOT_AN_IMAGE
    assert repr(content[:16]) in found.detail


@pytest.mark.parametrize(
    ("mode", "format_name"),
    [
        ("L", "JPEG"),
        ("CMYK", "JPEG"),
        ("YCbCr", "JPEG"),
        ("P", "PNG"),
        ("1", "PNG"),
        ("RGBA", "PNG"),
        ("LA", "PNG"),
        ("P", "GIF"),
        ("RGBA", "WEBP"),
        ("CMYK", "TIFF"),
        ("LAB", "TIFF"),
    ],
)
def test_every_pixel_mode_becomes_rgb(mode, format_name):
    image = upright().convert(mode) if mode != "LAB" else Image.new("LAB", (120, 80), (128, 0, 0))
    content = encode(image, format_name)
    accepted(content)
    pixels = decode(content)
    assert pixels.dtype == np.uint8
    assert pixels.shape == (80, 120, 3)


@pytest.mark.parametrize("mode", ["CMYK", "P", "RGBA"])
def test_colours_survive_the_mode(mode):
    content = encode(upright().convert(mode), "TIFF" if mode == "CMYK" else "PNG")
    difference = np.abs(decode(content).astype(int) - np.asarray(upright(), int))
    assert difference.max() <= 8


def test_a_palette_with_transparency_is_read_like_any_other():
    image = upright().convert("P")
    content = encode(image, "PNG", transparency=bytes([0, 128, 255]))
    accepted(content)
    np.testing.assert_array_equal(decode(content), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("format_name", ["PNG", "TIFF"])
def test_sixteen_bits_are_stretched_over_eight(format_name):
    ramp = np.linspace(1000, 5000, 120).astype(np.uint16)
    content = encode(Image.fromarray(np.tile(ramp, (80, 1))), format_name)
    assert accepted(content).mode.startswith("I;16")
    pixels = decode(content)
    assert pixels.shape == (80, 120, 3)
    np.testing.assert_allclose(pixels[0, :, 0], np.linspace(0, 255, 120), atol=1.5)


@pytest.mark.parametrize("value", [0, 7, 65535])
def test_sixteen_bits_of_one_value_do_not_divide_by_nothing(value):
    assert len(np.unique(decode(encode(Image.fromarray(np.full((80, 90), value, np.uint16)), "PNG")))) == 1


@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", UNDO)
def test_exif_orientation_is_undone(format_name, orientation):
    undo = UNDO[orientation]
    stored = upright() if undo is None else upright().transpose(undo)
    exif = Image.Exif()
    exif[0x0112] = orientation
    lossless = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}.get(format_name, {})
    content = encode(stored, format_name, exif=exif, **lossless)
    found = accepted(content)
    assert (found.width, found.height) == (120, 80)
    if format_name != "TIFF":  # whose decoder turns the picture itself
        assert found.orientation == orientation
    assert np.abs(decode(content).astype(int) - np.asarray(upright(), int)).max() <= 8


@pytest.mark.parametrize("orientation", [0, 9, 255])
def test_nonsense_in_the_orientation_is_none(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encode(upright(), "JPEG", exif=exif)
    assert accepted(content).orientation == 1
    assert decode(content).shape == (80, 120, 3)


def test_of_an_animation_the_first_frame_counts():
    frames = [Image.new("RGB", (90, 70), colour) for colour in ((200, 10, 10), (10, 200, 10), (10, 10, 200))]
    for format_name in ("GIF", "WEBP", "PNG"):
        content = encode(frames[0], format_name, save_all=True, append_images=frames[1:])
        assert accepted(content).width == 90
        assert np.abs(decode(content)[0, 0].astype(int) - (200, 10, 10)).max() <= 8


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_file_cut_short_is_broken(picture, format_name, share):
    content = picture(200, 160, format_name)
    assert reason(content[: int(len(content) * share)]) in (Reason.BROKEN_IMAGE, Reason.NOT_AN_IMAGE)


def test_a_jpeg_cut_short_after_its_header_is_broken(picture):
    assert reason(picture(200, 160)[:-200]) is Reason.BROKEN_IMAGE


def test_html_appended_to_a_photograph_does_no_harm(picture):
    assert accepted(picture() + b"<html>").width == 96


@pytest.mark.parametrize("size", [(12_000, 10_000), (30_000, 30_000), (2**31 - 1, 1), (65_500, 65_500)])
def test_a_pixel_bomb_is_refused_by_its_header(size):
    assert reason(png_header(*size)) is Reason.TOO_MANY_PIXELS


def test_the_limit_of_pixels_is_the_one_that_was_set(picture):
    content = picture(100, 90)
    assert accepted(content, AcquireSettings(max_pixels=9000)).width == 100
    assert reason(content, AcquireSettings(max_pixels=8999)) is Reason.TOO_MANY_PIXELS


def test_the_limit_of_pixels_can_be_raised():
    # what then is wrong with this file is that its data are missing
    assert reason(png_header(20_000, 10_000), AcquireSettings(max_pixels=10**9)) is Reason.BROKEN_IMAGE


@pytest.mark.parametrize(("size", "small"), [((64, 64), False), ((63, 500), True), ((500, 63), True), ((1, 1), True)])
def test_the_shorter_side_decides_what_is_small(picture, size, small):
    found = inspect(picture(*size), SETTINGS)
    assert isinstance(found, Rejected) == small
    if isinstance(found, Rejected):
        assert found.reason is Reason.TOO_SMALL
        assert f"{size[0]}×{size[1]}" in found.detail


ORIGINALS = [
    encode(upright(), "JPEG", exif=Image.Exif(), comment=b"c"),
    encode(
        upright().transpose(Image.Transpose.ROTATE_90),
        "JPEG",
        exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0",
    ),
    *(encode(upright(), name) for name in ("PNG", "WEBP", "GIF", "TIFF", "BMP")),
    encode(upright().convert("P"), "PNG"),
    encode(upright(), "JPEG", progressive=True),
]


@given(
    original=st.sampled_from(ORIGINALS),
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=6),
    cut=st.none() | st.integers(0, 4000),
)
@pytest.mark.filterwarnings("ignore")  # decoders complain of damage as they like
def test_whatever_the_bytes_inspect_never_raises_and_decode_reads_what_it_accepts(original, changes, cut):
    content = bytearray(original)
    for place, value in changes:
        content[place % len(content)] = value
    damaged = bytes(content[:cut])
    found = inspect(damaged, SETTINGS)
    if isinstance(found, Picture):
        assert decode(damaged).shape == (found.height, found.width, 3)
        assert found.format in EXTENSIONS


@pytest.mark.filterwarnings("ignore:(Corrupt EXIF data|Truncated File Read)")
@pytest.mark.parametrize(
    "entry",
    [struct.pack("<HHII", 0x0100, 9, 1, 0xFFFFFFFF), struct.pack("<HHII", 0x010F, 12, 1, 2**31)],
    ids=["width", "maker"],
)
def test_a_malformed_tag_beside_the_orientation_costs_nothing(entry):
    upright = Image.fromarray(np.random.default_rng(3).integers(0, 255, (80, 120, 3), np.uint8))
    tags = struct.pack("<HHII", 0x0112, 3, 1, 6) + entry
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + tags + bytes(4)
    file = io.BytesIO()
    upright.save(file, "JPEG", exif=exif)
    found = inspect(file.getvalue(), AcquireSettings())
    assert isinstance(found, Picture)
    assert decode(file.getvalue()).shape == (found.height, found.width, 3)


def test_a_picture_of_one_pixel_column_after_shrinking_has_no_keypoints():
    file = io.BytesIO()
    Image.new("L", (64, 140_000), 128).save(file, "PNG")
    assert isinstance(inspect(file.getvalue(), AcquireSettings()), Picture)
    keypoints, descriptors = detect(decode(file.getvalue()), FeatureSettings())
    assert (len(keypoints), len(descriptors)) == (0, 0)
