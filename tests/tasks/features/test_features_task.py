import hashlib
import io

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from storage.errors import DamagedTableError
from storage.images import put_image
from storage.parquet import read_table, write_table
from storage.root import Root
from storage.tables import IMAGES
from tasks.features.packed import unpack
from tasks.features.settings import FeatureSettings
from tasks.features.task import extract_features
from tasks.orchestration import Output

FRAGILE = """
import os, cv2, numpy as np

def detect_feats_in_image(gray):
    if (gray == cv2.cvtColor(cv2.imread({fatal!r}), cv2.COLOR_BGR2GRAY)).all():
        os.abort()
    return np.array([[1, 2, 3, 0, 3, 0]], np.float32), np.ones((1, 128), np.uint8)
"""


@pytest.fixture
def inputs(tmp_path):
    """A root with three images, two of which are the same picture."""
    root = Root(str(tmp_path))
    rows = []
    for name, seed in (("a", 1), ("b", 2), ("c", 1)):
        cells = np.random.default_rng(seed).integers(0, 256, (20, 24, 3), dtype=np.uint8)
        sink = io.BytesIO()
        Image.fromarray(cells).resize((640, 533)).save(sink, "PNG")
        sha256 = hashlib.sha256(sink.getvalue()).hexdigest()
        path = put_image(root, sink.getvalue(), sha256, "png")
        facts = {
            "bytes": 1,
            "width": 640,
            "height": 533,
            "format": "PNG",
            "mode": "RGB",
            "orientation": 1,
            "frames": 1,
            "pixel_hash": "",
            "phash": "",
            "md5": "0" * 32,
        }
        rows.append({"image_id": name, "landmark_id": "x", "sha256": sha256, "path": path, **facts})
    return (
        root,
        {"images": write_table(root, "images.parquet", IMAGES, pa.Table.from_pylist(rows, IMAGES.schema))},
        rows,
    )


def test_each_picture_is_described_once(inputs):
    root, given, rows = inputs
    output = Output.model_validate(extract_features.fn(root.url, "features-1", given, FeatureSettings()))
    found = read_table(root, output.tables["features"]).to_pylist()
    assert [row["sha256"] for row in found] == sorted({row["sha256"] for row in rows})
    assert all(len(unpack(row).keypoints) == len(unpack(row).descriptors) > 20 for row in found)


def test_a_picture_that_kills_its_detector_is_recorded_and_no_other_is_lost(inputs, tmp_path, monkeypatch):
    """A stand-in for pyhesaff that dies, for real, of the second of the two pictures."""
    root, given, rows = inputs
    fatal = root.path(max(rows, key=lambda row: row["sha256"])["path"])
    (tmp_path / "pyhesaff.py").write_text(FRAGILE.format(fatal=fatal))
    monkeypatch.syspath_prepend(tmp_path)
    output = Output.model_validate(
        extract_features.fn(root.url, "features-1", given, FeatureSettings(detector="hessian-affine"))
    )
    found = read_table(root, output.tables["features"]).to_pylist()
    assert [(row["crashed"], len(unpack(row).keypoints)) for row in found] == [(False, 1), (True, 0)]
    assert output.counts == {"crashed": 1}


def test_again_gives_the_same_bytes(inputs):
    root, given, _ = inputs
    assert extract_features.fn(root.url, "features-1", given, FeatureSettings()) == extract_features.fn(
        root.url, "features-1", given, FeatureSettings()
    )


def test_a_damaged_picture_is_named(inputs):
    root, given, rows = inputs
    root.write(rows[1]["path"], b"other bytes")
    with pytest.raises(DamagedTableError, match=rows[1]["sha256"]):
        extract_features.fn(root.url, "features-1", given, FeatureSettings())
