import hashlib
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from storage.errors import DamagedTableError
from storage.images import put_image
from storage.parquet import read_table
from storage.root import Root
from storage.tables.acquisition import IMAGES
from tasks.contracts import Run
from tasks.features.packed import unpack
from tasks.features.settings import FeatureSettings
from tasks.features.task import FeatureInputs, extract_features
from tests.rows import image_row, write

FRAGILE = """
import os, cv2, numpy as np

def detect_feats_in_image(gray):
    if (gray == cv2.cvtColor(cv2.imread({fatal!r}), cv2.COLOR_BGR2GRAY)).all():
        os.abort()
    return np.array([[1, 2, 3, 0, 3, 0]], np.float32), np.ones((1, 128), np.uint8)
"""


@pytest.fixture
def run(tmp_path) -> Run:
    return Run(Root(str(tmp_path)), "features-1")


@pytest.fixture
def rows(run) -> list[dict[str, Any]]:
    """Three images, two of which are the same picture."""
    rows = []
    for name, seed in (("a", 1), ("b", 2), ("c", 1)):
        cells = np.random.default_rng(seed).integers(0, 256, (20, 24, 3), dtype=np.uint8)
        sink = io.BytesIO()
        Image.fromarray(cells).resize((640, 533)).save(sink, "PNG")
        sha256 = hashlib.sha256(sink.getvalue()).hexdigest()
        path = put_image(run.root, sink.getvalue(), sha256, "png")
        rows.append(image_row(name, sha256=sha256, path=path))
    return rows


@pytest.fixture
def inputs(run, rows) -> FeatureInputs:
    return FeatureInputs(images=write(run.root, IMAGES, rows), shard="landmarks-0")


def test_each_picture_is_described_once(run, rows, inputs):
    output = extract_features(run, inputs, FeatureSettings())
    found = read_table(run.root, output.features).to_pylist()
    assert [row["sha256"] for row in found] == sorted({row["sha256"] for row in rows})
    assert all(len(unpack(row).keypoints) == len(unpack(row).descriptors) > 20 for row in found)


def test_a_picture_that_kills_its_detector_is_recorded_and_no_other_is_lost(run, rows, inputs, tmp_path, monkeypatch):
    """A stand-in for pyhesaff that dies, for real, of the second of the two pictures."""
    fatal = run.root.path(max(rows, key=lambda row: row["sha256"])["path"])
    (tmp_path / "pyhesaff.py").write_text(FRAGILE.format(fatal=fatal))
    monkeypatch.syspath_prepend(tmp_path)
    output = extract_features(run, inputs, FeatureSettings(detector="hessian-affine"))
    found = read_table(run.root, output.features).to_pylist()
    assert [(row["crashed"], len(unpack(row).keypoints)) for row in found] == [(False, 1), (True, 0)]
    assert output.crashed == 1


def test_what_was_described_before_is_not_described_again(run, rows, inputs):
    first = extract_features(run, inputs, FeatureSettings())
    known = rows[0]
    again = inputs.model_copy(update={"images": write(run.root, IMAGES, [known], "images-2")})
    run.root.remove(known["path"])
    found = read_table(run.root, extract_features(Run(run.root, "features-2"), again, FeatureSettings()).features)
    assert found.to_pylist() == [
        row for row in read_table(run.root, first.features).to_pylist() if row["sha256"] == known["sha256"]
    ]
    # Other settings know nothing of it, and neither does another dataset; nor is a damaged table believed.
    for settings, shard in ((FeatureSettings(max_keypoints=50), "landmarks-0"), (FeatureSettings(), "others-0")):
        with pytest.raises(DamagedTableError):
            extract_features(Run(run.root, "features-3"), again.model_copy(update={"shard": shard}), settings)
    run.root.write("stages/features/2/features.parquet", b"damaged")
    with pytest.raises(DamagedTableError):
        extract_features(Run(run.root, "features-3"), again, FeatureSettings())


def test_again_gives_the_same_bytes(run, inputs):
    assert extract_features(run, inputs, FeatureSettings()) == extract_features(run, inputs, FeatureSettings())


def test_a_damaged_picture_is_named(run, rows, inputs):
    run.root.write(rows[1]["path"], b"other bytes")
    with pytest.raises(DamagedTableError, match=rows[1]["sha256"]):
        extract_features(run, inputs, FeatureSettings())
