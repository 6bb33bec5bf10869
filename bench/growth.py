"""The claim: what an image costs hardly depends on the size of its class, in time and in memory.

One class of growing size, matched by the stage as the flow runs it, each size in a process of its own: photographs of
13 landmarks pooled, topped up with re-shot views of them. The costs are projected to the lists of the papers. Needs the
photographs that developers have beside the repository (`SHARED_DATA`).
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bench.collection import Collection, Photograph, describe, one_native_thread, read_photographs
from bench.match_inputs import write_inputs
from bench.result import Comparison, Figure, Result
from demo import views
from storage.root import Root
from tasks.acquire.decode import decode

_SIZES = (100, 300, 1000, 3000, 5000)
_QUICK_SIZES = (50, 100)
_VIEW = "-view-"
_FITTED = 3000  # the exponent is that of the sizes up to this one; the next is there for its memory
_LISTS = {"landmarks_full": (192_000, 586), "gldv2": (4_132_914, 203_094)}
_TARGETS: dict[str, tuple[Comparison, float]] = {"landmarks_full_core_hours": ("<=", 12)}


@dataclass(frozen=True)
class Cost:
    """Of matching one class: images, CPU seconds, peak bytes of the process, pairs compared and verified."""

    images: int
    seconds: float
    peak: int
    compared: int
    verified: int

    def line(self) -> str:
        """For people."""
        each, pairs = 1000 * self.seconds / self.images, self.compared / self.images
        return (
            f"{self.images:6,} {self.seconds:9.1f} {each:10.1f} {pairs:10.1f} {self.verified:9,} {self.peak / 1e9:8.2f}"
        )


def measure(quick: bool) -> Result:
    """Matches a class of each size."""
    sizes = _QUICK_SIZES if quick else _SIZES
    with one_native_thread():
        collection = describe(top_up(read_photographs(), sizes[-1]))
    print("images   seconds   ms/image pairs/image  verified   peak GB")
    costs = []
    for size in sizes:
        costs.append(match_once(_choose(collection, size)))
        print(costs[-1].line(), flush=True)
    figures = {**_feature_figures(collection), **_figures(costs), **project(costs, collection)}
    return Result(figures, {} if quick else _TARGETS)


def top_up(photographs: list[Photograph], count: int) -> Iterator[Photograph]:
    """The photographs and then views of them, by turns, until there are `count`."""
    yield from photographs[:count]
    for number in range(count - len(photographs)):
        turn, place = divmod(number, len(photographs))
        original = photographs[place]
        name = f"{original.image_id}{_VIEW}{turn}"
        pixels = np.ascontiguousarray(decode(original.content)[:, :, ::-1])
        view = views.shoot(pixels, views.draw(name, (pixels.shape[0], pixels.shape[1]), None))
        yield Photograph(name, original.landmark_id, view.jpeg)


def match_once(collection: Collection) -> Cost:
    """Runs the stage over the collection as one class, in a process of its own."""
    with tempfile.TemporaryDirectory() as root:
        inputs = {name: ref.model_dump() for name, ref in write_inputs(Root(root), collection).items()}
        command = [sys.executable, "-m", "bench.match_once", root, json.dumps(inputs)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Cost(images=len(collection.members), **json.loads(done.stdout.splitlines()[-1]))


def project(costs: list[Cost], collection: Collection) -> dict[str, Figure]:
    """Core-hours of the lists of the papers, if all of their classes were of the mean size.

    What overlays look like is learnt once, from a sample of the same size whatever the list.
    """
    images = np.log([cost.images for cost in costs])
    each = np.log([cost.seconds / cost.images for cost in costs])
    before = (collection.detect_seconds + collection.mask_seconds) / len(collection.members)
    projected: dict[str, Figure] = {}
    for name, (count, classes) in _LISTS.items():
        match = float(np.exp(np.interp(np.log(count / classes), images, each)))
        projected[f"{name}_core_hours"] = (count * (before + match) + collection.learn_seconds) / 3600
    return projected


def _choose(collection: Collection, size: int) -> Collection:
    """`size` of the photographs, taken by whole families: an original with its views, as dense in any size."""
    families: dict[str, list[int]] = {}
    for place, image in enumerate(collection.members):
        families.setdefault(str(image["image_id"]).split(_VIEW)[0], []).append(place)
    names = np.random.default_rng(0).permutation(sorted(families)).tolist()
    places = [place for name in names for place in families[name]][:size]
    return collection.part(sorted(places, key=lambda place: str(collection.members[place]["image_id"])), "all")


def _figures(costs: list[Cost]) -> dict[str, Figure]:
    fitted = [cost for cost in costs if cost.images <= _FITTED]
    seconds, images = (np.log([getattr(cost, name) for cost in fitted]) for name in ("seconds", "images"))
    exponent = float(np.polyfit(images, seconds, 1)[0])
    each = {f"match_ms_per_image_{cost.images}": 1000 * cost.seconds / cost.images for cost in costs}
    peaks = {f"peak_gigabytes_{cost.images}": cost.peak / 1e9 for cost in costs}
    return {"exponent_of_seconds": exponent, **each, **peaks}


def _feature_figures(collection: Collection) -> dict[str, Figure]:
    each = 1000 / len(collection.members)
    return {
        "detect_ms_per_image": each * collection.detect_seconds,
        "mask_ms_per_image": each * collection.mask_seconds,
        "learn_overlays_seconds": collection.learn_seconds,
    }
