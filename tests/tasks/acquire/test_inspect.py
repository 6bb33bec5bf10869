import hashlib
import io
import struct
import zlib

import cv2
import numpy as np
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from storage.reasons import Reason
from tasks.acquire.decode import EXTENSIONS, decode
from tasks.acquire.inspect import Picture, Rejected, inspect
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


def shades(width: int = 120, height: int = 80) -> Image.Image:
    """A picture in which no two places look the same."""
    patches = np.random.default_rng(5).integers(0, 256, (8, 12, 3), np.uint8)
    return Image.fromarray(patches).resize((width, height), Image.Resampling.BICUBIC)


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


def luma_of(content: bytes) -> bytes:
    """As Pillow decodes it alone."""
    image = Image.open(io.BytesIO(content))
    image.draft("L", None)
    return image.tobytes()


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
        frames=1,
        pixel_hash=xxhash.xxh3_128_hexdigest(b"96 80 1" + luma_of(content)),
        phash="7f1b1813cfc82b27",
        licence=None,
        author=None,
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
        b"RIFF\x10\0\0\0WAVEfmt ",
        b"\0\0\0\x18ftypmp42",
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
    "content",
    [
        b"\xff\xd8\xff\xe0",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"BM",
        b"II*\0",
        b"RIFF\x10\0\0\0WEBPVP8 ",
        b"\0\0\0\x18ftypavif\0\0\0\0",
    ],
)
def test_what_begins_as_an_image_and_goes_no_further_is_broken(content):
    assert reason(content) is Reason.BROKEN_IMAGE
    assert inspect(content, SETTINGS) == inspect(content, SETTINGS)  # no address in memory among the evidence


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
    image = upright().convert(mode) if mode != "LAB" else Image.merge("LAB", upright().split())
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


def test_an_adobe_cmyk_jpeg_is_no_negative():
    content = encode(upright().convert("CMYK"), "JPEG", quality=100, subsampling=0)
    assert b"Adobe" in content
    assert np.abs(decode(content).astype(int) - np.asarray(upright(), int)).max() <= 8


def see_through(alpha: int) -> Image.Image:
    """The picture, its left half of this opacity."""
    image = upright().convert("RGBA")
    mask = Image.new("L", image.size, 255)
    mask.paste(alpha, (0, 0, 60, 80))
    image.putalpha(mask)
    return image


@pytest.mark.parametrize("format_name", ["PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize(("alpha", "left"), [(0, (255, 255, 255)), (128, (255, 127, 127)), (255, (255, 0, 0))])
def test_what_is_transparent_lies_on_white(format_name, alpha, left):
    lossless = {"WEBP": {"lossless": True}, "AVIF": {"quality": 100, "subsampling": "4:4:4"}}.get(format_name, {})
    content = encode(see_through(alpha), format_name, **lossless)
    accepted(content)
    pixels = decode(content).astype(int)
    assert np.abs(pixels[20, 20] - left).max() <= 4
    assert np.abs(pixels[20, 100] - (0, 255, 0)).max() <= 4


@pytest.mark.parametrize(("mode", "clear"), [("P", None), ("L", 76), ("RGB", (255, 0, 0))])
def test_a_colour_that_is_declared_transparent_is_white(mode, clear):
    image = upright().convert(mode)
    content = encode(image, "PNG", transparency=image.getpixel((0, 0)) if clear is None else clear)
    accepted(content)
    pixels = decode(content)
    assert pixels[0, 0].tolist() == [255, 255, 255]
    np.testing.assert_array_equal(pixels[:, 60:], np.asarray(image.convert("RGB"))[:, 60:])


def test_a_palette_with_degrees_of_transparency_lies_on_white():
    image = upright().convert("P")
    red = image.getpixel((0, 0))
    content = encode(image, "PNG", transparency=bytes([255] * red + [0]))
    assert decode(content)[0, 0].tolist() == [255, 255, 255]
    assert decode(content)[0, 100].tolist() == [0, 255, 0]


def test_the_transparent_colour_of_a_gif_is_white():
    image = upright().convert("P")
    content = encode(image, "GIF", transparency=image.getpixel((0, 0)))
    assert decode(content)[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize("format_name", ["PNG", "TIFF"])
def test_sixteen_bits_are_stretched_over_eight(format_name):
    ramp = np.linspace(1000, 5000, 120).astype(np.uint16)
    content = encode(Image.fromarray(np.tile(ramp, (80, 1))), format_name)
    assert accepted(content).mode.startswith("I;16")
    pixels = decode(content)
    assert pixels.shape == (80, 120, 3)
    np.testing.assert_allclose(pixels[0, :, 0], np.linspace(0, 255, 120), atol=1.5)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_of_sixteen_bits_of_colour_the_higher_eight_are_read(suffix):
    deep = np.random.default_rng(1).integers(0, 65_536, (80, 120, 3), np.uint16)
    written, content = cv2.imencode(suffix, deep[..., ::-1])
    assert written
    accepted(content.tobytes())
    np.testing.assert_array_equal(decode(content.tobytes()), (deep >> 8).astype(np.uint8))


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


@pytest.mark.parametrize("format_name", ["GIF", "WEBP", "PNG", "TIFF", "AVIF", "MPO"])
def test_of_an_animation_the_first_frame_counts_and_all_are_noted(format_name):
    frames = [upright(), upright().rotate(180), upright().transpose(Image.Transpose.FLIP_TOP_BOTTOM)]
    content = encode(frames[0], format_name, save_all=True, append_images=frames[1:])
    found = accepted(content)
    assert (found.format, found.width, found.height, found.frames) == (format_name, 120, 80, 3)
    assert np.abs(decode(content)[20, 20].astype(int) - (255, 0, 0)).max() <= 8


def test_a_frame_that_is_broken_after_the_first_costs_nothing():
    frames = [upright(), upright().rotate(180)]
    content = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert accepted(content[:-200]).frames in (1, 2)


def test_frames_beyond_what_a_column_holds_are_as_many_as_it_holds():
    content = encode(upright(), "PNG", save_all=True, append_images=[upright().rotate(180)])
    position = content.index(b"acTL")
    control = b"acTL" + struct.pack(">II", 2**31, 0)
    many = content[:position] + control + struct.pack(">I", zlib.crc32(control)) + content[position + 16 :]
    assert accepted(many).frames == 2**31 - 1


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_a_file_cut_short_is_broken(picture, format_name, share):
    content = picture(200, 160, format_name)
    assert reason(content[: int(len(content) * share)]) in (Reason.TRUNCATED_IMAGE, Reason.BROKEN_IMAGE)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}], ids=str)
@pytest.mark.parametrize("cut", [1, 2, 3, 200])
def test_a_jpeg_without_its_end_is_truncated(picture, options, cut):
    content = picture(200, 160, **options)
    accepted(content)
    assert reason(content[:-cut]) is Reason.TRUNCATED_IMAGE


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"restart_marker_rows": 1}, {"subsampling": 0}], ids=str)
def test_an_end_marker_does_not_make_up_for_missing_rows(mode, options):
    """A decoder fills them with grey, and says nothing."""
    content = encode(shades().convert(mode), "JPEG", **options)
    accepted(content)
    cut = content[: len(content) // 2].rstrip(b"\xff") + b"\xff\xd9"
    Image.open(io.BytesIO(cut)).load()
    assert reason(cut) is Reason.TRUNCATED_IMAGE
    assert reason(cut + content) is Reason.TRUNCATED_IMAGE


def test_an_end_marker_does_not_make_up_for_missing_scans():
    content = encode(shades(), "JPEG", progressive=True)
    scans = [position for position in range(len(content)) if content[position : position + 2] == b"\xff\xda"]
    assert len(scans) > 5
    for scan in scans[1:]:
        for cut in (content[:scan] + b"\xff\xd9", content[: scan - 40] + b"\xff\xd9"):
            assert reason(cut) is Reason.TRUNCATED_IMAGE


def test_a_thumbnail_does_not_end_a_jpeg(picture):
    thumbnail = picture(16, 16)
    exif = b"Exif\0\0II*\0\x08\0\0\0" + bytes(6) + thumbnail
    content = picture(200, 160, exif=exif)
    assert content.index(b"\xff\xd9") < len(exif) + 100
    assert accepted(content).width == 200
    assert reason(content[:-2]) is Reason.TRUNCATED_IMAGE


@pytest.mark.parametrize("garbage", [b"<html>", bytes(5000), b"\xff\xd9", b"\xff\xd8\xff\xd9", b"\xff"])
def test_what_follows_a_jpeg_does_no_harm(picture, garbage):
    clean = accepted(picture())
    assert accepted(picture() + garbage).pixel_hash == clean.pixel_hash


@pytest.mark.parametrize("size", [(12_000, 10_000), (30_000, 30_000), (2**31 - 1, 1), (65_500, 65_500)])
def test_a_pixel_bomb_is_refused_by_its_header(size):
    assert reason(png_header(*size)) is Reason.TOO_MANY_PIXELS


def with_size(content: bytes, position: int, form: str, *size: int) -> bytes:
    """The same file, announcing another size."""
    packed = struct.pack(form, *size)
    return content[:position] + packed + content[position + len(packed) :]


def tiff_of(tags: dict[int, int]) -> bytes:
    """A TIFF of these tags, LONGs, and no more."""
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4)


def test_bombs_of_every_format_are_refused_by_their_headers():
    webp, gif, bmp = (encode(upright(), name) for name in ("WEBP", "GIF", "BMP"))
    descriptor = gif.index(b",", 13 + 3 * 2 ** ((gif[10] & 7) + 1))
    tiff = {256: 20_000, 257: 20_000, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 20_000, 279: 100}
    jpeg = encode(upright(), "JPEG")
    canvas = b"VP8X" + struct.pack("<IB3x", 10, 0) + (16_382).to_bytes(3, "little") * 2
    bombs = {
        "JPEG": with_size(jpeg, jpeg.index(b"\xff\xc0") + 5, ">HH", 65_000, 65_000),
        "WEBP": with_size(webp, 26, "<HH", 16_383, 16_383),
        "canvas of a WEBP": webp[:12] + canvas + webp[12:],
        "GIF": with_size(gif, 6, "<HH", 60_000, 60_000),
        "first frame of a GIF": with_size(gif, descriptor + 5, "<HH", 60_000, 60_000),
        "BMP": with_size(bmp, 18, "<ii", 60_000, 60_000),
        "TIFF": tiff_of(tiff),
        "tiles of a TIFF": tiff_of(tiff | {256: 100, 257: 100, 322: 60_000, 323: 60_000}),
    }
    assert {name: reason(content) for name, content in bombs.items()} == dict.fromkeys(bombs, Reason.TOO_MANY_PIXELS)
    lossless = encode(upright(), "WEBP", lossless=True)
    assert reason(with_size(lossless, 21, "<I", 16_382 | 16_382 << 14)) is Reason.TOO_MANY_PIXELS


def test_the_limit_of_pixels_is_the_one_that_was_set(picture):
    content = picture(100, 90)
    assert accepted(content, AcquireSettings(max_pixels=9000)).width == 100
    assert reason(content, AcquireSettings(max_pixels=8999)) is Reason.TOO_MANY_PIXELS


def test_the_limit_of_pixels_can_be_raised():
    # what then is wrong with this file is that its data are missing
    assert reason(png_header(20_000, 10_000), AcquireSettings(max_pixels=10**9)) is Reason.TRUNCATED_IMAGE


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
    *(encode(upright(), name) for name in ("PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF")),
    *(
        encode(shades(), name, save_all=True, append_images=[upright()])
        for name in ("MPO", "PNG", "WEBP", "GIF", "TIFF")
    ),
    encode(see_through(99), "PNG"),
    encode(shades().convert("CMYK"), "JPEG"),
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
    for position, value in changes:
        content[position % len(content)] = value
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


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (1, 2, 3)])
def test_a_picture_of_one_colour_shows_nothing(format_name, colour):
    found = inspect(encode(Image.new("RGB", (300, 500), colour), format_name), SETTINGS)
    assert found == Rejected(Reason.BLANK_IMAGE, "300×500 pixels of one colour")


def test_colours_of_one_luma_are_something():
    hues = Image.fromarray(np.tile(np.arange(90, 190, dtype=np.uint8), (80, 1)))
    grey = Image.new("L", hues.size, 128)
    accepted(encode(Image.merge("YCbCr", [grey, hues, grey]), "JPEG", quality=95))
    assert reason(encode(Image.merge("YCbCr", [grey, grey, grey]), "JPEG", quality=95)) is Reason.BLANK_IMAGE


def test_a_jpeg_has_one_pixel_hash_however_it_is_coded(picture):
    """Its coefficients are the same each time; the first is decoded by another way than the others."""
    with Image.open(io.BytesIO(picture())) as image:
        image.load()
    coded = [{}, {"progressive": True}, {"optimize": True}, {"restart_marker_rows": 1}]
    kept = [encode(image, "JPEG", quality=80, **options) for options in coded]
    kept += [encode(image, "MPO", quality=80, save_all=True, append_images=[upright()]), kept[0] + b"more"]
    assert len({accepted(content).sha256 for content in kept}) == len(kept)
    assert len({accepted(content).pixel_hash for content in kept}) == 1
    assert len({accepted(content).phash for content in kept}) == 1


def test_a_grey_jpeg_is_hashed_as_the_same_in_colours():
    grey = shades().convert("L")
    kept = [accepted(encode(image, "JPEG", quality=90)) for image in (grey, grey.convert("RGB"))]
    assert [found.mode for found in kept] == ["L", "RGB"]
    assert len({(found.pixel_hash, found.phash) for found in kept}) == 1


def test_one_other_pixel_is_something():
    image = Image.new("RGB", (300, 500), (9, 9, 9))
    image.putpixel((299, 499), (9, 9, 10))
    accepted(encode(image, "PNG"))


def test_what_is_wholly_transparent_shows_nothing():
    image = shades()
    image.putalpha(0)
    assert reason(encode(image, "PNG")) is Reason.BLANK_IMAGE


def test_a_picture_of_one_pixel_column_after_shrinking_has_no_keypoints():
    file = io.BytesIO()
    Image.fromarray(np.repeat([[100, 150]], 32, axis=1).astype(np.uint8).repeat(140_000, axis=0)).save(file, "PNG")
    assert isinstance(inspect(file.getvalue(), AcquireSettings()), Picture)
    keypoints, descriptors = detect(decode(file.getvalue()), FeatureSettings())
    assert (len(keypoints), len(descriptors)) == (0, 0)
