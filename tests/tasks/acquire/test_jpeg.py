"""The quick way to decode a JPEG: the same luma, and None wherever the slower way has something to say."""

import io

import numpy as np
import pytest
from PIL import Image

from tasks.acquire.decode import open_picture
from tasks.acquire.jpeg import plain_luma


def photograph(mode: str = "RGB") -> Image.Image:
    """Synthetic: patches of random colours, smoothed; its sides are no multiples of a block."""
    patches = np.random.default_rng(0).integers(0, 256, (7, 9, 3), np.uint8)
    return Image.fromarray(patches).resize((301, 203), Image.Resampling.BICUBIC).convert(mode)


def encode(image: Image.Image, format_name: str = "JPEG", **options: object) -> bytes:
    sink = io.BytesIO()
    image.save(sink, format_name, **options)
    return sink.getvalue()


def luma(content: bytes) -> np.ndarray | None:
    return plain_luma(content, open_picture(content))


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


def test_real_photographs_have_the_luma_of_pillow(shared_data):
    seen = 0
    for file in sorted((shared_data / "landmarks").glob("*/*.jpg"))[::40]:
        content = file.read_bytes()
        found = luma(content)
        assert found is None or np.array_equal(found, luma_of_pillow(content))
        seen += found is not None
    assert seen > 10


@pytest.mark.parametrize(
    "content",
    [
        encode(photograph("L")),
        encode(photograph("CMYK")),
        encode(photograph(), progressive=True),
        encode(photograph(), "PNG"),
        encode(photograph())[:-2],
        encode(photograph())[:-200] + b"\xff\xd9",
    ],
    ids=["grey", "cmyk", "progressive", "png", "without its end marker", "cut"],
)
def test_all_else_is_left_to_the_slower_way(content):
    assert luma(content) is None
