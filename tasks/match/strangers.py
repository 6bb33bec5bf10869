"""What photographs of different classes agree on."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.features.packed import Features
from tasks.features.settings import OverlaySettings
from tasks.match.settings import MatchSettings
from tasks.match.shortlist import DescriptorIndex
from tasks.match.verify import pair_seed, verify


def agreements(
    described: Sequence[tuple[dict[str, Any], Features]], overlays: OverlaySettings, match: MatchSettings
) -> tuple[NDArray[np.uint8], list[frozenset[str]]]:
    """The keypoints that verified pairs across classes rest on.

    Each photograph is compared with the `candidates` of other classes that get most of its votes.

    Args:
        described: photographs as rows of the table `images` with their features.

    Returns:
        descriptors, uint8 (n, 128), and per descriptor the classes it was matched in, its own among them.
    """
    features = [own for _, own in described]
    classes = np.array([image["landmark_id"] for image, _ in described], object)
    index, matched = DescriptorIndex(features), dict[tuple[int, int], set[str]]()
    for a, b in _candidates(features, classes, index, overlays.candidates):
        image, other = described[a][0], described[b][0]
        size = (other["width"], other["height"])
        found = verify(features[a], features[b], size, match, pair_seed(image["sha256"], other["sha256"]))
        if found:
            for place, positions in ((a, found.matched[:, :2]), (b, found.matched[:, 2:])):
                for keypoint in _at(features[place], positions):
                    matched.setdefault((place, keypoint), set()).update((classes[a], classes[b]))
    order = sorted(matched)
    descriptors = np.array([features[place].descriptors[keypoint] for place, keypoint in order], np.uint8)
    return descriptors.reshape(-1, 128), [frozenset(matched[key]) for key in order]


def _candidates(
    features: list[Features], classes: NDArray[Any], index: DescriptorIndex, count: int
) -> list[tuple[int, int]]:
    """Pairs (lower first, sorted) of photographs of different classes, one among the other's best `count`."""
    pairs = set()
    for a, own in enumerate(features):
        votes = np.where(classes == classes[a], 0, index.votes(own))
        best = np.argsort(-votes, kind="stable")[:count]
        pairs |= {(min(a, b), max(a, b)) for b in best[votes[best] > 0].tolist()}
    return sorted(pairs)


def _at(features: Features, positions: NDArray[np.float32]) -> list[int]:
    """Numbers of the keypoints at these positions (n, 2), each of which is that of a keypoint."""
    wanted = {tuple(position) for position in positions.tolist()}
    return [number for number, position in enumerate(features.positions.tolist()) if tuple(position) in wanted]
