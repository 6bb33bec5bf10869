"""Lists whose truth is known: hard views of 60 photographs, and noise among them that is scattered or shared.

A class is 24 pictures. Without noise they are views of one photograph: windows of it at a slant, in other light, partly
covered, small and badly compressed. Noise takes the place of views. One half of it are views of whatever photographs of
other landmarks, and the other half is what other classes have too: views of three photographs, every second under a
caption bar, and stand-ins, the same bytes in each class. Every picture follows from its name.
"""

import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from bench.training.cleaning_world import the_world
from demo.views import Pixels, Recipe, shoot

OF_A_CLASS = 24
_LARGEST = 600  # pixels that a photograph is read at
_STAND_IN = 3  # of the four kinds of shared noise, the one that is the same bytes in each class


class Shot(NamedTuple):
    """A picture to make: its name, which all else follows from, the class that it is listed in, and the photograph."""

    name: str
    landmark: str
    photo: Path
    true: bool = False
    stamp: str = ""

    @property
    def path(self) -> str:
        """The file below a list's folder."""
        return f"{self.landmark}/{self.name}.jpg"


def listed(noise: float, classes: int) -> list[Shot]:
    """The list: of so many of the classes that train, pictures of which this share of each class is noise."""
    true = round(OF_A_CLASS * (1 - noise))
    return [
        shot
        for name, photo in list(the_world().trains.items())[:classes]
        for shot in [*_views(name, photo, true), *_noise(name, OF_A_CLASS - true)]
    ]


def asked(views: int) -> list[Shot]:
    """So many views of each class that is held back."""
    return [shot for name, photo in the_world().held.items() for shot in _views(name, photo, views)]


def distractors() -> list[Shot]:
    """A view each of photographs that no list has."""
    return [Shot(f"distractor-{n:03}", "distractors", photo) for n, photo in enumerate(the_world().distractors)]


def write(shots: Sequence[Shot], folder: Path) -> None:
    """Makes those pictures that the folder lacks."""
    for shot in shots:
        path = folder / shot.path
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            part.write_bytes(drawn(shot))
            part.rename(path)


def _views(name: str, photo: Path, count: int) -> Iterator[Shot]:
    return (Shot(f"{name}-view-{n:02}", name, photo, true=True) for n in range(count))


def _noise(landmark: str, count: int) -> Iterator[Shot]:
    random, world = _random(f"{landmark}-noise"), the_world()
    others = [photo for photo in world.others if photo.parent.name != landmark]
    scattered = random.permutation(len(others)).tolist()
    for n in range(count):
        kind, turn = n // 2 % (len(world.shared) + 1), n // 2
        if n % 2 == 0:
            yield Shot(f"{landmark}-other-{n:02}", landmark, others[scattered[turn % len(others)]])
        elif kind == _STAND_IN:
            yield Shot(f"stand-in-{n:02}", landmark, world.shared[0], stamp="caption")
        else:
            yield Shot(f"{landmark}-shared-{n:02}", landmark, world.shared[kind], stamp="caption" if turn % 2 else "")


def drawn(shot: Shot) -> bytes:
    """The file of a picture."""
    random, covers = _random(shot.name), the_world().others
    photo, cover = _read(shot.photo), _read(covers[random.integers(len(covers))])
    return shoot(_covered(photo, cover, random), _draw(random, shot.stamp)).jpeg


def _draw(random: np.random.Generator, stamp: str) -> Recipe:
    """A window of 45–95 % of each side, turned by up to 25°, its corners moved by up to 16 % of it; in any light."""
    corners = np.array([[-1.0]])
    while corners.min() < 0 or corners.max() > 1:
        side, angle = random.uniform(0.45, 0.95, 2), np.radians(random.uniform(-25, 25))
        unit = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]]) + random.uniform(-0.16, 0.16, (4, 2))
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        corners = (unit * side) @ turn.T + 0.5 + random.uniform(-0.5, 0.5, 2) * (1 - side)
    return Recipe(
        corners=tuple((float(x), float(y)) for x, y in corners),
        scale=float(random.uniform(0.6, 1.0)),
        gamma=float(np.exp(random.uniform(-0.9, 0.9))),
        gain=float(random.uniform(0.6, 1.3)),
        blur=float(max(0.0, random.uniform(-1.0, 2.0))),
        quality=int(random.integers(30, 93)),
        stamp=stamp,
    )


def _covered(photo: Pixels, cover: Pixels, random: np.random.Generator) -> Pixels:
    """The photograph with another one over up to a quarter of it."""
    covered, (height, width) = photo.copy(), photo.shape[:2]
    rows, columns = (max(1, int(side * random.uniform(0.0, 0.5))) for side in (height, width))
    top, left = int(random.integers(height - rows + 1)), int(random.integers(width - columns + 1))
    covered[top : top + rows, left : left + columns] = cv2.resize(cover, (columns, rows), interpolation=cv2.INTER_AREA)
    return covered


@lru_cache(maxsize=128)
def _read(path: Path) -> Pixels:
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    assert pixels is not None, path
    scale = min(1.0, _LARGEST / max(pixels.shape[:2]))
    reduced = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(reduced, np.uint8)


def _random(name: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))
