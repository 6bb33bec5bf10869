"""The built folder: reproducible, consistent with its truth, and of the pictures it promises."""

import csv
import hashlib
from pathlib import Path

import cv2
import numpy as np

from demo import photos, site, truth
from demo.catalogue import PHOTOS
from demo.plan import entries
from demo.views import Box, Pixels


def _digests(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_two_builds_are_the_same_bytes(demo_photos: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        site.build(tmp_path / name, 8765, demo_photos)
    assert _digests(tmp_path / "first") == _digests(tmp_path / "second")


def test_an_unchanged_build_is_reused_and_a_new_port_is_not(demo_photos: Path, tmp_path: Path) -> None:
    built = site.build(tmp_path, 8765, demo_photos)
    before = built.list_path.stat().st_mtime_ns
    assert site.build(tmp_path, 8765, tmp_path / "nowhere").list_path.stat().st_mtime_ns == before
    assert ":8766/" in site.build(tmp_path, 8766, demo_photos).list_path.read_text()


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
