"""What pixels hash to: exactly, and as the eye sees them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xxhash
from numpy.typing import NDArray
from PIL import Image

from tasks.acquire.decode import Levels, levels_of, to_rgb
from tasks.acquire.orientation import turn_upright

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


def fingerprint(picture: Image.Image | NDArray[np.uint8], orientation: int) -> Fingerprint:
    """Hashes a loaded image, or the luma of a JPEG (height, width), without a second copy of it.

    `pixel_hash` is XXH3 (128 bits) of width, height, orientation and the RGB pixels as they are stored, or the luma:
    two files that decode to the same have the same, unless one of them is a JPEG and the other is not.
    """
    levels = levels_of(picture) if isinstance(picture, Image.Image) else None
    width, height = _size_of(picture)
    digest = xxhash.xxh3_128(b"%d %d %d" % (width, height, orientation))
    bands = 3 if isinstance(picture, Image.Image) else 1
    colour, blank = b"", True
    for pixels in _strips(picture, levels):
        digest.update(pixels)
        colour = colour or bytes(pixels[:bands])
        blank = blank and pixels == colour * (len(pixels) // bands)
    return Fingerprint(digest.hexdigest(), _perceptual_hash(_sample(picture, levels), orientation), blank)


def _perceptual_hash(sample: Image.Image, orientation: int) -> str:
    """pHash (Zauner 2010) of the upright picture: 64 bits, those that OpenCV's `img_hash` gives of 32×32 grey pixels.

    Which of the 8×8 lowest coefficients of the cosine transform are above their mean. OpenCV shrinks to 32×32 by four
    pixels a cell; here it is sixteen, so that a picture encoded or resized again keeps more of its bits.
    """
    grey = turn_upright(sample, orientation).convert("L").resize((_GREY, _GREY), Image.Resampling.BOX)
    waves = _COSINES @ np.asarray(grey, np.float64) @ _COSINES.T
    waves[0, 0] = 0
    return np.packbits(waves > waves.mean(), bitorder="little").tobytes().hex()


def _size_of(picture: Image.Image | NDArray[np.uint8]) -> tuple[int, int]:
    """Width and height."""
    return picture.size if isinstance(picture, Image.Image) else (picture.shape[1], picture.shape[0])


def _sample(picture: Image.Image | NDArray[np.uint8], levels: Levels | None) -> Image.Image:
    """128×128 of the pixels, evenly spread, RGB or luma."""
    if isinstance(picture, Image.Image):
        return to_rgb(picture.resize((_SAMPLES, _SAMPLES), Image.Resampling.NEAREST), levels)
    rows, columns = (((np.arange(_SAMPLES) + 0.5) * (side / _SAMPLES)).astype(int) for side in picture.shape[:2])
    return Image.fromarray(picture[rows].take(columns, axis=1))


def _strips(picture: Image.Image | NDArray[np.uint8], levels: Levels | None) -> Iterator[bytes | memoryview]:
    """The pixels from top to bottom, three bytes each, or one of luma."""
    width, height = _size_of(picture)
    rows = max(1, _STRIP // width)
    for top in range(0, height, rows):
        if not isinstance(picture, Image.Image):
            yield picture[top : top + rows].reshape(-1).data
            continue
        part = picture if rows >= height else picture.crop((0, top, width, min(top + rows, height)))
        yield to_rgb(part, levels).tobytes()
