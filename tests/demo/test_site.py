"""The built folder: reproducible, consistent with its truth, and of the pictures it promises."""

import csv
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from demo import photos, site, truth
from demo.catalogue import PHOTOS
from demo.plan import entries
from demo.views import Box, Pixels


@pytest.fixture(scope="module")
def port(demo_list: site.DemoList) -> int:
    """The port that `demo_list` was built for."""
    return int(json.loads((demo_list.folder / site.STAMP).read_text())["port"])


def test_an_unchanged_build_is_reused(demo_list: site.DemoList, port: int, tmp_path: Path) -> None:
    before = demo_list.list_path.stat().st_mtime_ns
    assert site.build(demo_list.folder, port, tmp_path / "nowhere").list_path.stat().st_mtime_ns == before


def test_for_another_port_the_same_bytes_are_built_again(
    demo_list: site.DemoList, demo_photos: Path, port: int, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(demo_list.folder, tmp_path / "demo"))
    for path in _files(folder):
        (folder / path).write_bytes(b"" if path != site.STAMP else (folder / path).read_bytes())
    again = site.build(folder, port + 1, demo_photos)
    again.list_path.write_text(again.list_path.read_text().replace(f":{port + 1}/", f":{port}/"))
    (folder / site.STAMP).write_bytes((demo_list.folder / site.STAMP).read_bytes())
    assert _files(folder) == _files(demo_list.folder)


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_list_and_truth_tell_the_same_rows(demo_list: site.DemoList) -> None:
    with demo_list.list_path.open(newline="") as file:
        listed = [(line["id"], line["landmark_id"]) for line in csv.DictReader(file)]
    rows = truth.read(demo_list.truth_path)
    assert listed == [(row.image_id, row.landmark_id) for row in rows]
    assert len(listed) == demo_list.rows
    assert [row.row for row in rows] == list(range(len(rows)))


def test_kept_rows_are_boxed_pictures_of_their_class(demo_list: site.DemoList) -> None:
    kept = [row for row in truth.read(demo_list.truth_path) if row.kept]
    assert {row.pixels for row in kept} == {"real", "re-shot"}
    for row in kept:
        assert row.view_group == row.landmark_id
        assert not row.test_overlap
        assert row.box
        x1, y1, x2, y2 = row.box
        assert x1 < x2
        assert y1 < y2


def test_pictures_are_of_moderate_size(demo_list: site.DemoList) -> None:
    for folder in (demo_list.folder / "files", demo_list.testset):
        for path in folder.glob("*.jpg"):
            pixels = cv2.imread(str(path))
            assert pixels is not None
            assert 300 <= max(pixels.shape[:2]) <= 900, path.name


def test_the_test_set_names_its_sites(demo_list: site.DemoList) -> None:
    stems = sorted(path.stem for path in demo_list.testset.iterdir())
    assert len(stems) == 6
    assert "sacre_coeur_000001" in stems


def test_views_before_other_surroundings_show_their_photograph_inside_of_the_box_alone(
    demo_list: site.DemoList, demo_photos: Path
) -> None:
    names = {entry.image_id: entry.picture.name for entry in entries() if entry.picture}
    surrounded = [row for row in truth.read(demo_list.truth_path) if row.surroundings and row.kept]
    assert len(surrounded) > 40
    for row in surrounded[::8]:
        view = cv2.imread(str(demo_list.folder / "files" / f"{names[row.image_id]}.jpg"))
        box = PHOTOS[row.photo or ""].box
        assert view is not None
        assert box
        photo = photos.read(row.photo or "", demo_photos)
        homography, size = np.array(row.homography).reshape(3, 3), (view.shape[1], view.shape[0])
        # Blurred, so that the geometry is compared and not the development of the picture.
        own, found = (cv2.GaussianBlur(p, (0, 0), 2) for p in (cv2.warpPerspective(photo, homography, size), view))
        inside, near = (cv2.warpPerspective(_mask(photo, box, seam), homography, size) for seam in (0.0, 0.05))
        assert np.corrcoef(own[inside > 0].ravel(), found[inside > 0].ravel())[0, 1] > 0.85, row.image_id
        if np.count_nonzero(near == 0) > 5000:
            assert np.corrcoef(own[near == 0].ravel(), found[near == 0].ravel())[0, 1] < 0.6, row.image_id


def _mask(photo: Pixels, box: Box, seam: float) -> Pixels:
    """1 in the box and around it, as far as this share of its shorter side; 0 elsewhere."""
    wider = seam * min(box[2] - box[0], box[3] - box[1])
    x1, y1, x2, y2 = (max(0, round(side)) for side in (box[0] - wider, box[1] - wider, box[2] + wider, box[3] + wider))
    mask = np.zeros(photo.shape[:2], np.uint8)
    mask[y1:y2, x1:x2] = 1
    return mask
