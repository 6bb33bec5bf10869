"""What is drawn or set rather than photographed: line art, plans, objects on blank ground, cards of text.

Two signs of it lie in the pixels, which hardly any photograph has. Most paintings, collages and pictures that were
rendered to look like photographs have neither and are not found: docs/evidence/quality.md says what is.
"""

from enum import StrEnum
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tasks.acquire.reduced import read_reduced

_SIDE = 900  # pixels of the longest side: a picture is looked at in this size, for shrinking sharpens
_MOST_OF_A_BAR = 0.25  # of the height or width
_TONE = 16  # levels of luma around a tone that count as the same
_LIGHT = 215  # luma of paper, yellowed too; of sand in haze it is less
_BORDER = 0.02  # of the shorter side
_AROUND = 9  # pixels, a square of which is ink and paper
_INKED = 80  # levels of luma between these two
_PURE = 0.15  # of this range, to either end, that is still ink, or paper
_STRONG = 0.1  # of the pixels: against a sky, a silhouette has two tones too, but little of it
_SHADE = 50  # luma; at night and against the light, photographs have two tones as well
_SHADED = 0.15  # of the pixels


class Sign(StrEnum):
    """By what a picture is seen not to be a photograph."""

    GROUND = "ground"
    """A light tone lies along all four sides: the least share of a side that has it."""

    INK = "ink"
    """Where the contrast is strong there are two tones and little between: the share of pixels of these two."""


LEAST = {Sign.GROUND: 0.15, Sign.INK: 0.53}
"""From where on a sign counts: above what any of 1,024 photographs has."""


class Drawing(NamedTuple):
    """A sign that a picture is no photograph, and how much of it there is, 0 to 1."""

    sign: Sign
    share: float


def look_at(content: bytes) -> Drawing | None:
    """Returns the first sign that an accepted picture, the content of its file, is no photograph, or None."""
    picture, _ = read_reduced(content, _SIDE)
    picture.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    return find_drawing(np.asarray(picture.convert("L")))


def find_drawing(luma: NDArray[np.uint8]) -> Drawing | None:
    """Returns the first sign that a picture is no photograph, or None.

    An agency's bar below a photograph, or other margins of one tone, say nothing of the photograph: they are cut off,
    but for the margins of a picture that has light ones on all sides.

    Args:
        luma: of the upright picture, (height, width), uint8; measured at 900 pixels on the longest side.
    """
    shares = measure_signs(luma)
    return next((Drawing(sign, share) for sign, share in shares.items() if share >= LEAST[sign]), None)


def measure_signs(luma: NDArray[np.uint8]) -> dict[Sign, float]:
    """Returns how much of each sign a picture has, 0 to 1; see `find_drawing`."""
    return {
        Sign.GROUND: _share_of_ground(luma),
        Sign.INK: _share_of_ink(luma[_inside_margins(luma)]),
    }


def _inside_margins(luma: NDArray[np.uint8]) -> tuple[slice, slice]:
    """The rows and columns that are no margin."""
    height, width = luma.shape
    return (
        slice(_depth(luma), height - _depth(luma[::-1])),
        slice(_depth(luma.T), width - _depth(luma.T[::-1])),
    )


def _depth(luma: NDArray[np.uint8]) -> int:
    """How many of the first rows are a margin: of the tone of the first, but for a word or a logo."""
    near = np.abs(luma.astype(np.int16) - np.median(luma[0])) <= _TONE
    even = near[: int(len(luma) * _MOST_OF_A_BAR)].mean(axis=1) >= 0.7
    return int(len(even) if even.all() else even.argmin())


def _share_of_ground(luma: NDArray[np.uint8]) -> float:
    """Looks above an agency's bar; and along each side between the margins beside it, which may be a mat's."""
    luma = luma[: len(luma) - _depth(luma[::-1])]
    rows, columns = _inside_margins(luma)
    border = max(2, int(min(luma.shape) * _BORDER))
    sides = [luma[:border, columns], luma[-border:, columns], luma[rows, :border], luma[rows, -border:]]
    tone = np.median(np.concatenate([side.ravel() for side in sides]))
    if tone < _LIGHT:
        return 0.0
    return min(float(np.mean(np.abs(side.astype(np.int16) - tone) <= _TONE)) for side in sides)


def _share_of_ink(luma: NDArray[np.uint8]) -> float:
    around = np.ones((_AROUND, _AROUND), np.uint8)
    darkest = cv2.erode(luma, around)
    spread = cv2.dilate(luma, around) - darkest
    inked = spread > _INKED
    if inked.mean() < _STRONG or np.mean(luma < _SHADE) > _SHADED:
        return 0.0
    height = (luma[inked].astype(np.float32) - darkest[inked]) / spread[inked]
    return float(np.mean((height < _PURE) | (height > 1 - _PURE)))
