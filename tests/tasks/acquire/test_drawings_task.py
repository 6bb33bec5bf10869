import hashlib

import cv2
import numpy as np
import pytest

from storage.errors import DamagedTableError
from storage.images import put_image
from storage.parquet import read_table
from storage.root import Root
from storage.tables.acquisition import IMAGES
from tasks.acquire.drawings_task import DrawingInputs, find_drawings
from tasks.contracts import Run
from tests.rows import image_row, write
from tests.tasks.acquire.test_drawings import encode, houses, scene


@pytest.fixture
def run(tmp_path) -> Run:
    return Run(Root(str(tmp_path)), "drawings-1")


@pytest.fixture
def rows(run):
    """A photograph, a drawing, and the drawing again under another id."""
    rows = []
    for name, picture in (("a", scene()), ("b", houses(250, 30, 40)), ("c", houses(250, 30, 40))):
        content = encode(picture)
        sha256 = hashlib.sha256(content).hexdigest()
        rows.append(image_row(name, sha256=sha256, path=put_image(run.root, content, sha256, "jpg")))
    return rows


@pytest.fixture
def inputs(run, rows) -> DrawingInputs:
    return DrawingInputs(images=write(run.root, IMAGES, rows), shard="landmarks-0")


def test_each_picture_has_a_row_and_drawings_their_sign(run, rows, inputs):
    found = read_table(run.root, find_drawings(run, inputs, None).drawings).to_pylist()
    assert {row["sha256"]: row["sign"] for row in found} == {rows[0]["sha256"]: None, rows[1]["sha256"]: "ground"}
    assert len(found) == 2


def test_what_was_looked_at_before_is_not_read_again(run, rows, inputs):
    first = read_table(run.root, find_drawings(run, inputs, None).drawings).to_pylist()
    for row in rows[:2]:
        run.root.remove(row["path"])
    more = encode(cv2.flip(scene(1), 0))
    sha256 = hashlib.sha256(more).hexdigest()
    new = image_row("d", sha256=sha256, path=put_image(run.root, more, sha256, "jpg"))
    images = write(run.root, IMAGES, [*rows, new], "images-2")
    again = find_drawings(Run(run.root, "drawings-2"), inputs.model_copy(update={"images": images}), None)
    found = read_table(run.root, again.drawings).to_pylist()
    assert [row for row in found if row["sha256"] != sha256] == first
    assert len(found) == 3


def test_a_table_that_rotted_is_not_believed(run, rows, inputs):
    find_drawings(run, inputs, None)
    run.root.remove(rows[0]["path"])
    run.root.write("stages/drawings/1/drawings.parquet", b"damaged")
    with pytest.raises(DamagedTableError, match=rows[0]["sha256"]):
        find_drawings(Run(run.root, "drawings-2"), inputs, None)


def test_a_small_grey_picture_of_any_depth_is_looked_at(run):
    content = cv2.imencode(".png", np.full((80, 80), 40_000, np.uint16))[1].tobytes()
    sha256 = hashlib.sha256(content).hexdigest()
    row = image_row("a", sha256=sha256, path=put_image(run.root, content, sha256, "png"))
    inputs = DrawingInputs(images=write(run.root, IMAGES, [row]), shard="landmarks-0")
    assert read_table(run.root, find_drawings(run, inputs, None).drawings).num_rows == 1
