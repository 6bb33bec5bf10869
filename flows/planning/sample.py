"""What a picture and a pair cost on this machine: the stages' own code, timed on a few pictures."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from time import perf_counter, thread_time
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from flows.settings import CurateSettings
from tasks.acquire.drawings import look_at
from tasks.acquire.inspect import Picture, inspect
from tasks.features.extract import Extractor
from tasks.features.overlays import Mask, Templates, mask_overlays
from tasks.features.packed import Features
from tasks.match.layers import verify_beneath
from tasks.match.repeats import repeats
from tasks.match.shortlist import shortlist
from tasks.match.verify import pair_seed
from tasks.pages.pictures import thumbnail

PICTURES = 24
_OF_A_CLASS = 4
_SIDES = 1280, 960
DRAWN_SIZE = "{} × {}".format(*_SIDES)
_RECTANGLES = 1000  # so that a picture has as many keypoints as a photograph of a landmark, and costs as much
_TEMPLATES = 700  # as many patterns as were learnt from the photographs of 13 landmarks: docs/evidence/quality.md
_PAIRS = 60
_WARM_UP = 6


@dataclass(frozen=True)
class Costs:
    """CPU seconds on this machine, for each picture; of `verify`, for each pair.

    Attributes:
        look: of looking whether it is drawn. propose: of finding out which others a picture is to be compared with.
        keypoints: found in a picture, the mean.
    """

    pictures: int
    inspect: float
    look: float
    describe: float
    mask: float
    propose: float
    verify: float
    illustrate: float
    keypoints: float

    @property
    def picture(self) -> float:
        """What a picture costs by itself."""
        return self.inspect + self.look + self.describe + self.mask + self.illustrate


def measure_costs(contents: Sequence[bytes], settings: CurateSettings) -> Costs | None:
    """Times the stages on pictures, as the stages run.

    That is on one native thread, in a thread that is not the main one: memory for pictures comes cheaper there, and
    detection costs a quarter less.

    Returns:
        None where fewer than two of the files are accepted images.
    """
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_measure, contents, settings).result()


def choose_sample(classes: NDArray[Any]) -> NDArray[np.int64]:
    """Returns places of up to `PICTURES` pictures whose classes (n,) are given: four of a class, so that some match.

    Large classes come first, and among equals chance decides, always in the same way.
    """
    names, member, counts = np.unique(classes, return_inverse=True, return_counts=True)
    most = max(_OF_A_CLASS, -(-PICTURES // len(names)))
    shuffled = np.random.default_rng(0).permutation(len(names))
    order = shuffled[np.argsort(-np.minimum(counts, most)[shuffled], kind="stable")]
    chosen = [np.flatnonzero(member == name)[:most] for name in order[:PICTURES]]
    return np.concatenate(chosen)[:PICTURES].astype(np.int64)


def draw_sample() -> list[bytes]:
    """Made-up pictures, full of corners, of `_SIDES` pixels: scenes, each from several sides, as JPEG files."""
    width, height = _SIDES
    files = []
    for number in range(PICTURES):
        random = np.random.default_rng(number)
        if number % _OF_A_CLASS == 0:
            scene = _draw_scene(random)
        view = cv2.getRotationMatrix2D((width / 2, height / 2), random.uniform(-8, 8), random.uniform(0.9, 1.3))
        picture = cv2.warpAffine(scene, view, (width, height), borderMode=cv2.BORDER_REFLECT)
        files.append(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())
    return files


def _draw_scene(random: np.random.Generator) -> NDArray[np.uint8]:
    width, height = _SIDES
    picture = np.full((height, width, 3), 128, np.uint8)
    for size in np.geomspace(500, 12, _RECTANGLES):
        corner = (random.uniform(0, 1, 2) * _SIDES).astype(int)
        opposite = corner + (size * random.uniform(0.5, 1.5, 2)).astype(int)
        cv2.rectangle(picture, corner.tolist(), opposite.tolist(), random.integers(0, 256, 3).tolist(), -1)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.5), np.uint8)


def _measure(contents: Sequence[bytes], settings: CurateSettings) -> Costs | None:
    inspected, found = _timed(lambda: [(inspect(content, settings.acquire), content) for content in contents])
    readable = [(facts, content) for facts, content in found if isinstance(facts, Picture)]
    if len(readable) < 2:
        return None
    with threadpool_limits(limits=1):
        described, features = _describe([content for _, content in readable], settings)
        masked, _ = _timed(lambda: [_mask(*one, settings) for one in zip(readable, features, strict=True)])
        proposed, _ = _timed(lambda: shortlist(features, settings.match))
        pairs = list(combinations(range(len(readable)), 2))
        pairs = pairs[:: max(1, len(pairs) // _PAIRS)]
        looked, _ = _timed(lambda: [look_at(content) for _, content in readable])
        facts = [picture for picture, _ in readable]
        verified, _ = _timed(lambda: [_verify(a, b, facts, features, settings) for a, b in pairs])
        illustrated, _ = _timed(lambda: [thumbnail(content) for _, content in readable])
    count = len(readable)
    return Costs(
        pictures=count,
        inspect=inspected / len(contents),
        look=looked / count,
        describe=described / count,
        mask=masked / count,
        propose=proposed / count,
        verify=verified / len(pairs),
        illustrate=illustrated / count,
        keypoints=sum(len(one.descriptors) for one in features) / count,
    )


def _describe(contents: Sequence[bytes], settings: CurateSettings) -> tuple[float, list[Features]]:
    with Extractor(settings.features) as extractor:
        for content in contents[:_WARM_UP]:  # of thousands, few start a child process or have memory to ask for
            extractor.extract(content)
        clock = thread_time if settings.features.detector == "sift" else perf_counter
        seconds, found = _timed(lambda: [extractor.extract(content) for content in contents], clock)
    nothing = Features(np.zeros((0, 6), np.float32), np.zeros((0, 128), np.uint8))
    return seconds, [one or nothing for one in found]


def _mask(readable: tuple[Picture, bytes], features: Features, settings: CurateSettings) -> Mask:
    picture, _ = readable
    patterns = np.random.default_rng(0).integers(0, 256, (_TEMPLATES, 128), np.uint8)
    templates = Templates(patterns, np.zeros(_TEMPLATES, np.int64))
    return mask_overlays(features, templates, max(picture.width, picture.height), settings.overlays)


def _verify(a: int, b: int, facts: Sequence[Picture], features: Sequence[Features], settings: CurateSettings) -> bool:
    first, second = facts[a], facts[b]
    sizes = (first.width, first.height), (second.width, second.height)
    found = verify_beneath(features[a], features[b], sizes, settings.match, pair_seed(first.sha256, second.sha256))
    return found is not None and repeats(features[a], features[b], sizes, found, settings.match)


def _timed(work: Callable[[], Any], clock: Callable[[], float] = thread_time) -> tuple[float, Any]:
    begun = clock()
    result = work()
    return clock() - begun, result
