"""Reading JPEGs: Pillow's luma where the pixels are whole, whatever else is wrong, and why where they are not."""

import io

import numpy as np
import pytest
import simplejpeg
from PIL import Image

from storage.reasons import Reason
from tasks.acquire.decode import open_picture
from tasks.acquire.jpeg import DamagedError, UnusualError, read_jpeg


def photograph(mode: str = "RGB") -> Image.Image:
    """Synthetic: patches of random colours, smoothed; its sides are no multiples of a block."""
    patches = np.random.default_rng(0).integers(0, 256, (7, 9, 3), np.uint8)
    return Image.fromarray(patches).resize((301, 203), Image.Resampling.BICUBIC).convert(mode)


def encode(image: Image.Image, format_name: str = "JPEG", **options: object) -> bytes:
    sink = io.BytesIO()
    image.save(sink, format_name, **options)
    return sink.getvalue()


def luma(content: bytes) -> np.ndarray:
    return read_jpeg(content, "GRAY")[:, :, 0]


def reason(content: bytes) -> Reason:
    with pytest.raises(DamagedError) as caught:
        read_jpeg(content, "GRAY")
    return caught.value.reason


def luma_of_pillow(content: bytes) -> np.ndarray:
    """By its own way through the same library."""
    image = open_picture(content)
    image.draft("L", None)
    return np.asarray(image)


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("quality", [30, 75, 95])
def test_the_luma_is_that_of_pillow(subsampling, quality):
    content = encode(photograph(), subsampling=subsampling, quality=quality)
    assert np.array_equal(luma(content), luma_of_pillow(content))


def test_the_luma_of_a_jpeg_that_keeps_rgb_is_that_of_pillow():
    content = encode(photograph(), keep_rgb=True)
    assert np.array_equal(luma(content), luma_of_pillow(content))


def test_restart_markers_and_what_comes_after_the_end_change_nothing():
    content = encode(photograph(), restart_marker_rows=1)
    assert np.array_equal(luma(content + b"more"), luma_of_pillow(content))


@pytest.mark.parametrize("options", [{"progressive": True}, {"optimize": True}], ids=str)
def test_the_luma_is_that_of_pillow_however_it_is_coded(options):
    for mode in ("RGB", "L"):
        content = encode(photograph(mode), **options)
        assert np.array_equal(luma(content), luma_of_pillow(content))


@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=str)
def test_the_inks_are_those_of_pillow_the_other_way_round(options):
    content = encode(photograph("CMYK"), **options)
    assert np.array_equal(255 - read_jpeg(content, "CMYK"), np.asarray(open_picture(content)))


def test_real_photographs_have_the_luma_of_pillow(shared_data):
    files = sorted((shared_data / "landmarks").glob("*/*.jpg"))[::40]
    assert len(files) > 10
    for file in files:
        assert np.array_equal(luma(file.read_bytes()), luma_of_pillow(file.read_bytes()))


PLAIN = encode(photograph())
SCAN = PLAIN.index(b"\xff\xda") + 14
MIDDLE = (SCAN + len(PLAIN)) // 2


def before_end(filling: bytes) -> bytes:
    return PLAIN[:-2] + filling + PLAIN[-2:]


@pytest.mark.parametrize("filling", [bytes(40), b"\xff" * 40, b"\x55" * 9, b"\0", bytes(5000)], ids=len)
def test_filling_before_the_end_marker_is_no_damage(filling):
    assert np.array_equal(luma(before_end(filling)), luma(PLAIN))


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.replace(b"JFIF\0\1", b"JFIF\0\2"),
        PLAIN[:2] + b"abc" + PLAIN[2:],
        PLAIN[: SCAN - 3] + bytes(3) + PLAIN[SCAN:],
        PLAIN[:2] + b"\xff\xee\0\x0eAdobe\0d\0\0\0\0\7" + PLAIN[20:],
    ],
    ids=["JFIF 2", "bytes between segments", "a scan of no coefficients", "an unknown transform"],
)
def test_what_decoders_complain_of_and_pass_over_is_no_damage(content):
    with pytest.raises(ValueError, match=r"JFIF|extraneous|Invalid SOS|transform"):
        simplejpeg.decode_jpeg(content, "GRAY", strict=True)
    assert np.array_equal(luma(content), luma(PLAIN))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}, {"quality": 95}], ids=str)
@pytest.mark.parametrize("damage", [bytes(64), b"\xff" * 64, b""], ids=len)
def test_a_garbled_middle_is_damage_behind_any_side_data(options, damage):
    content = encode(photograph(), **options)
    middle = len(content) // 2
    broken = content[:middle] + damage + content[middle + (len(damage) or 200) :]
    odd = broken.replace(b"JFIF\0\1", b"JFIF\0\2")
    assert {reason(broken), reason(odd)} <= {Reason.BROKEN_IMAGE, Reason.TRUNCATED_IMAGE}


def test_coded_data_left_over_are_no_filling():
    """Some of the middle is gone, more is there than the rows need: the picture is shifted from there on."""
    assert reason(PLAIN[:MIDDLE] + PLAIN[MIDDLE - 300 :]) is Reason.BROKEN_IMAGE


@pytest.mark.parametrize(
    "content",
    [PLAIN[:-2], PLAIN[:-200] + b"\xff\xd9", encode(photograph(), progressive=True)[:-2], PLAIN[:MIDDLE] + PLAIN],
    ids=["without its end marker", "cut", "progressive without its end marker", "another one after a half"],
)
def test_what_is_cut_is_truncated(content):
    assert reason(content) in (Reason.TRUNCATED_IMAGE, Reason.BROKEN_IMAGE)


def test_ways_to_sample_colour_that_simplejpeg_lacks_are_told():
    frame = PLAIN.index(b"\xff\xc0")
    with pytest.raises(UnusualError):
        luma(PLAIN[: frame + 11] + b"\x42" + PLAIN[frame + 12 :])
