"""Made-up views, alone and with a caption, for what tells layers from views."""

import cv2
import numpy as np

from tasks.features.detect import detect
from tasks.features.packed import Features
from tasks.features.settings import FeatureSettings
from tasks.match.settings import MatchSettings

SETTINGS = MatchSettings()
SIZE = (640, 480)
SIZES = (SIZE, SIZE)


def scene(seed: int) -> np.ndarray:
    """A made-up view, (480, 640, 3): rectangles of all sizes."""
    random = np.random.default_rng(seed)
    picture = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)
    for size in np.geomspace(250, 12, 300):
        corner = (random.uniform(-0.1, 1, 2) * SIZE).astype(int)
        opposite = corner + (size * random.uniform(0.5, 1.5, 2)).astype(int)
        cv2.rectangle(picture, corner.tolist(), opposite.tolist(), random.integers(0, 256, 3).tolist(), -1)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.2), np.uint8)


CAPTION = 130  # its height, in pixels


def with_caption(picture: np.ndarray) -> np.ndarray:
    """Three lines: one alone is too thin for a match."""
    captioned = picture.copy()
    captioned[-CAPTION:] = 0
    for number, text in enumerate(("PICTURE ARCHIVE", "LONDON 1984", "(C) ALL RIGHTS")):
        place = (20 + 60 * number, SIZE[1] - CAPTION + 36 + 40 * number)
        cv2.putText(captioned, text, place, cv2.FONT_HERSHEY_SIMPLEX, 1.1, (255, 255, 255), 2)
    return captioned


def seen_from_elsewhere(picture: np.ndarray) -> np.ndarray:
    """The view from a step to the side: its parts move by different amounts, as with depth."""
    y, x = np.indices(SIZE[::-1], np.float32)
    moved = x + 12 * np.sin(y / 90) + 0.04 * (x - 320), y + 6 * np.cos(x / 110)
    shifted = cv2.remap(picture, moved[0], moved[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    noise = np.random.default_rng(9).normal(0, 8, shifted.shape)
    return np.clip(shifted + noise, 0, 255).astype(np.uint8)


def describe(picture: np.ndarray) -> Features:
    return Features(*detect(picture, FeatureSettings()))
