"""The user's own pictures, where there are any."""

import re
from collections.abc import Collection
from pathlib import Path, PurePath

_SUFFIXES = {".jpg", ".jpeg", ".png"}
_COCO = re.compile(r"(?:COCO_[a-z]+\d+_)?0*(\d+)", re.ASCII)


def find_pictures(folder: Path, image_ids: Collection[str]) -> dict[str, Path]:
    """Returns the files below a folder that are named by these image ids; the first of each name.

    Names are such as `VG_100K/1.jpg`, or COCO's `000000000139.jpg` and `COCO_val2014_000000000139.jpg` for 139.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        name = named_by(path, image_ids)
        if name in image_ids and path.suffix.lower() in _SUFFIXES and path.is_file():
            found.setdefault(name, path)
    return found


def named_by(path: PurePath, image_ids: Collection[str]) -> str:
    """Returns the id of an image by the name of its file, whether there is one of this id or not."""
    padded = _COCO.fullmatch(path.stem)
    return path.stem if path.stem in image_ids or not padded else padded[1]
