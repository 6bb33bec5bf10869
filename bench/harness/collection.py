"""The photographs of the landmarks beside the repository, described and masked as the flow does it."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from time import process_time
from typing import Any, NamedTuple

import faiss

from bench.harness.surroundings import SHARED_DATA
from tasks.acquire.decode import decode
from tasks.features.detect import detect
from tasks.features.overlays import learn_templates, mask_overlays
from tasks.features.packed import Features
from tasks.features.settings import FeatureSettings, OverlaySettings
from tasks.match.cross_class import agreements
from tasks.match.settings import MatchSettings
from tasks.native import keep_freed_memory, use_one_thread

QUICK_CLASSES = ("machu_picchu", "palace_of_versailles", "petra_jordan")
_TEST_LANDMARK = "eiffel_tower"  # goes whole before matching


class Photograph(NamedTuple):
    """A file, and what a list says of it."""

    image_id: str
    landmark_id: str
    content: bytes


@dataclass(frozen=True)
class Collection:
    """Photographs in the order of their ids.

    Attributes:
        members: rows of the table `images`. features: of each, without the masked keypoints. detect_seconds,
            learn_seconds, mask_seconds: CPU of describing, of learning what overlays look like, and of masking them.
    """

    members: list[dict[str, Any]]
    features: list[Features]
    detect_seconds: float = 0.0
    learn_seconds: float = 0.0
    mask_seconds: float = 0.0

    @property
    def feature_seconds(self) -> float:
        """CPU of all that comes before matching."""
        return self.detect_seconds + self.learn_seconds + self.mask_seconds

    @cached_property
    def classes(self) -> dict[str, list[int]]:
        """The indices of the photographs of each class."""
        found: dict[str, list[int]] = {}
        for index, image in enumerate(self.members):
            found.setdefault(image["landmark_id"], []).append(index)
        return dict(sorted(found.items()))

    def part(self, indices: list[int], landmark: str) -> "Collection":
        """The photographs of these indices, ascending, as if they were one class."""
        members = [{**self.members[index], "landmark_id": landmark} for index in indices]
        return Collection(members, [self.features[index] for index in indices])


def read_photographs(classes: tuple[str, ...] | None = None, collection: str = "landmarks") -> list[Photograph]:
    """A collection's photographs of these classes (None: of all but the one that a test set shows), by their ids."""
    if not SHARED_DATA.is_dir():
        raise SystemExit(f"this bench needs the photographs in {SHARED_DATA}")
    files = sorted((SHARED_DATA / collection).glob("*/*"), key=lambda file: file.stem)
    chosen = [f for f in files if (f.parent.name in classes if classes else f.parent.name != _TEST_LANDMARK)]
    return [Photograph(file.stem, file.parent.name, file.read_bytes()) for file in chosen]


def describe(
    photographs: Iterable[Photograph], *, masked: bool = True, settings: FeatureSettings | None = None
) -> Collection:
    """Detects, learns what unrelated classes have in common, and masks it unless told not to."""
    begun = process_time()
    described = [_describe(photograph, settings or FeatureSettings()) for photograph in photographs]
    members, features = [image for image, _ in described], [own for _, own in described]
    collection = Collection(members, features, process_time() - begun)
    return mask(collection) if masked else collection


def mask(collection: Collection) -> Collection:
    """Learns what unrelated classes have in common, and masks it."""
    begun = process_time()
    overlays, described = OverlaySettings(), list(zip(collection.members, collection.features, strict=True))
    sample = {image["sha256"]: (image, features) for image, features in described}
    by_hash = sorted(sample, key=lambda sha256: hashlib.sha256(sha256.encode()).hexdigest())[: overlays.sample]
    templates = learn_templates(*agreements([sample[key] for key in by_hash], overlays, MatchSettings()), overlays)
    learnt = process_time()
    left = [
        features.without(mask_overlays(features, templates, max(image["width"], image["height"]), overlays).keypoints)
        for image, features in described
    ]
    seconds = (collection.detect_seconds, learnt - begun, process_time() - learnt)
    return Collection(collection.members, left, *seconds)


def _describe(photograph: Photograph, settings: FeatureSettings) -> tuple[dict[str, Any], Features]:
    picture = decode(photograph.content)
    height, width = picture.shape[:2]
    image = {
        "image_id": photograph.image_id,
        "landmark_id": photograph.landmark_id,
        "sha256": hashlib.sha256(photograph.content).hexdigest(),
        "width": width,
        "height": height,
    }
    return image, Features(*detect(picture, settings))


@contextmanager
def one_native_thread() -> Iterator[None]:
    """As the stages run; the CPU seconds of several threads in each other's way would say nothing."""
    faiss.omp_set_num_threads(1)
    use_one_thread()
    keep_freed_memory()
    yield
