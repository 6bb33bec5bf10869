"""The sheet of nearest images has a row for each of the largest classes, framed by whether classes agree."""

import io

import numpy as np
import pandas as pd
from PIL import Image

from tasks.index.expansion import unit_length
from tasks.index.nearest import draw_nearest, nearest_of_classes
from tasks.publish.illustrate import DROPPED_COLOUR, KEPT_COLOUR

CLASSES = ["a"] * 3 + ["b"] * 2 + ["c"]
ROWS = pd.DataFrame(
    {
        "image_id": ["a3", "a2", "a1", "b1", "b2", "c1"],
        "landmark_id": CLASSES,
        "reason": ["kept", "kept", "no-match", "kept", "kept", "no-match"],
    }
)
VECTORS = unit_length(np.array([[1, 0], [0.9, 0.1], [0.8, 0.2], [0, 1], [0.1, 0.9], [0.5, 0.5]], np.float32))


def test_the_first_kept_image_of_each_class_asks_for_the_others():
    assert [tuple(row) for row in nearest_of_classes(ROWS, VECTORS)] == [(1, (0, 2, 5, 4, 3)), (3, (4, 5, 2, 1, 0))]


def test_without_kept_images_there_is_nothing_to_show():
    assert nearest_of_classes(ROWS.assign(reason="no-match"), VECTORS) == []


def test_frames_tell_whether_a_result_is_of_the_class():
    sink = io.BytesIO()
    Image.new("RGB", (200, 200), "white").save(sink, "JPEG")
    sheet = draw_nearest(nearest_of_classes(ROWS, VECTORS), CLASSES, lambda _: sink.getvalue())
    image = Image.open(io.BytesIO(sheet))
    assert image.size == (6 * 96, 2 * 96)
    frames = [[np.array(image.getpixel((96 * column + 48, 96 * row + 2))) for column in range(1, 6)] for row in (0, 1)]
    is_of_class = [
        [np.abs(pixel - KEPT_COLOUR).sum() < np.abs(pixel - DROPPED_COLOUR).sum() for pixel in row] for row in frames
    ]
    assert is_of_class == [[True, True, False, False, False], [True, False, False, False, False]]
