"""What photographs of different classes agree on."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.features.packed import Features
from tasks.features.settings import OverlaySettings
from tasks.match.settings import MatchSettings
from tasks.match.shortlist import shortlist
from tasks.match.verify import pair_seed, verify


def agreements(
    described: Sequence[tuple[dict[str, Any], Features]], overlays: OverlaySettings, match: MatchSettings
) -> tuple[NDArray[np.uint8], list[frozenset[str]]]:
    """Returns the keypoints that verified pairs across classes rest on.

    Each photograph is compared with the few of other classes that are worth it; see `shortlist`.

    Args:
        described: photographs as rows of the table `images` with their features.

    Returns:
        descriptors, uint8 (n, 128), and per descriptor the classes it was matched in, its own among them.
    """
    features = [own for _, own in described]
    classes = [str(image["landmark_id"]) for image, _ in described]
    few, matched = match.model_copy(update={"candidates": overlays.candidates}), dict[tuple[int, int], set[str]]()
    for a, b in sorted(shortlist(features, few, classes)):
        image, other = described[a][0], described[b][0]
        size = (other["width"], other["height"])
        found = verify(features[a], features[b], size, match, pair_seed(image["sha256"], other["sha256"]))
        if found:
            for index, positions in ((a, found.matched[:, :2]), (b, found.matched[:, 2:])):
                for keypoint in _at(features[index], positions):
                    matched.setdefault((index, keypoint), set()).update((classes[a], classes[b]))
    order = sorted(matched)
    descriptors = np.array([features[index].descriptors[keypoint] for index, keypoint in order], np.uint8)
    return descriptors.reshape(-1, 128), [frozenset(matched[key]) for key in order]


def _at(features: Features, positions: NDArray[np.float32]) -> list[int]:
    """Numbers of the keypoints at these positions (n, 2), each of which is that of a keypoint."""
    wanted = {tuple(position) for position in positions.tolist()}
    return [number for number, position in enumerate(features.positions.tolist()) if tuple(position) in wanted]
