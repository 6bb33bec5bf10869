"""Copies of test photographs as they are found in the wild: cut, of other sizes, turned, framed, in a collage.

Synthetic: each is made from a real photograph; its truth is the photograph.
"""

from collections.abc import Callable, Mapping

import cv2
import numpy as np

from demo import views
from demo.views import Pixels

_PAPER = 245
_FILLING = 3  # photographs beside the copy in a collage


def _crop(area: float) -> Callable[[Pixels], Pixels]:
    """The middle of the photograph, a bit off centre."""

    def cropped(pixels: Pixels) -> Pixels:
        height, width = (round(side * area**0.5) for side in pixels.shape[:2])
        top, left = (round(0.4 * (old - new)) for old, new in zip(pixels.shape[:2], (height, width), strict=True))
        return np.ascontiguousarray(pixels[top : top + height, left : left + width])

    return cropped


def _scale(factor: float) -> Callable[[Pixels], Pixels]:
    def scaled(pixels: Pixels) -> Pixels:
        way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=way), np.uint8)

    return scaled


def _recolour(pixels: Pixels) -> Pixels:
    """Warmer, paler and darker in the shadows."""
    tones = 255 * (np.arange(256) / 255)[:, None] ** np.array([1.5, 1.2, 0.9])
    return np.take_along_axis(tones.astype(np.uint8), pixels.reshape(-1, 3), axis=0).reshape(pixels.shape)


def _frame(pixels: Pixels) -> Pixels:
    """A border of a tenth of the longer side."""
    rim = max(pixels.shape) // 10
    framed = cv2.copyMakeBorder(pixels, rim, rim, rim, rim, cv2.BORDER_CONSTANT, value=(_PAPER, _PAPER, _PAPER))
    return np.asarray(framed, np.uint8)


def _same(pixels: Pixels) -> Pixels:
    return pixels


def _mirror(pixels: Pixels) -> Pixels:
    return np.ascontiguousarray(pixels[:, ::-1])


def _turn(pixels: Pixels) -> Pixels:
    return np.ascontiguousarray(np.rot90(pixels))


def _caption(pixels: Pixels) -> Pixels:
    return views.add_caption(pixels)


TRANSFORMATIONS: Mapping[str, tuple[Callable[[Pixels], Pixels], int]] = {
    "encoded again, quality 80": (_same, 80),
    "encoded again, quality 30": (_same, 30),
    "twice as large": (_scale(2), 90),
    "half as large": (_scale(0.5), 90),
    "a quarter as large": (_scale(0.25), 90),
    "recoloured": (_recolour, 90),
    "with a border": (_frame, 90),
    "with a caption bar": (_caption, 90),
    "mirrored": (_mirror, 90),
    "turned by 90°": (_turn, 90),
    "cropped to 75 % of the area": (_crop(0.75), 90),
    "cropped to 50 % of the area": (_crop(0.5), 90),
    "cropped to 30 % of the area": (_crop(0.3), 90),
}
"""By name, weakest first within each kind: what is done to the pixels, and the JPEG quality they are stored with."""

COLLAGE = "tile of a collage"


def collage(copy: Pixels, others: list[Pixels]) -> Pixels:
    """Four photographs in a square of two by two, each cut to its middle; the copy is not always the first."""
    index = int(copy.sum()) % (_FILLING + 1)
    tiles = [_tile(pixels) for pixels in (*others[:index], copy, *others[index:_FILLING])]
    return np.vstack([np.hstack(tiles[:2]), np.hstack(tiles[2:])])


def _tile(pixels: Pixels, side: int = 450) -> Pixels:
    shorter = min(pixels.shape[:2])
    top, left = ((length - shorter) // 2 for length in pixels.shape[:2])
    square = pixels[top : top + shorter, left : left + shorter]
    return np.asarray(cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
