"""What pixels hash to: exactly, and as the eye sees them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xxhash
from PIL import Image

from tasks.acquire.decode import Levels, levels_of, to_rgb, turn_upright

_STRIP = 1 << 17
"""Pixels that are converted at once; most photographs are whole ones."""
_SAMPLES = 128  # a side
_GREY = 32
_KEPT = 8
_COSINES = np.cos(np.pi / _GREY * np.outer(np.arange(_KEPT), np.arange(_GREY) + 0.5)) * np.sqrt(2 / _GREY)
_COSINES[0] /= np.sqrt(2)


@dataclass(frozen=True)
class Fingerprint:
    """Hashes of a picture, hexadecimal, and whether all its pixels are of one colour."""

    pixel_hash: str
    phash: str
    blank: bool


def fingerprint(image: Image.Image, orientation: int) -> Fingerprint:
    """Hashes a loaded image without a second copy of its pixels.

    `pixel_hash` is XXH3 (128 bits) of width, height, orientation and the RGB pixels as they are stored: two files that
    decode to the same have the same.
    """
    levels = levels_of(image)
    digest = xxhash.xxh3_128(b"%d %d %d" % (image.width, image.height, orientation))
    colour, blank = b"", True
    for pixels in _strips(image, levels):
        digest.update(pixels)
        colour = colour or pixels[:3]
        blank = blank and pixels == colour * (len(pixels) // 3)
    return Fingerprint(digest.hexdigest(), perceptual_hash(image, orientation, levels), blank)


def perceptual_hash(image: Image.Image, orientation: int, levels: Levels | None = None) -> str:
    """pHash (Zauner 2010) of the upright picture: 64 bits, those that OpenCV's `img_hash` gives of 32×32 grey pixels.

    Which of the 8×8 lowest coefficients of the cosine transform are above their mean. OpenCV shrinks to 32×32 by four
    pixels a cell; here it is sixteen, so that a picture encoded or resized again keeps more of its bits.
    """
    sample = to_rgb(image.resize((_SAMPLES, _SAMPLES), Image.Resampling.NEAREST), levels)
    grey = turn_upright(sample, orientation).convert("L").resize((_GREY, _GREY), Image.Resampling.BOX)
    waves = _COSINES @ np.asarray(grey, np.float64) @ _COSINES.T
    waves[0, 0] = 0
    return np.packbits(waves > waves.mean(), bitorder="little").tobytes().hex()


def _strips(image: Image.Image, levels: Levels | None) -> Iterator[bytes]:
    """The RGB pixels from top to bottom, three bytes each."""
    rows = max(1, _STRIP // image.width)
    for top in range(0, image.height, rows):
        part = image if rows >= image.height else image.crop((0, top, image.width, min(top + rows, image.height)))
        yield to_rgb(part, levels).tobytes()
