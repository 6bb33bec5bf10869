"""The user's own pictures, where there are any."""

from collections.abc import Collection
from pathlib import Path

_SUFFIXES = {".jpg", ".jpeg", ".png"}


def find_pictures(folder: Path, image_ids: Collection[str]) -> dict[str, Path]:
    """The files below a folder that are named by these image ids, such as `VG_100K/1.jpg`; the first of each name."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.stem in image_ids and path.suffix.lower() in _SUFFIXES and path.is_file():
            found.setdefault(path.stem, path)
    return found
