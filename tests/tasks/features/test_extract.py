"""Detectors that take their process down with them: a stand-in for pyhesaff dies for real, in its own process."""

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from storage.errors import InputError
from tasks.features.extract import Extractor, extract
from tasks.features.settings import FeatureSettings

HESSIAN = FeatureSettings(detector="hessian-affine", longest_side=64)
FRAGILE = """
import os
from pathlib import Path

import numpy as np


def detect_feats_in_image(gray):
    calls = Path(__file__).with_name("calls")
    with calls.open("a") as lines:
        lines.write(f"{gray.shape[0]}\\n")
    if gray.shape[0] == 62 or gray.shape[0] == 63 and calls.read_text().count("63") == 1:
        os.abort()
    return np.array([[1, 2, 3, 0, 3, 0]], np.float32), np.ones((1, 128), np.uint8)
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a pyhesaff is found that dies of pictures 62 high, and once of pictures 63 high; it notes what it saw."""
    (tmp_path / "pyhesaff.py").write_text(FRAGILE)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path / "calls"


def png(picture: np.ndarray) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(picture).save(sink, "PNG")
    return sink.getvalue()


def blank(height: int) -> bytes:
    return png(np.zeros((height, 64, 3), np.uint8))


def test_a_picture_that_kills_its_detector_twice_has_no_features_and_costs_no_other(calls):
    with Extractor(HESSIAN) as extractor:
        found = [extractor.extract(blank(height)) for height in (60, 62, 61)]
    assert [features is None for features in found] == [False, True, False]
    assert calls.read_text().split() == ["60", "62", "62", "61"]


def test_a_picture_that_kills_its_detector_once_has_its_features(calls):
    with Extractor(HESSIAN) as extractor:
        features = extractor.extract(blank(63))
    assert len(features.keypoints) == 1
    assert calls.read_text().split() == ["63", "63"]


@pytest.mark.parametrize("detector", ["sift", "hessian-affine", "colmap-affine"])
def test_the_child_finds_what_this_process_finds(detector):
    picture = png(np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8).repeat(16, 0).repeat(16, 1))
    settings = FeatureSettings(detector=detector)
    with Extractor(settings) as extractor:
        there, here = extractor.extract(picture), extract(picture, settings)
    assert len(here.keypoints) > 20
    np.testing.assert_array_equal(there.keypoints, here.keypoints)
    np.testing.assert_array_equal(there.descriptors, here.descriptors)


def test_exif_orientation_is_applied():
    picture = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8).repeat(16, 0).repeat(16, 1)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned clockwise by a quarter
    sink = io.BytesIO()
    Image.fromarray(np.rot90(picture)).save(sink, "PNG", exif=exif)
    turned, upright = (extract(content, FeatureSettings()) for content in (sink.getvalue(), png(picture)))
    np.testing.assert_array_equal(turned.keypoints, upright.keypoints)


def test_a_missing_library_is_told_before_the_first_picture(monkeypatch):
    monkeypatch.setattr("sys.path", [])
    monkeypatch.delitem(sys.modules, "pyhesaff", raising=False)
    with pytest.raises(InputError, match="needs pyhesaff"):
        Extractor(HESSIAN)
