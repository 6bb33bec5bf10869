import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tasks.acquire.decode import decode
from tasks.acquire.reduced import read_reduced


def shades(width: int, height: int) -> np.ndarray:
    """Red grows from left to right, green from above to below; uint8 (height, width, 3)."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // width, y * 255 // height, np.full_like(x, 90)], axis=2).astype(np.uint8)


def encode(image: Image.Image, form: str, orientation: int = 1, **options: object) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    sink = io.BytesIO()
    image.save(sink, form, **({"exif": exif} if orientation > 1 else {}), **options)
    return sink.getvalue()


def means(pixels: np.ndarray, factor: int) -> np.ndarray:
    """Over squares, those at the right and lower edge cut."""
    height, width = (side // factor for side in pixels.shape[:2])
    whole = pixels[: height * factor, : width * factor].astype(float)
    return whole.reshape(height, factor, width, factor, 3).mean(axis=(1, 3))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(("least", "factor"), [(50, 8), (100, 4), (101, 2), (200, 2), (202, 1), (9999, 1)])
def test_a_picture_is_read_at_the_smallest_size_that_is_enough(form, least, factor):
    content = encode(Image.fromarray(shades(403, 301)), form, **({"quality": 95} if form in ("JPEG", "WEBP") else {}))
    small, found = read_reduced(content, least)
    assert (found, small.mode) == (factor, "RGB")
    assert small.size == (-(-403 // factor), -(-301 // factor))
    expected = means(decode(content), factor)
    assert np.abs(np.asarray(small, float)[: expected.shape[0], : expected.shape[1]] - expected).max() <= 4


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_what_is_read_smaller_is_upright_too(form, orientation):
    content = encode(Image.fromarray(shades(400, 304)), form, orientation)
    small, factor = read_reduced(content, 100)
    assert factor == 4
    assert np.abs(np.asarray(small, float) - means(decode(content), 4)).max() <= 6


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK", "I;16"])
def test_pictures_of_all_kinds_of_colour_come_as_decoded_whole_and_then_shrunk(mode):
    colours = Image.fromarray(shades(400, 304))
    if mode == "I;16":
        image = Image.fromarray((np.asarray(colours)[:, :, 0].astype(np.uint16) + 7) << 5)
    elif mode.endswith("A"):
        image = colours.convert(mode)
        image.putalpha(colours.getchannel(1))
    else:
        image = colours.convert(mode)
    content = encode(image, "TIFF")
    small, _ = read_reduced(content, 100)
    assert np.abs(np.asarray(small, float) - means(decode(content), 4)).max() <= 2


def test_a_jpeg_too_thin_to_be_decoded_smaller_is_shrunk_afterwards():
    content = encode(Image.fromarray(shades(800, 3)), "JPEG")
    small, factor = read_reduced(content, 100)
    assert (factor, small.size) == (8, (100, 1))


def test_memory_for_a_large_jpeg_is_that_of_what_is_read(tmp_path):
    """Its 64 million pixels would take 256 MB."""
    file = tmp_path / "large.jpg"
    Image.new("L", (8000, 8000), 128).save(file)
    program = (
        "import resource; from pathlib import Path; from tasks.acquire.reduced import read_reduced\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        f"print(read_reduced(Path({str(file)!r}).read_bytes(), 1000)[0].size)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True)
    size, grown = done.stdout.splitlines()
    assert size == "(1000, 1000)"
    assert int(grown) < 20_000  # kilobytes
