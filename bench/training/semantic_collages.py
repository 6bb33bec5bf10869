"""Collages whose captions are true: each shows three things, of which it is known what they are called.

Pictures are pasted from the demo's photographs, and so synthetic; what is said of them follows from what was pasted, in
one of several ways of saying it. Things have words of their own and words in common: two cathedrals are both called so.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.harness.surroundings import demo_photos
from demo.catalogue import PHOTOS

SIDE = 288
_CELL = SIDE // 2
_THINGS = 3

PHRASES: dict[str, tuple[str, ...]] = {
    "notre_dame": ("gothic cathedral with two towers", "old church in Paris"),
    "notre_dame_rain": ("gothic cathedral with two towers", "church in the rain"),
    "chartres": ("gothic cathedral with pointed spires", "old church of grey stone"),
    "st_peters": ("church with a large dome", "columns before a palace in Rome"),
    "sacre_coeur": ("white church on a hill", "church with a large dome"),
    "sistine_creation": ("fresco of two men", "painting on a ceiling"),
    "sistine_ceiling": ("fresco on a ceiling", "painting of many figures"),
    "grand_central": ("station front with statues", "large building in a city"),
    "kiosk": ("wooden kiosk in a garden", "small building with a roof"),
    "kiosk_thermal": ("thermal image of a kiosk", "small building seen by its heat"),
    "summer_palace": ("palace above a lake", "temple with many roofs"),
    "launch_pad": ("rocket on its launch pad", "steel tower beside a rocket"),
    "flower": ("orange flower in bloom", "petals of a plant"),
    "astronaut": ("woman in an orange suit", "person who smiles before a flag"),
    "brick": ("brick wall", "pattern of stone"),
    "camera": ("man with a camera", "person in a black coat on a lawn"),
    "chelsea": ("cat with green eyes", "face of an animal"),
    "coffee": ("cup of coffee", "spoon on a table"),
    "coins": ("old coins in rows", "round pieces of metal"),
    "grass": ("green grass of a lawn", "blades of a plant"),
    "gravel": ("gravel on the ground", "pattern of small stone"),
    "hubble": ("galaxies in deep space", "stars in a dark sky"),
    "ihc": ("tissue under a microscope", "blue and brown cells"),
    "moon": ("craters of the moon", "surface in a dark sky"),
    "motorcycle_left": ("red motorcycle in a workshop", "vehicle with two wheels"),
    "retina": ("retina of an eye", "round and orange picture of veins"),
    "satellite": ("satellite picture of the ground", "city from above"),
}
"""Ways of saying what a photograph shows, by its name in the demo's catalogue."""


class Collage(NamedTuple):
    """A collage: its id, the photographs that it shows, and what is said of it."""

    image_id: int
    things: tuple[str, ...]
    phrases: tuple[str, ...]


def make_collages(count: int) -> list[Collage]:
    """So many collages, the same whenever it is called; some things are shown much more often than others."""
    names, random = list(PHRASES), np.random.default_rng(0)
    shares = 1 / (3 + np.arange(len(names)))
    shares = shares[random.permutation(len(names))] / shares.sum()
    made = []
    for number in range(count):
        things = tuple(names[index] for index in random.choice(len(names), _THINGS, replace=False, p=shares))
        phrases = tuple(PHRASES[thing][random.integers(len(PHRASES[thing]))] for thing in things)
        made.append(Collage(number + 1, things, phrases))
    return made


def write_pictures(collages: Sequence[Collage], folder: Path) -> None:
    """Writes each as `ID.png`: a thing over the half of it, and two in quarters."""
    folder.mkdir(parents=True, exist_ok=True)
    photos = {name: _read(demo_photos() / PHOTOS[name].filename) for name in PHRASES}
    for collage in collages:
        random = np.random.default_rng([1, collage.image_id])
        first, second, third = (photos[thing] for thing in collage.things)
        large, upper, lower = (_window(first, SIDE, random), *(_window(own, _CELL, random) for own in (second, third)))
        parts = [large, np.concatenate([upper, lower])]
        cv2.imwrite(str(folder / f"{collage.image_id}.png"), np.concatenate(parts[:: random.choice([1, -1])], axis=1))


def write_captions(collages: Sequence[Collage], path: Path) -> None:
    """Writes what is said of them in COCO's form."""
    images = [
        {"id": own.image_id, "file_name": f"{own.image_id}.png", "width": SIDE, "height": SIDE} for own in collages
    ]
    said = [(own.image_id, phrase) for own in collages for phrase in own.phrases]
    notes = [{"id": number, "image_id": image, "caption": phrase} for number, (image, phrase) in enumerate(said)]
    path.write_text(json.dumps({"images": images, "annotations": notes}))


def _read(path: Path) -> NDArray[np.uint8]:
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    assert pixels is not None, path
    scale = min(1.0, 2 * SIDE / min(pixels.shape[:2]))
    return np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def _window(photo: NDArray[np.uint8], height: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """A window of a photograph, in other light, as `height` by half of `SIDE`."""
    share = random.uniform(0.55, 0.95)
    tall, wide = photo.shape[:2]
    rows = int(share * min(tall, wide * height / _CELL))
    columns = rows * _CELL // height
    top, left = int(random.integers(tall - rows + 1)), int(random.integers(wide - columns + 1))
    cut = cv2.resize(photo[top : top + rows, left : left + columns], (_CELL, height), interpolation=cv2.INTER_AREA)
    lit = cut[:, :: random.choice([1, -1])] * random.uniform(0.7, 1.25)
    return np.asarray(lit.clip(0, 255), np.uint8)
