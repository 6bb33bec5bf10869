"""The claim: what overlays look like is learnt in a fraction of the time of one keypoint after the other, to a byte.

From what unrelated photographs agree on: of the 13 landmarks in `SHARED_DATA`, and of the noisy list of the bench
`cleaning`, whose classes share photographs and so agree on much.
"""

from collections.abc import Iterator
from hashlib import sha256
from time import process_time

import numpy as np
from numpy.typing import NDArray

from bench.harness.collection import Photograph, describe, one_native_thread, read_photographs
from bench.harness.result import Figure, Result
from bench.training.cleaning_pictures import drawn, listed
from tasks.features.overlays import Templates, learn_templates
from tasks.features.settings import OverlaySettings
from tasks.match.cross_class import agreements
from tasks.match.settings import MatchSettings

_NOISE, _CLASSES, _QUICK_CLASSES = 0.6, 40, 4
_SETTINGS = OverlaySettings()


def measure(quick: bool) -> Result:
    """Learns templates both ways, and compares CPU seconds and bytes."""
    figures: dict[str, Figure] = {}
    lists = {"noisy": _noisy_list(_QUICK_CLASSES if quick else _CLASSES)}
    if not quick:
        lists["landmarks"] = iter(read_photographs())
    with one_native_thread():
        for name, photographs in lists.items():
            figures |= {f"{name}_{key}": value for key, value in _compare(photographs).items()}
    return Result(figures, {f"{name}_equal": ("==", 1) for name in lists})


def _noisy_list(classes: int) -> Iterator[Photograph]:
    return (Photograph(shot.path, shot.landmark, drawn(shot)) for shot in listed(_NOISE, classes))


def _compare(photographs: Iterator[Photograph]) -> dict[str, Figure]:
    collection = describe(photographs, masked=False)
    described = zip(collection.members, collection.features, strict=True)
    by_digest = {image["sha256"]: (image, own) for image, own in described}
    by_hash = sorted(by_digest, key=lambda digest: sha256(digest.encode()).hexdigest())[: _SETTINGS.sample]
    descriptors, classes = agreements([by_digest[digest] for digest in by_hash], _SETTINGS, MatchSettings())
    begun = process_time()
    ours = learn_templates(descriptors, classes, _SETTINGS)
    learnt = process_time()
    theirs = _one_by_one(descriptors, classes)
    seconds, plain = learnt - begun, process_time() - learnt
    equal = all(np.array_equal(getattr(ours, name), getattr(theirs, name)) for name in ("descriptors", "classes"))
    figures = {"photographs": len(by_hash), "keypoints": len(classes), "templates": len(ours.classes)}
    return {**figures, "seconds": seconds, "one_by_one": plain, "ratio": plain / seconds, "equal": float(equal)}


def _one_by_one(descriptors: NDArray[np.uint8], classes: list[frozenset[str]]) -> Templates:
    """The same groups as they are defined: each keypoint looks at all leaders before it."""
    order = sorted(range(len(classes)), key=lambda k: (-len(classes[k]), descriptors[k].tobytes()))
    leaders, halves, carried = np.zeros((len(order), 128), np.float32), np.zeros(len(order)), list[set[str]]()
    for index in order:
        vector, known = descriptors[index].astype(np.float32), len(carried)
        apart = halves[:known] - leaders[:known] @ vector + vector @ vector / 2  # half the squared distance
        nearest = int(apart.argmin()) if known else 0
        if known and 2 * apart[nearest] <= _SETTINGS.template_radius**2:
            carried[nearest] |= classes[index]
        else:
            leaders[known], halves[known] = vector, vector @ vector / 2
            carried.append(set(classes[index]))
    counts = np.array([len(names) for names in carried], np.int64)
    enough = np.flatnonzero(counts >= _SETTINGS.min_classes)
    return Templates(leaders[enough].astype(np.uint8), counts[enough])
