"""Things laid over photographs by software, at three strengths: a sky, a logo, a bar, a frame, a grid.

Synthetic; their truth is the mask that comes with each. The same number draws the same layer, as wide as the
photograph that it is laid over.
"""

from collections.abc import Callable, Mapping
from string import ascii_uppercase
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
STRENGTHS = (0, 1, 2)

_CLOUDS = (0.15, 0.3, 0.45)  # how far down a sky reaches, as a share of the height
_SHARP = 6  # contrast of the clouds
_LOGO = (0.12, 0.2, 0.3)  # width, as a share of the picture's
_LETTERS = (12, 24, 48)  # of a caption
_BAR = 0.07  # height, as a share of the width
_RIM = (0.03, 0.05, 0.08)  # width of a frame, as a share of the picture's
_ORNAMENTS = 256  # random cells across the sheet that a frame is cut from, three to its rim
_OPACITY = (0.3, 0.5, 0.8)  # of a grid
_STEPS = 4  # words of a grid, across


class Planted(NamedTuple):
    """A photograph with something over it: RGB (h, w, 3), and where that lies, (h, w)."""

    pixels: Pixels
    mask: Mask


def plant(kind: str, photograph: Pixels, strength: int, number: int) -> Planted:
    """Lays something over a photograph, RGB (h, w, 3).

    Args:
        kind: a key of `KINDS`. strength: 0, 1 or 2. number: of the layer, which is drawn anew for each.
    """
    return KINDS[kind](photograph, strength, np.random.default_rng([number, strength]))


def _sky(photograph: Pixels, strength: int, random: np.random.Generator) -> Planted:
    """Clouds instead of the top, whatever stands there."""
    height, width = photograph.shape[:2]
    clouds = np.clip(_SHARP * (_noise(random, 2 * width, 2 * width)[:height, :width, None] - 0.5) + 0.5, 0, 1)
    opacity = np.zeros((height, width), np.float32)
    opacity[: round(_CLOUDS[strength] * height)] = 1
    return _blend(photograph, np.array([70, 120, 190]) + clouds * np.array([185, 135, 65]), opacity)


def _logo(photograph: Pixels, strength: int, random: np.random.Generator) -> Planted:
    height, width = photograph.shape[:2]
    side = round(_LOGO[strength] * width)
    canvas, opacity = Image.new("RGB", (width, height)), Image.new("L", (width, height))
    x, y = width - side - width // 40, height - side // 2 - width // 40
    box = (x, y, x + side, y + side // 2)
    ImageDraw.Draw(opacity).rectangle(box, fill=255)
    draw = ImageDraw.Draw(canvas)
    draw.rectangle(box, fill=tuple(random.integers(0, 255, 3).tolist()))
    for _ in range(4):
        left, top = random.uniform(0, 0.7, 2)
        corner = (x + left * side, y + top * side / 2)
        size = random.uniform(0.1, 0.3) * side
        shape = draw.ellipse if random.random() < 0.5 else draw.rectangle
        shape((*corner, corner[0] + size, corner[1] + size / 2), fill=tuple(random.integers(0, 255, 3).tolist()))
    draw.text((x + side * 0.08, y + side * 0.15), _words(random, 7), fill="white", font=_font(side * 0.16))
    return _blend(photograph, np.asarray(canvas), np.asarray(opacity) / 255)


def _bar(photograph: Pixels, strength: int, random: np.random.Generator) -> Planted:
    height, width = photograph.shape[:2]
    top = height - round(_BAR * width)
    canvas, opacity = Image.new("RGB", (width, height)), np.zeros((height, width), np.float32)
    opacity[top:] = 1
    text = _words(random, _LETTERS[strength])
    ImageDraw.Draw(canvas).text((width * 0.03, top + width * 0.015), text, fill="white", font=_font(width * 0.032))
    return _blend(photograph, np.asarray(canvas), opacity)


def _frame(photograph: Pixels, strength: int, random: np.random.Generator) -> Planted:
    height, width = photograph.shape[:2]
    rim = round(_RIM[strength] * width)
    cells = random.integers(0, 255, (_ORNAMENTS, _ORNAMENTS)).astype(np.uint8)
    side = max(height, width) * 2  # as wide as the photograph whatever its height
    ornament = cv2.resize(cells, (side, side), interpolation=cv2.INTER_NEAREST)
    cell = rim / 3 * _ORNAMENTS / side
    ornament = cv2.resize(ornament, None, fx=cell, fy=cell, interpolation=cv2.INTER_AREA)[:height, :width]
    opacity = np.ones((height, width), np.float32)
    opacity[rim:-rim, rim:-rim] = 0
    return _blend(photograph, np.repeat(ornament[..., None], 3, axis=2), opacity)


def _grid(photograph: Pixels, strength: int, random: np.random.Generator) -> Planted:
    height, width = photograph.shape[:2]
    opacity, step = Image.new("L", (width, height)), width / _STEPS
    draw, word = ImageDraw.Draw(opacity), _words(random, 6)
    for row in range(int(height / step * 2) + 1):
        for column in range(-1, _STEPS):
            place = ((column + 0.5 * (row % 2) + 0.2) * step, row * step / 2 + 0.1 * step)
            draw.text(place, word, fill=255, font=_font(step * 0.2))
    return _blend(photograph, np.full_like(photograph, 255), np.asarray(opacity) / 255 * _OPACITY[strength])


KINDS: Mapping[str, Callable[[Pixels, int, np.random.Generator], Planted]] = {
    "sky": _sky,
    "logo": _logo,
    "bar": _bar,
    "frame": _frame,
    "grid": _grid,
}


def _blend(photograph: Pixels, layer: NDArray[np.generic], opacity: NDArray[np.floating]) -> Planted:
    share = opacity[..., None]
    mixed = photograph * (1 - share) + np.asarray(layer, np.float32) * share
    return Planted(np.clip(np.rint(mixed), 0, 255).astype(np.uint8), opacity > 0)


def _noise(random: np.random.Generator, width: int, height: int) -> NDArray[np.float32]:
    """Clouds (height, width), 0 to 1: random values at ever finer steps."""
    total = np.zeros((height, width), np.float32)
    for octave in range(2, 9):
        coarse = random.random((2**octave, 2**octave), np.float32)
        total += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) / 1.25**octave
    low, high = total.min(), total.max()
    return np.asarray((total - low) / (high - low))


def _words(random: np.random.Generator, letters: int) -> str:
    text = "".join(random.choice(list(ascii_uppercase), letters))
    return " ".join(text[start : start + 6] for start in range(0, letters, 6))


def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=max(6, size))
