"""Classes whose truth is known: re-shot views of the demo's landmarks among as many real photographs of other things.

Synthetic: the views of a class come from one photograph each. In one kind of class they keep its background, which
matches with the landmark; in the other kind each was re-shot before other surroundings, as in the demo, so that the
landmark alone is what the views share. Needs the photographs that developers have beside the repository
(`SHARED_DATA`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bench.harness.collection import Photograph
from bench.harness.surroundings import SHARED_DATA, demo_photos
from demo import photos, views
from demo.catalogue import PHOTOS
from demo.surroundings import surround
from tasks.acquire.decode import decode

Kind = Literal["own-background", "other-backgrounds"]
KINDS: tuple[Kind, ...] = ("own-background", "other-backgrounds")

_LANDMARKS = ("chartres", "kiosk", "notre_dame", "sacre_coeur_terrace", "st_peters", "summer_palace")
_WATERMARKED = 3  # one photograph in so many


@dataclass(frozen=True)
class Shot:
    """A photograph of a class; `box` is the landmark's, x1, y1, x2, y2 in pixels, None where it shows another thing."""

    photograph: Photograph
    box: views.Box | None


def shoot_classes(kind: Kind, count: int) -> list[Shot]:
    """Per landmark `count` views of it, and as many photographs of other things; a third of all has a watermark."""
    cache, others = demo_photos(), _others()
    shots = []
    for landmark in _LANDMARKS:
        box, photo = PHOTOS[landmark].box, photos.read(landmark, cache)
        assert box
        for number in range(2 * count):
            name = f"{landmark}-{kind}-{number:03}"
            shown = number < count
            pixels = photo if shown and kind == "own-background" else next(others)
            if shown and kind == "other-backgrounds":
                pixels = surround(photo, box, pixels)
            recipe = views.draw(name, (pixels.shape[0], pixels.shape[1]), box if shown else None)
            stamp = "" if number % _WATERMARKED else "watermark"
            view = views.shoot(pixels, replace(recipe, stamp=stamp))
            truth = views.map_box(box, view.homography, view.size) if shown else None
            shots.append(Shot(Photograph(name, landmark, view.jpeg), truth))
    return shots


def _others() -> Iterator[views.Pixels]:
    """Photographs of search results in a random order, each once: (height, width, 3) uint8, BGR."""
    if not SHARED_DATA.is_dir():
        raise SystemExit(f"this bench needs the photographs in {SHARED_DATA}")
    files = sorted((SHARED_DATA / "landmarks").glob("*/*"))
    for index in np.random.default_rng(0).permutation(len(files)).tolist():
        yield np.ascontiguousarray(decode(files[index].read_bytes())[:, :, ::-1])
