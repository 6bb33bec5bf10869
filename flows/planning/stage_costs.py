"""What each stage of a curation will do, in pictures, pairs and CPU seconds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flows.planning.sample import Costs
from flows.settings import CurateSettings
from tasks.match.estimate import Pairs, count_pairs

_STRANGERS = 1.4  # photographs of other classes that the shortlist proposes for each: docs/evidence/quality.md


@dataclass(frozen=True)
class Work:
    """What a stage will do: so many images or pairs, and the CPU seconds that they take in all."""

    stage: str
    count: int
    unit: str
    seconds: float


@dataclass(frozen=True)
class Photographs:
    """Photographs of test sets: all of them, and those that come without a signature."""

    count: int = 0
    unsigned: int = 0


def list_works(
    new: int, sizes: NDArray[np.int64], tests: Photographs, costs: Costs, settings: CurateSettings
) -> tuple[list[Work], Pairs]:
    """Returns what the stages will do, as if every address gave an image that stays to the end.

    And the pairs of all classes.

    Args:
        new: addresses to fetch. sizes: int64 (classes,), images of each class that is large enough.
    """
    images, pairs = int(sizes.sum()), count_pairs(sizes, settings.match)
    works = [
        Work("acquire", new, "addresses", new * costs.inspect),
        Work("drawings", new, "images", new * costs.look),
        Work("features", images, "images", images * costs.describe),
        *(_overlap(images, tests, costs, settings) if tests.count else []),
        _overlays(images, costs, settings),
        _match(pairs, costs),
        _classes(sizes, costs, settings),
        Work("illustrate", images, "images", images * costs.illustrate),
    ]
    return works, pairs


def _overlap(images: int, tests: Photographs, costs: Costs, settings: CurateSettings) -> list[Work]:
    """Each image asks for test photographs upright with all of its keypoints, and with some in seven other positions.

    (See `tasks.overlap.candidates`; what comes back are as many pairs as the settings allow, or fewer.)
    """
    overlap = settings.overlap
    asks = 1 + 7 * min(1.0, overlap.copy_keypoints / max(costs.keypoints, 1))
    pairs = images * min(tests.count, overlap.shortlist + overlap.copy_shortlist)
    return [
        Work("signature", tests.unsigned, "images", tests.unsigned * (costs.inspect + costs.describe)),
        Work("overlap", pairs, "pairs", images * asks * costs.propose + pairs * costs.verify),
    ]


def _overlays(images: int, costs: Costs, settings: CurateSettings) -> Work:
    """A sample of all images is matched across classes once, and every image is masked."""
    sampled = min(images, settings.overlays.sample)
    strangers = sampled * min(_STRANGERS, settings.overlays.candidates)
    seconds = sampled * costs.propose + strangers * costs.verify
    return Work("overlays", images, "images", seconds + images * costs.mask)


def _match(pairs: Pairs, costs: Costs) -> Work:
    seconds = pairs.shortlisted * costs.propose + pairs.compared * costs.verify
    return Work("match", pairs.compared, "pairs", seconds)


def _classes(sizes: NDArray[np.int64], costs: Costs, settings: CurateSettings) -> Work:
    """Some photographs of each class ask, with their largest keypoints, for those of other classes."""
    classes = settings.classes
    asking = int(np.minimum(sizes, classes.representatives).sum())
    share = min(1.0, classes.keypoints / max(costs.keypoints, 1))
    pairs = asking * classes.candidates
    return Work("classes", pairs, "pairs", asking * share * costs.propose + pairs * costs.verify)
