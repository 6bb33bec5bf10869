"""A flow whose detector segfaults now and then: a stand-in for pyhesaff that dies, for real, of some pictures."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

FRAGILE = """
import os, signal, zlib
import cv2, numpy as np

def detect_feats_in_image(gray):
    if zlib.crc32(gray.tobytes()) % 5 == 1:
        os.kill(os.getpid(), signal.SIGSEGV)
    points, sift = cv2.SIFT.create(300).detectAndCompute(gray, None)
    rows = [(*point.pt, 2.6 * point.size, 0, 2.6 * point.size, 0) for point in points]
    return np.array(rows, np.float32), sift
"""


@pytest.fixture
def fragile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyhesaff.py").write_text(FRAGILE)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("fragile")
def test_crashes_cost_their_pictures_alone_and_are_told(
    run_curate: Any, few: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    roots = [tmp_path / "alone", tmp_path / "together"]
    runs = [
        run_curate(few, root, 'detector = "hessian-affine"\n', runner="threads", workers=workers)
        for root, workers in zip(roots, (1, 3), strict=True)
    ]
    version = runs[0].version
    assert runs[1].version.digest == version.digest
    verdicts = pq.read_table(roots[0] / version.folder / "verdicts.parquet")
    tables = [pq.read_table(path).to_pydict() for path in sorted((roots[0] / "stages/features").glob("*/*.parquet"))]
    crashed = sum(sum(table["crashed"]) for table in tables)
    assert verdicts.num_rows == len(few.lines())
    assert version.crashed_pictures == crashed > 0
    assert sum(len(table["sha256"]) for table in tables) > 2 * crashed
    told = f"{crashed} pictures killed their detector and have no keypoints"
    assert caplog.messages.count(told) == len(runs)
    assert told in (roots[0] / version.folder / "report/index.html").read_text()
