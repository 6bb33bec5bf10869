"""The claim: what an image costs stays about flat as its class grows, and memory has a bound.

One class of growing size, matched by the stage as the flow runs it, each size in a process of its own: photographs of
13 landmarks pooled, topped up with re-shot views of them. A larger pool has more photographs of each landmark, and so
more pairs to find of each photograph. What the size alone costs is measured beside it: the same photographs, with the
same pairs to find, as one class, as four of whole landmarks, and as one of each landmark. The costs are projected to
the lists of the papers. Needs the photographs that developers have beside the repository (`SHARED_DATA`).
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from bench.harness.collection import Collection, Photograph, describe, one_native_thread, read_photographs
from bench.harness.result import Comparison, Figure, Result
from bench.matching.match_inputs import write_inputs
from demo import views
from storage.root import Root
from tasks.acquire.decode import decode

_SIZES = (100, 300, 1000, 3000, 5000)
_QUICK_SIZES = (50, 100)
_VIEW = "-view-"
_FITTED = 3000  # the exponent is that of the sizes up to this one; the next is there for its memory
_LISTS = {"landmarks_full": (192_000, 586), "gldv2": (4_132_914, 203_094)}
_CUTS = (13, 4)  # classes that the photographs of one class are cut into, to be matched again
_QUICK_CUTS = (4,)
_TARGETS: dict[str, tuple[Comparison, float]] = {
    "exponent_of_seconds": ("<=", 1.1),
    "exponent_of_the_same": ("<=", 1.1),
    "landmarks_full_core_hours": ("<=", 12),
}


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
        each, pairs, true = (n / self.images for n in (1000 * self.seconds, self.compared, self.verified))
        return f"{self.images:6,} {self.seconds:9.1f} {each:10.1f} {pairs:10.1f} {true:10.1f} {self.peak / 1e9:8.2f}"


def measure(quick: bool) -> Result:
    """Matches a class of each size."""
    sizes, cuts = (_QUICK_SIZES, _QUICK_CUTS) if quick else (_SIZES, _CUTS)
    with one_native_thread():
        collection = describe(top_up(read_photographs(), sizes[-1]))
    print("images   seconds   ms/image pairs/image true/image  peak GB")
    costs = {size: _show(match_once(collection.part(_choose(collection, size), "all"))) for size in sizes}
    whole = _FITTED if _FITTED in costs else sizes[-1]
    same = {1: costs[whole]}
    for classes in cuts:
        print(f"the same {whole:,} as {classes} classes:")
        same[classes] = _show(match_apart(cut(collection, _choose(collection, whole), classes)))
    figures = {
        **_feature_figures(collection),
        **_figures(list(costs.values())),
        **_same_figures(same),
        **project(list(costs.values()), collection),
    }
    return Result(figures, {} if quick else _TARGETS)


def top_up(photographs: list[Photograph], count: int) -> Iterator[Photograph]:
    """The photographs and then views of them, by turns, until there are `count`."""
    yield from photographs[:count]
    for number in range(count - len(photographs)):
        turn, index = divmod(number, len(photographs))
        original = photographs[index]
        name = f"{original.image_id}{_VIEW}{turn}"
        pixels = np.ascontiguousarray(decode(original.content)[:, :, ::-1])
        view = views.shoot(pixels, views.draw(name, (pixels.shape[0], pixels.shape[1]), None))
        yield Photograph(name, original.landmark_id, view.jpeg)


def match_once(collection: Collection) -> Cost:
    """Runs the stage over the collection as one class, in a process of its own."""
    with tempfile.TemporaryDirectory() as root:
        inputs = write_inputs(Root(root), collection).model_dump_json()
        command = [sys.executable, "-m", "bench.matching.match_once", root, inputs]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Cost(images=len(collection.members), **json.loads(done.stdout.splitlines()[-1]))


def cut(collection: Collection, indices: list[int], count: int) -> Iterator[Collection]:
    """The photographs of these indices as so many classes of whole landmarks, of sizes as equal as these allow."""
    classes: list[list[int]] = [[] for _ in range(count)]
    for landmark in sorted(collection.classes.values(), key=len, reverse=True):
        min(classes, key=len).extend(sorted({*landmark} & {*indices}))
    for own in classes:
        yield collection.part(sorted(own), "all")


def match_apart(classes: Iterator[Collection]) -> Cost:
    """Runs the stage over each class in turn: the costs in sum, and the largest peak."""
    costs = [match_once(collection) for collection in classes if collection.members]
    sums = {name: sum(getattr(cost, name) for cost in costs) for name in ("images", "seconds", "compared", "verified")}
    return Cost(peak=max(cost.peak for cost in costs), **sums)


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


def _choose(collection: Collection, size: int) -> list[int]:
    """The indices of `size` of the photographs, ascending, taken by whole families: an original with its views."""
    families: dict[str, list[int]] = {}
    for index, image in enumerate(collection.members):
        families.setdefault(str(image["image_id"]).split(_VIEW)[0], []).append(index)
    names = np.random.default_rng(0).permutation(sorted(families)).tolist()
    indices = [index for name in names for index in families[name]][:size]
    return sorted(indices, key=lambda index: str(collection.members[index]["image_id"]))


def _figures(costs: list[Cost]) -> dict[str, Figure]:
    fitted = [cost for cost in costs if cost.images <= _FITTED]
    seconds, images = (np.log([getattr(cost, name) for cost in fitted]) for name in ("seconds", "images"))
    exponent = float(np.polyfit(images, seconds, 1)[0])
    each = {f"match_ms_per_image_{cost.images}": 1000 * cost.seconds / cost.images for cost in costs}
    peaks = {f"peak_gigabytes_{cost.images}": cost.peak / 1e9 for cost in costs}
    return {"exponent_of_seconds": exponent, **each, **peaks}


def _same_figures(costs: Mapping[int, Cost]) -> dict[str, Figure]:
    """Of the same photographs as so many classes; the exponent is that of a class's time by its mean size."""
    images, each = (np.log([of(n) for n in costs]) for of in (lambda n: 1 / n, lambda n: costs[n].seconds))
    times = {f"ms_per_image_as_{n}_classes": 1000 * cost.seconds / cost.images for n, cost in costs.items()}
    return {"exponent_of_the_same": 1 + float(np.polyfit(images, each, 1)[0]), **times}


def _show(cost: Cost) -> Cost:
    print(cost.line(), flush=True)
    return cost


def _feature_figures(collection: Collection) -> dict[str, Figure]:
    each = 1000 / len(collection.members)
    return {
        "detect_ms_per_image": each * collection.detect_seconds,
        "mask_ms_per_image": each * collection.mask_seconds,
        "learn_overlays_seconds": collection.learn_seconds,
    }
