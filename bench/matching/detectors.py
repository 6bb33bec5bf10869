"""The claim: the default detector is the one that finds most of what shows the same thing, for its price.

All four on the photographs of landmarks that no test set shows, each with overlays learnt and masked by itself. Needs
the photographs that developers have beside the repository (`SHARED_DATA`).
"""

import hashlib
import resource
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, get_args

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from threadpoolctl import threadpool_limits

from bench.harness.result import Figure, Result
from bench.harness.surroundings import SHARED_DATA
from tasks.acquire.inspect import Picture, inspect
from tasks.acquire.settings import AcquireSettings
from tasks.features.extract import Extractor
from tasks.features.overlays import learn_templates, mask_overlays
from tasks.features.packed import NOTHING, Features
from tasks.features.settings import FeatureSettings, OverlaySettings
from tasks.match.cross_class import agreements
from tasks.match.pairwise import match_class
from tasks.match.settings import MatchSettings
from tasks.match.verify import pair_seed, verify

_TEST_LANDMARK = "eiffel_tower"
_QUICK_CLASSES = ("angkor_wat", "cologne_cathedral", "taj_mahal")
_PER_CLASS = 30
"""Photographs of each class, of which all pairs are compared: four detectors take a quarter of an hour of CPU."""
_STRANGERS = 3_000
"""Random pairs of photographs of different landmarks; a quick run takes a tenth."""

_OVERLAYS, _MATCH = OverlaySettings(), MatchSettings()


class _Photograph(NamedTuple):
    image: dict[str, Any]
    content: bytes


def measure(quick: bool) -> Result:
    """Describes, masks and matches the same photographs with each detector."""
    if not SHARED_DATA.is_dir():
        raise SystemExit(f"bench detectors needs the photographs in {SHARED_DATA}")
    photographs = list(_read(_QUICK_CLASSES if quick else None))
    strangers = _strangers([one.image["landmark_id"] for one in photographs], _STRANGERS // (10 if quick else 1))
    figures: dict[str, Figure] = {"photographs": len(photographs), "cross_class_pairs": len(strangers)}
    with threadpool_limits(limits=1):  # as every stage has it
        for detector in get_args(FeatureSettings.model_fields["detector"].annotation):
            found = measure_detector(photographs, strangers, FeatureSettings(detector=detector))
            print(detector, *(f"{name} {value:,.4g}" for name, value in found.items()), sep="  ", flush=True)
            figures |= {f"{detector} {name}": value for name, value in found.items()}
    return Result(figures, {})


def measure_detector(
    photographs: list[_Photograph], strangers: list[tuple[int, int]], settings: FeatureSettings
) -> dict[str, float]:
    """What one detector finds, and the CPU time of its steps."""
    figures: dict[str, float] = {}
    with _timed(figures, "s per image"), Extractor(settings) as extractor:
        described = [extractor.extract(one.content) for one in photographs]
    figures["s per image"] /= len(photographs)
    features = [own or NOTHING for own in described]
    images = [one.image for one in photographs]
    with _timed(figures, "s for overlays"):
        unmasked = _masked(images, features)
    with _timed(figures, "s for matching"):
        edges, grouped = _inside(images, unmasked)
    with _timed(figures, "s for strangers"):
        false = sum(_agree(images, unmasked, a, b) for a, b in strangers)
    before, after = (np.array([len(own.keypoints) for own in some]) for some in (features, unmasked))
    return {
        "crashed": sum(own is None for own in described),
        "keypoints": float(before.mean()),
        "masked share": float(1 - after.sum() / before.sum()),
        "edges": edges,
        "largest groups": grouped,
        "false edges": false,
        **figures,
        "s in all": figures["s per image"] * len(photographs) + figures["s for overlays"] + figures["s for matching"],
    }


def _read(classes: tuple[str, ...] | None) -> Iterator[_Photograph]:
    """The first photographs of each class that can be read, each once, by class and name."""
    seen, taken = set(), Counter[str]()
    for file in sorted((SHARED_DATA / "landmarks").glob("*/*")):
        landmark, content = file.parent.name, file.read_bytes()
        found = inspect(content, AcquireSettings())
        if landmark == _TEST_LANDMARK or (classes and landmark not in classes) or not isinstance(found, Picture):
            continue
        if found.sha256 not in seen and taken[landmark] < _PER_CLASS:
            seen.add(found.sha256)
            taken[landmark] += 1
            ids = {"image_id": f"{landmark}/{file.name}", "landmark_id": landmark}
            size = {"width": found.width, "height": found.height}
            yield _Photograph({**ids, "sha256": found.sha256, **size}, content)


def _strangers(classes: list[str], count: int) -> list[tuple[int, int]]:
    """Pairs of different classes, lower first; the same ones for the same photographs."""
    first, second = np.triu_indices(len(classes), 1)
    apart = np.flatnonzero(np.array(classes)[first] != np.array(classes)[second])
    chosen = np.sort(np.random.default_rng(0).choice(apart, min(count, len(apart)), replace=False))
    return list(zip(first[chosen].tolist(), second[chosen].tolist(), strict=True))


def _masked(images: list[dict[str, Any]], features: list[Features]) -> list[Features]:
    """The features without those on overlays, as the stages `overlays` and `mask` find them."""
    order = sorted(range(len(images)), key=lambda k: hashlib.sha256(images[k]["sha256"].encode()).hexdigest())
    sample = [(images[k], features[k]) for k in order[: _OVERLAYS.sample]]
    templates = learn_templates(*agreements(sample, _OVERLAYS, _MATCH), _OVERLAYS)
    masks = (
        mask_overlays(own, templates, max(image["width"], image["height"]), _OVERLAYS)
        for image, own in zip(images, features, strict=True)
    )
    return [own.without(mask.keypoints) for own, mask in zip(features, masks, strict=True)]


def _inside(images: list[dict[str, Any]], features: list[Features]) -> tuple[int, int]:
    """The verified pairs inside the classes, and how many images their largest groups have in all."""
    edges = grouped = 0
    for landmark in sorted({image["landmark_id"] for image in images}):
        chosen = [k for k, image in enumerate(images) if image["landmark_id"] == landmark]
        pairs, _ = match_class([images[k] for k in chosen], [features[k] for k in chosen], _MATCH)
        index = {images[k]["image_id"]: number for number, k in enumerate(chosen)}
        ends = [[index[pair[end]] for pair in pairs] for end in ("image_a", "image_b")]
        graph = coo_array((np.ones(len(pairs)), (ends[0], ends[1])), shape=(len(chosen), len(chosen)))
        largest = int(np.bincount(connected_components(graph, directed=False)[1]).max())
        print(f"  {landmark:24} {len(pairs):5} edges, largest group {largest:3} of {len(chosen)}", flush=True)
        edges, grouped = edges + len(pairs), grouped + largest
    return edges, grouped


def _agree(images: list[dict[str, Any]], features: list[Features], a: int, b: int) -> bool:
    size = (images[b]["width"], images[b]["height"])
    seed = pair_seed(images[a]["sha256"], images[b]["sha256"])
    found = verify(features[a], features[b], size, _MATCH, seed)
    if found:
        print(f"  false edge: {images[a]['image_id']} {images[b]['image_id']} {found.inliers} inliers", flush=True)
    return found is not None


@contextmanager
def _timed(figures: dict[str, float], name: str) -> Iterator[None]:
    """CPU seconds of this process and of the children that ended meanwhile."""
    start = _cpu()
    yield
    figures[name] = _cpu() - start


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
