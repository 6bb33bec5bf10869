"""The photographs behind lists whose truth is known: one each of 60 things, and others that serve as noise.

They are the demo's, and for the rest one of each landmark in `SHARED_DATA`. All follows from their names and sizes.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.harness.surroundings import SHARED_DATA, demo_photos
from demo.catalogue import PHOTOS

_HELD_BACK, _DISTRACTORS = 20, 200
_SECOND_VIEWS = {"notre_dame_rain", "notre_dame_above", "st_peters_obelisk", "sistine_creation", "motorcycle_right"}
_SECOND_VIEWS |= {"grand_central_clock", "sacre_coeur_terrace", "kiosk_thermal"}
_NO_SUBJECT = {"oxford", "oriel", "paris_notredame", "paris_sacrecoeur"}  # nothing to know again, or the demo's


class World(NamedTuple):
    """The photographs: of the classes that train and of those held back, by name; other ones, and shared ones."""

    trains: dict[str, Path]
    held: dict[str, Path]
    distractors: list[Path]
    others: list[Path]
    shared: list[Path]


@cache
def the_world() -> World:
    """All photographs that views are made of."""
    if not SHARED_DATA.is_dir():
        raise SystemExit(f"bench cleaning needs the photographs in {SHARED_DATA}")
    cache_folder, sets = demo_photos(), SHARED_DATA / "testsets"
    found = {name: cache_folder / photo.filename for name, photo in PHOTOS.items() if name not in _SECOND_VIEWS}
    folders = [f for part in ("landmarks", "landmarks_few") for f in sorted((SHARED_DATA / part).iterdir())]
    folders = [folder for folder in folders if folder.name != "eiffel_tower"]  # which Paris shows too
    by_name = {folder.name: sorted(folder.iterdir()) for folder in folders}
    for file in sorted([*sets.glob("*/*.jpg")]):
        by_name.setdefault(file.stem.rpartition("_")[0] or "holidays", []).append(file)
    found |= {name: max(files, key=_size) for name, files in by_name.items() if name not in _NO_SUBJECT}
    names = np.random.default_rng(0).permutation(sorted(found)).tolist()
    held = {name: found[name] for name in sorted(names[:_HELD_BACK])}
    rest = [f for folder in folders if folder.name not in held for f in by_name[folder.name]]
    rest = [file for file in rest if file not in found.values()]
    rest = [rest[index] for index in np.random.default_rng(1).permutation(len(rest))]
    trains = {name: found[name] for name in sorted(names[_HELD_BACK:])}
    return World(trains, held, rest[:_DISTRACTORS], rest[_DISTRACTORS:], by_name["oxford"])


def _size(file: Path) -> int:
    return file.stat().st_size
