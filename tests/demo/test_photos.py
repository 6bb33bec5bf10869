"""Photographs come whole or not at all."""

import shutil
from pathlib import Path

import pytest

from demo import photos
from demo.catalogue import PHOTOS, describe


def test_a_filled_cache_needs_no_network(demo_photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "_download", lambda *_: pytest.fail("went to the network"))
    photos.fetch(demo_photos)
    assert photos.read("summer_palace", demo_photos).shape == (427, 640, 3)


def test_a_changed_photograph_is_named_with_its_remedy(demo_photos: Path, tmp_path: Path) -> None:
    for photo in PHOTOS.values():
        shutil.copyfile(demo_photos / photo.filename, tmp_path / photo.filename)
    (tmp_path / PHOTOS["moon"].filename).write_bytes(b"another picture")
    with pytest.raises(photos.PhotosUnavailableError, match=r"moon.*delete .*moon\.png"):
        photos.fetch(tmp_path)


def test_a_package_out_of_reach_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(photos.PhotosUnavailableError, match=r"could not download easy-local-features==0\.8\.29"):
        photos.fetch(tmp_path)


def test_every_photograph_is_described_with_its_rights() -> None:
    text = describe()
    assert all(f"| {photo.name} | {photo.package.requirement} |" in text for photo in PHOTOS.values())
    assert all(photo.rights for photo in PHOTOS.values())


def test_a_landmark_without_surroundings_is_the_whole_picture(demo_photos: Path) -> None:
    for photo in PHOTOS.values():
        if photo.box:
            height, width = photos.read(photo.name, demo_photos).shape[:2]
            assert photo.has_surroundings == (photo.box != (0, 0, width, height)), photo.name
