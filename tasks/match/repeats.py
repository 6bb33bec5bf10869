"""Does the part that two pictures have in common stand elsewhere in one of them too, as towers, bays and windows do?

Then the pair may show two places that look alike. Chance does not make such pairs, so no count of inliers tells them.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import KDTree
from scipy.spatial.distance import cdist

from tasks.features.packed import Features
from tasks.match.settings import MatchSettings
from tasks.match.verify import Verification, attempt_matches

Size = tuple[int, int]

_HERE = 0.5  # pixels from an inlier, up to which a keypoint is the one that matched
_ELSEWHERE = 0.03  # of the longer side
_MOST = 0.5  # share of the part that stands elsewhere, from which it repeats
_MANY = 100  # inliers; a part with more is no element


def repeats(
    first: Features, second: Features, sizes: tuple[Size, Size], found: Verification, settings: MatchSettings
) -> bool:
    """Returns whether half of the inliers or more stand elsewhere in the first or the second picture too.

    That is where one map takes them to other places of the same picture that look like theirs, by the verification of
    pairs. What is repeated in a circle, such as the petals of a rose window, has too few places for each map.

    Args:
        sizes: width and height of both pictures.
    """
    if found.inliers > _MANY:
        return False
    sides = ((first, sizes[0], found.matched[:, :2]), (second, sizes[1], found.matched[:, 2:]))
    return any(_stands_elsewhere(*side, settings) for side in sides)


def counted_alarms(pairs: pd.DataFrame) -> pd.Series:
    """Returns the false alarms of pairs as evidence that two sides show one thing: of one that repeats, it is none.

    Args:
        pairs: false_alarms, repeats.
    """
    return pairs.false_alarms.where(~pairs.repeats.astype(bool), 0.0)


def _stands_elsewhere(own: Features, size: Size, places: NDArray[np.float32], settings: MatchSettings) -> bool:
    part = np.flatnonzero(KDTree(places).query(own.positions)[0] <= _HERE)
    unlike = cdist(own.descriptors[part].astype(np.float32), own.descriptors.astype(np.float32), "sqeuclidean")
    unlike[cdist(own.positions[part], own.positions) <= _ELSEWHERE * max(size)] = np.inf
    nearest = unlike.argmin(axis=1)
    is_elsewhere = np.isfinite(unlike[np.arange(len(part)), nearest])
    matches = np.column_stack([part, nearest])[is_elsewhere]
    made = attempt_matches(own, own, matches, size, settings, seed=0)
    return made.verification is not None and made.verification.inliers >= _MOST * len(part)
