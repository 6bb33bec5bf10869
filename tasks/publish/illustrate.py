"""The report's pictures: drawn matches and contact sheets. Bytes in, JPEG bytes out."""

import colorsys
import io
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from tasks.pages.pictures import encode_jpeg, open_upright

MATCH_SIDE = 480
"""Longest side of each image of a drawn match, in pixels."""

Colour = tuple[int, int, int]
KEPT_COLOUR, DROPPED_COLOUR = (22, 140, 92), (190, 74, 60)
_MATCH_GAP = 8
_MATCH_LINES = 60
_MATCH_PAPER = (150, 152, 156)  # quiet on light and on dark pages
_TILE_SIDE = 96
_TILE_FRAME = 3
_TILES_PER_ROW = 10
_TILE_ROWS = 2
_PAPER = (246, 246, 243)


def draw_match(left: bytes, right: bytes, points: NDArray[np.float32], side: int = MATCH_SIDE) -> bytes:
    """Returns two images side by side, their matched keypoints joined by thin lines.

    Args:
        left: file of the first image; right: of the second.
        points: float32 (n, 4): x, y in the left and x, y in the right image, pixels after EXIF orientation.
        side: longest of each image, in pixels.

    Returns:
        A JPEG; at most 60 evenly picked lines are drawn.
    """
    first, first_scale = open_upright(left, side)
    second, second_scale = open_upright(right, side)
    height = max(first.height, second.height)
    canvas = Image.new("RGB", (first.width + _MATCH_GAP + second.width, height), _MATCH_PAPER)
    corners = [
        (0, (height - first.height) // 2),
        (first.width + _MATCH_GAP, (height - second.height) // 2),
    ]
    canvas.paste(first, corners[0])
    canvas.paste(second, corners[1])
    scales = np.array([first_scale, first_scale, second_scale, second_scale])
    return encode_jpeg(_draw_lines(canvas, points * scales + np.array([*corners[0], *corners[1]])))


def draw_keypoints(content: bytes, positions: NDArray[np.float32]) -> bytes:
    """Returns an image with some of its keypoints, where what they were matched with is not at hand.

    Args:
        positions: float32 (n, 2): x, y in pixels after EXIF orientation.

    Returns:
        A JPEG, at most 480 pixels on its longest side.
    """
    image, scale = open_upright(content, MATCH_SIDE)
    ends = np.tile(positions * scale, 2)
    return encode_jpeg(_draw_lines(image, ends))


def contact_sheet(kept: Sequence[bytes], dropped: Sequence[bytes]) -> bytes:
    """Returns thumbnails (JPEG) tiled in one small JPEG: kept ones framed green, then dropped ones framed red.

    Tiles are 96 pixels; at most 2 rows of 10 of each kind are shown.
    """
    return tile_rows(
        [
            [(picture, colour) for picture in pictures[start : start + _TILES_PER_ROW]]
            for colour, pictures in ((KEPT_COLOUR, kept), (DROPPED_COLOUR, dropped))
            for start in range(0, min(len(pictures), _TILE_ROWS * _TILES_PER_ROW), _TILES_PER_ROW)
        ]
    )


def tile_rows(rows: Sequence[Sequence[tuple[bytes, Colour]]]) -> bytes:
    """Returns rows of thumbnails (JPEG), each with the colour of its frame, as one JPEG of tiles of 96 pixels."""
    columns = max(map(len, rows), default=1)
    sheet = Image.new("RGB", (columns * _TILE_SIDE, max(len(rows), 1) * _TILE_SIDE), _PAPER)
    for y, row in enumerate(rows):
        for x, (picture, colour) in enumerate(row):
            sheet.paste(_tile(picture, colour), (x * _TILE_SIDE, y * _TILE_SIDE))
    return encode_jpeg(sheet)


def _draw_lines(canvas: Image.Image, points: NDArray[np.float64]) -> Image.Image:
    if len(points) > _MATCH_LINES:
        points = points[np.linspace(0, len(points) - 1, _MATCH_LINES).round().astype(int)]
    pixels = np.array(canvas)
    for number, (x1, y1, x2, y2) in enumerate(points.round().astype(int).tolist()):
        # Steps by the golden ratio keep the hues of neighbouring lines apart.
        red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(number * 0.618 % 1, 0.85, 1.0))
        cv2.line(pixels, (x1, y1), (x2, y2), (red, green, blue), 1, cv2.LINE_AA)
        for centre in ((x1, y1), (x2, y2)):
            cv2.circle(pixels, centre, 4, (0, 0, 0), 2, cv2.LINE_AA)
            cv2.circle(pixels, centre, 4, (red, green, blue), 1, cv2.LINE_AA)
    return Image.fromarray(pixels)


def _tile(picture: bytes, colour: Colour) -> Image.Image:
    tile = Image.new("RGB", (_TILE_SIDE, _TILE_SIDE), _PAPER)
    inner = _TILE_SIDE - 2 * _TILE_FRAME - 2
    with Image.open(io.BytesIO(picture)) as image:
        framed = ImageOps.expand(ImageOps.contain(image.convert("RGB"), (inner, inner)), _TILE_FRAME, colour)
    tile.paste(framed, ((_TILE_SIDE - framed.width) // 2, (_TILE_SIDE - framed.height) // 2))
    return tile
