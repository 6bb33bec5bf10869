"""Small pictures for pages. Bytes in, JPEG bytes out."""

import io

from PIL import Image

from tasks.acquire.reduced import read_reduced

_SPARE = 2  # times the size of a drawing at which its picture is read: enough for Pillow's filter
_THUMBNAIL_SIDE = 256


def thumbnail(content: bytes) -> bytes:
    """Returns a small JPEG of an accepted image, upright by its EXIF orientation, longest side at most 256 pixels."""
    return encode_jpeg(open_upright(content, _THUMBNAIL_SIDE)[0])


def open_upright(content: bytes, side: int) -> tuple[Image.Image, float]:
    """Returns the RGB image upright, shrunk to `side`, and the factor from its pixels to the shrunk one's."""
    image, factor = read_reduced(content, _SPARE * side)
    longest = max(image.size) * factor
    image.thumbnail((side, side))
    return image, max(image.size) / longest


def encode_jpeg(image: Image.Image) -> bytes:
    """Returns a small JPEG of an image."""
    sink = io.BytesIO()
    image.save(sink, "JPEG", quality=80, optimize=True)
    return sink.getvalue()
