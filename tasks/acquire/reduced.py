"""Reading large pictures at a part of their size, with memory for little more than what is asked for."""

import numpy as np
from PIL import Image

from tasks.acquire.decode import levels_of, open_picture, to_rgb
from tasks.acquire.orientation import orientation_of, turn_upright

_FACTORS = (8, 4, 2)  # those that the decoder of a JPEG does by itself (libjpeg's scaling in the frequency domain)
_STRIP = 16  # rows of the reduced picture that are made at once


def read_reduced(content: bytes, least: int) -> tuple[Image.Image, int]:
    """Returns an accepted image (its first frame), upright by EXIF, at an eighth, a quarter, half or all of its size.

    A JPEG is decoded at that size; one of several scans holds all of its coefficients besides. Other formats can only
    be decoded whole: beside that picture, of four bytes a pixel, there are strips of it alone, whatever its colours.

    Args:
        least: pixels that the longest side keeps at least, where it has them.

    Returns:
        The picture, RGB; and the pixels of the stored image that each of its pixels spans per side: 1, 2, 4 or 8.
    """
    image = open_picture(content)
    longest = max(image.size)
    factor = next((factor for factor in _FACTORS if longest >= factor * least), 1)
    if image.format in ("JPEG", "MPO"):
        width, height = (max(1, side // factor) for side in image.size)
        image.draft(image.mode, (width, height))
    image.load()
    done = round(longest / max(image.size))  # less than asked for in a JPEG whose shorter side is a few pixels
    small = _reduce(image, factor // done) if factor > done else to_rgb(image)
    return turn_upright(small, orientation_of(image)), factor


def _reduce(image: Image.Image, factor: int) -> Image.Image:
    """Means over squares of this side, RGB."""
    levels = levels_of(image)
    strips = []
    for top in range(0, image.height, factor * _STRIP):
        strip = image.crop((0, top, image.width, min(top + factor * _STRIP, image.height)))
        strips.append(np.asarray(to_rgb(strip, levels).reduce(factor)))
    return Image.fromarray(np.concatenate(strips))
