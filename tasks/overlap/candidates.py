"""The test photographs that an image is compared with: as one of the same landmark, or as a copy in any position."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.features.packed import Features
from tasks.match.settings import MatchSettings
from tasks.match.verify import Verification, verify
from tasks.match.voting import DescriptorIndex, most_voted
from tasks.overlap.settings import OverlapSettings


class Position(NamedTuple):
    """How an image lies before it is compared: mirrored left for right or not, then turned by quarters to the left."""

    mirrored: bool
    quarters: int


UPRIGHT = Position(mirrored=False, quarters=0)
_OTHERS = [Position(mirrored, quarters) for mirrored in (False, True) for quarters in range(4)][1:]


def alike(features: Features, index: DescriptorIndex, settings: OverlapSettings) -> list[int]:
    """Proposes photographs of the index, by their indices, that may show what an image does, both upright."""
    return _chosen(index.votes(features), settings.shortlist, settings)


def propose(
    features: Features, width: int, index: DescriptorIndex, settings: OverlapSettings
) -> list[tuple[int, Position]]:
    """Proposes the photographs of the index to compare an image with, and the position of each.

    Keypoints stand upright, and so does what two photographs of one thing show: the image asks with all its keypoints
    for those. A copy may be mirrored or lie on its side, and then has very many keypoints in common: the largest are
    enough to ask in each of the seven other positions.

    Returns:
        (photograph's number in the index, position), sorted by the number; each pair once.
    """
    found = {(number, UPRIGHT) for number in alike(features, index, settings)}
    few = features.largest(settings.copy_keypoints)
    votes = np.stack([index.votes(_lying(few, width, position)) for position in _OTHERS])
    for number in _chosen(votes.max(axis=0), settings.copy_shortlist, settings):
        found.add((number, _OTHERS[int(votes[:, number].argmax())]))
    return sorted(found)


def compare(
    features: Features,
    width: int,
    position: Position,
    theirs: Features,
    size: tuple[int, int],
    settings: MatchSettings,
    seed: int,
) -> Verification | None:
    """Verifies an image in some position against a test photograph of this `size`; see `tasks.match.verify`.

    Returns:
        None, or a map and inliers in pixels of the image as it is stored: that of a mirrored image mirrors.
    """
    found = verify(_lying(features, width, position), theirs, size, settings, seed)
    if found is None or not position.mirrored:
        return found
    flip = np.array([[-1, 0, width], [0, 1, 0], [0, 0, 1]], np.float64)
    matched = found.matched.copy()
    matched[:, 0] = width - matched[:, 0]
    return replace(found, affine=np.asarray(found.affine @ flip), matched=matched)


def _lying(features: Features, width: int, position: Position) -> Features:
    """Turned keypoints keep their positions: the affine map then turns."""
    return (features.mirrored(width) if position.mirrored else features).turned(position.quarters)


def _chosen(votes: NDArray[np.float64], count: int, settings: OverlapSettings) -> list[int]:
    """Those with votes enough, at most `count`.

    What chance gives a pair shrinks with the number of photographs that share the neighbours of a descriptor, and
    scatters by the square root of that: so does what is asked of it.
    """
    floor = settings.min_votes * min(1.0, np.sqrt(100 / max(len(votes), 1)))
    return [int(number) for number in most_voted(votes, count) if votes[number] >= floor]
