"""New views of a photograph with known homography, light and compression.

Homographies are 3×3 float64 and map pixel centres of the shipped photograph to pixel centres of the view; the
centre of the first pixel is (0, 0), as in OpenCV. Boxes are half-open: their edges lie half a pixel off that.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Matrix = NDArray[np.float64]
Box = tuple[float, float, float, float]

LONGEST_SIDE = 900
SMALLEST_VIEW = 400  # longest side that a re-shot view keeps, if the photograph has it
MIN_VISIBLE = 0.6  # share of the landmark's box that a re-shot view keeps
CAPTION = "(c) picture archive - all rights reserved"
WATERMARK = "picture archive"
FONT = cv2.FONT_HERSHEY_SIMPLEX
WHITE = (255, 255, 255)


@dataclass(frozen=True)
class Recipe:
    """How one view is taken and developed.

    `corners` is (4, 2): where the view's corners (clockwise from the top left) lie in the photograph, in
    shares of its width and height. `scale` is the size of the view relative to the photograph at 900 pixels.
    """

    corners: tuple[tuple[float, float], ...] = ((0, 0), (1, 0), (1, 1), (0, 1))
    scale: float = 1.0
    gamma: float = 1.0
    gain: float = 1.0
    blur: float = 0.0  # sigma, pixels
    quality: int = 92  # JPEG
    mirror: bool = False
    stamp: str = ""  # "", "caption" or "watermark"


@dataclass(frozen=True)
class View:
    """A view: its JPEG bytes, its width and height, and the homography from the photograph."""

    jpeg: bytes
    size: tuple[int, int]
    homography: Matrix


AS_SHIPPED = Recipe()
# What copies of a test photograph look like in the wild.
CROPPED = Recipe(corners=((0.08, 0.06), (0.93, 0.06), (0.93, 0.94), (0.08, 0.94)), quality=80)
RESIZED = Recipe(scale=0.6, quality=85)
RE_ENCODED = Recipe(gamma=1.1, quality=55)
MIRRORED = Recipe(scale=0.9, quality=85, mirror=True)


def draw(name: str, shape: tuple[int, int], box: Box | None) -> Recipe:
    """The re-shooting recipe that belongs to `name`: the same name gives the same recipe for ever.

    `shape` is the photograph's (height, width); the recipe keeps at least 60 % of `box` in view and looks
    nowhere past the photograph's edge. A tenth of the names get a caption bar, a tenth a watermark grid.
    """
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    random = np.random.default_rng(seed)
    corners = _draw_corners(random)
    while not _acceptable(corners, shape, box):
        corners = _draw_corners(random)
    return Recipe(
        corners=tuple((float(x), float(y)) for x, y in corners),
        scale=float(random.uniform(_least_scale(corners, shape), 1.0)),
        gamma=float(random.uniform(0.65, 1.5)),
        gain=float(random.uniform(0.8, 1.15)),
        blur=float(max(0.0, random.uniform(-0.6, 1.5))),
        quality=int(random.integers(40, 93)),
        stamp=str(random.choice(["caption", "watermark", ""], p=[0.1, 0.1, 0.8])),
    )


def shoot(photo: Pixels, recipe: Recipe) -> View:
    """Take the view of `photo`, (height, width, 3) uint8 BGR; its longest side is at most 900 pixels."""
    height, width = photo.shape[:2]
    reduction = min(1.0, LONGEST_SIDE / max(height, width))
    reduced = cv2.resize(photo, None, fx=reduction, fy=reduction, interpolation=cv2.INTER_AREA)
    scaling = _scaling(reduced.shape[1] / width, reduced.shape[0] / height)
    warp, size = _warp(recipe, (reduced.shape[0], reduced.shape[1]))
    # Shrinking by warping alone aliases: blur first by what the scale takes away.
    smooth = np.hypot(recipe.blur, 0.5 * (1 / recipe.scale - 1))
    soft = cv2.GaussianBlur(reduced, (0, 0), float(smooth)) if smooth > 0.05 else reduced
    view = cv2.warpPerspective(soft, warp, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    view = _STAMPS[recipe.stamp](_develop(view.astype(np.uint8, copy=False), recipe))
    return View(encode(view, recipe.quality), size, warp @ scaling)


def encode(pixels: Pixels, quality: int) -> bytes:
    """JPEG bytes of (height, width, 3) uint8 BGR pixels."""
    return bytes(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())


def map_box(box: Box, homography: Matrix, size: tuple[int, int]) -> Box:
    """The rectangle around the mapped corners of `box`, clipped to a view of `size` (width, height)."""
    x1, y1, x2, y2 = (edge - 0.5 for edge in box)
    corners = np.array([[[x1, y1], [x2, y1], [x2, y2], [x1, y2]]], np.float64)
    mapped = cv2.perspectiveTransform(corners, homography)[0] + 0.5
    low = np.clip(mapped.min(axis=0), 0, size)
    high = np.clip(mapped.max(axis=0), 0, size)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def visible_share(corners: Matrix, shape: tuple[int, int], box: Box) -> float:
    """The share of the area of `box` that a view with these `corners` (4, 2), as in Recipe, shows."""
    height, width = shape
    x1, y1, x2, y2 = box
    quad = (corners * (width, height)).astype(np.float32)
    rectangle = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], np.float32)
    area, _ = cv2.intersectConvexConvex(quad, rectangle)
    return float(area) / ((x2 - x1) * (y2 - y1))


def _draw_corners(random: np.random.Generator) -> Matrix:
    """A window of 70–97 % of each side, turned by up to 10°, its corners moved by up to 9 % of it."""
    side = random.uniform(0.7, 0.97, 2)
    centre = 0.5 + random.uniform(-0.5, 0.5, 2) * (1 - side)
    square = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    unit = square + random.uniform(-0.09, 0.09, (4, 2))
    angle = np.radians(random.uniform(-10, 10))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray((unit * side) @ turn.T + centre, np.float64)


def _acceptable(corners: Matrix, shape: tuple[int, int], box: Box | None) -> bool:
    if corners.min() < 0 or corners.max() > 1:
        return False
    height, width = shape
    return visible_share(corners, shape, box or (0, 0, width, height)) >= MIN_VISIBLE


def _least_scale(corners: Matrix, shape: tuple[int, int]) -> float:
    """Half, or whatever more keeps the longest side of the view at SMALLEST_VIEW."""
    height, width = shape
    reduction = min(1.0, LONGEST_SIDE / max(height, width))
    longest = max(_extent(corners * (width, height))) * reduction
    return float(np.clip(SMALLEST_VIEW / longest, 0.5, 1.0))


def _extent(corners: Matrix) -> tuple[float, float]:
    """Width and height of a quadrangle: the means of its opposite sides."""
    sides = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    return float(sides[0] + sides[2]) / 2, float(sides[1] + sides[3]) / 2


def _warp(recipe: Recipe, shape: tuple[int, int]) -> tuple[Matrix, tuple[int, int]]:
    """Homography and (width, height) of the view, from a photograph of `shape` that was already reduced."""
    height, width = shape
    corners = np.array(recipe.corners) * (width, height) - 0.5
    columns, rows = (round(side * recipe.scale) for side in _extent(corners))
    edges = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]]) - 0.5
    if recipe.mirror:
        edges = edges[[1, 0, 3, 2]]
    warp = cv2.getPerspectiveTransform(corners.astype(np.float32), edges.astype(np.float32))
    return warp.astype(np.float64), (columns, rows)


def _scaling(x: float, y: float) -> Matrix:
    """Pixel centres under a resize by (x, y)."""
    return np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1]], np.float64)


def _develop(view: Pixels, recipe: Recipe) -> Pixels:
    tone = 255 * recipe.gain * (np.arange(256) / 255) ** recipe.gamma
    developed: Pixels = cv2.LUT(view, np.clip(tone, 0, 255).astype(np.uint8)).astype(np.uint8, copy=False)
    return developed


def add_caption(view: Pixels) -> Pixels:
    """A dark bar along the bottom with white text, of one size in pixels on every picture."""
    view = view.copy()
    height = view.shape[0]
    view[height - 34 :] = (40, 32, 28)
    cv2.putText(view, CAPTION, (10, height - 11), FONT, 0.55, WHITE, 1, cv2.LINE_AA)
    return view


def _watermark(view: Pixels) -> Pixels:
    """Half-transparent white text on a grid of 190 × 110 pixels."""
    layer = view.copy()
    for y in range(50, view.shape[0], 110):
        for x in range(15, view.shape[1], 190):
            cv2.putText(layer, WATERMARK, (x, y), FONT, 0.6, WHITE, 2, cv2.LINE_AA)
    marked: Pixels = cv2.addWeighted(layer, 0.55, view, 0.45, 0).astype(np.uint8, copy=False)
    return marked


def _plain(view: Pixels) -> Pixels:
    return view


_STAMPS: dict[str, Callable[[Pixels], Pixels]] = {"": _plain, "caption": add_caption, "watermark": _watermark}
