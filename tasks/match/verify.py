"""Do two pictures show the same thing? Putative matches, then an affine map that enough of them agree with."""

import hashlib
from dataclasses import dataclass, field
from math import comb, inf, log10

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.features.packed import Features
from tasks.match.settings import MatchSettings

cv2.setNumThreads(1)


@dataclass(frozen=True)
class Verification:
    """A verified pair.

    Attributes:
        putative: number of one-to-one matches that passed the ratio test.
        affine: float64 (2, 3), from the first picture's pixels to the second's.
        matched: float32 (n, 4), the inliers' x, y in the first and x, y in the second picture.
        residuals: float64 (n,), distances in the second picture's pixels.
        false_alarms: log10 of how many maps with as many inliers chance alone would give; see `false_alarms`.
    """

    putative: int
    affine: NDArray[np.float64]
    matched: NDArray[np.float32]
    residuals: NDArray[np.float64]
    false_alarms: float

    @property
    def inliers(self) -> int:
        """Number of inliers: of distinct places, since one place can carry several keypoints."""
        return distinct_places(self.matched)

    def cells(self) -> dict[str, object]:
        """Returns the cells putative, inliers, false_alarms, affine and points of the tables `pairs` and `overlaps`."""
        return {
            "putative": self.putative,
            "inliers": self.inliers,
            "false_alarms": self.false_alarms,
            "affine": self.affine.ravel(),
            "points": self.matched.ravel(),
        }


@dataclass(frozen=True)
class Attempt:
    """How far a comparison came.

    Attributes:
        verification: of the pair; None where it failed.
        lacks: what it failed for: `matches`, `map` (that a camera could make), `inliers`, `spread`, or `view` (what
            matches lies over both pictures; see `tasks.match.layers`); empty where it did not.
        putative, matched, false_alarms: as of `Verification`; without inliers, false alarms have no end.
        layer: float32 (n, 4), where both pictures show what lies over them, x and y in the first and in the second.
    """

    verification: Verification | None = None
    lacks: str = "matches"
    putative: int = 0
    matched: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    false_alarms: float = inf
    layer: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 4), np.float32))

    @property
    def inliers(self) -> int:
        """Number of inliers, as of `Verification`."""
        return distinct_places(self.matched)


def putative_matches(first: NDArray[np.uint8], second: NDArray[np.uint8], ratio: float) -> NDArray[np.int64]:
    """Finds one-to-one matches of descriptors: each other's nearest, nearer than `ratio` times the second nearest.

    Args:
        first: uint8 (n, 128). second: uint8 (m, 128).

    Returns:
        int64 (k, 2): indices into first and second, sorted by the first.
    """
    if len(first) < 2 or len(second) < 2:
        return np.zeros((0, 2), np.int64)
    a, b = first.astype(np.float32), second.astype(np.float32)
    half_a, half_b = ((x * x).sum(axis=1) / 2 for x in (a, b))
    # |a − b|² = 2 (|a|²/2 − closeness): the nearest is the closest
    closeness = a @ b.T
    closeness -= half_b
    rows = np.arange(len(a))
    nearest = closeness.argmax(axis=1)
    best = closeness[rows, nearest]
    closeness[rows, nearest] = -np.inf
    passed = np.flatnonzero(half_a - best < ratio**2 * (half_a - closeness.max(axis=1)))
    # Few pass the ratio test; only they are looked at from the other side.
    mutual = (a @ b[nearest[passed]].T - half_a[:, None]).argmax(axis=0) == passed
    return np.column_stack([passed[mutual], nearest[passed[mutual]]])


def verify(
    first: Features, second: Features, second_size: tuple[int, int], settings: MatchSettings, seed: int
) -> Verification | None:
    """Looks for an affine map between two pictures (Philbin et al. 2007; RANSAC with local optimisation).

    The pair is verified when its map is sane, its inliers spread over an area, and chance would hardly give as many:
    the decision depends on the two pictures alone.

    Args:
        second_size: width and height of the second picture; residuals are judged against its longer side.
        seed: of the estimator's draws; see `pair_seed`.

    Returns:
        The map and its inliers, or None.
    """
    return attempt(first, second, second_size, settings, seed).verification


def attempt(
    first: Features, second: Features, second_size: tuple[int, int], settings: MatchSettings, seed: int
) -> Attempt:
    """Does what `verify` does, and says of pairs that fail how far they came."""
    matches = putative_matches(first.descriptors, second.descriptors, settings.ratio)
    return attempt_matches(first, second, matches, second_size, settings, seed)


def attempt_matches(
    first: Features,
    second: Features,
    matches: NDArray[np.int64],
    second_size: tuple[int, int],
    settings: MatchSettings,
    seed: int,
) -> Attempt:
    """Does what `attempt` does by these putative matches (k, 2), and no others."""
    if len(matches) < settings.min_inliers:
        return Attempt(putative=len(matches))
    source, target = first.positions[matches[:, 0]], second.positions[matches[:, 1]]
    tolerance = settings.tolerance * max(second_size)
    affine = _estimate(source, target, tolerance, settings, seed)
    if affine is None or not is_sane(affine, settings):
        return Attempt(lacks="map", putative=len(matches))
    residuals = np.linalg.norm(source @ affine[:, :2].T + affine[:, 2] - target, axis=1)
    inlier = residuals <= tolerance
    matched = np.hstack([source, target])[inlier]
    count = distinct_places(matched)
    alarms = false_alarms(len(matches), count, chance_of(second_size, settings))
    lacks = ""
    if count < settings.min_inliers or alarms > settings.false_alarms:
        lacks = "inliers"
    elif is_thin(matched, settings.min_spread):
        lacks = "spread"
    found = None if lacks else Verification(len(matches), affine, matched, residuals[inlier], alarms)
    return Attempt(found, lacks, len(matches), matched, alarms)


def chance_of(second_size: tuple[int, int], settings: MatchSettings) -> float:
    """Returns the share of the second picture that the tolerance covers: how likely a random match is an inlier."""
    tolerance = settings.tolerance * max(second_size)
    return min(1.0, float(np.pi * tolerance**2 / (second_size[0] * second_size[1])))


def false_alarms(putative: int, inliers: int, chance: float) -> float:
    """log10 of the expected number of maps with as many inliers if all matches were random (a contrario).

    With three matches the map fits exactly; each of the others falls within the tolerance with probability `chance`,
    the share of the picture that the tolerance covers. All choices of the three and of the number of inliers count as
    tests (Moisan & Stival 2004): (n − 3) · C(n, k) · C(k, 3) · chance^(k − 3).
    """
    if inliers <= 3:
        return float(np.log10(max(putative - 3, 1) * max(comb(putative, 3), 1)))
    tests = (putative - 3) * comb(putative, inliers) * comb(inliers, 3)
    return float(log10(tests) + (inliers - 3) * log10(chance))


def distinct_places(matched: NDArray[np.float32]) -> int:
    """Returns how many different pixels the matched points (n, 4) have, in the picture where they have fewer."""
    return min(len(np.unique(np.rint(matched[:, half]), axis=0)) for half in (slice(0, 2), slice(2, 4)))


def is_thin(matched: NDArray[np.float32], least: float) -> bool:
    """Returns whether the matched points (n, 4) collapse onto a line or a spot, which many maps fit, in either picture.

    The standard deviation across their main direction is below `least` times that along it.
    """
    for half in (matched[:, :2], matched[:, 2:]):
        along, across = np.linalg.svd((half - half.mean(axis=0)).astype(np.float64), compute_uv=False)
        if across <= least * along:
            return True
    return False


def pair_seed(*ids: str) -> int:
    """Returns a seed that depends on the ids of a pair alone: 31 bits."""
    return int.from_bytes(hashlib.sha256("\0".join(ids).encode()).digest()[:4]) >> 1


def is_sane(affine: NDArray[np.float64], settings: MatchSettings) -> bool:
    """Tells whether a camera could make a map (2, 3) of a façade: no mirror, no crushing, no extreme scale."""
    if not np.isfinite(affine).all() or np.linalg.det(affine[:, :2]) <= 0:
        return False
    large, small = np.linalg.svd(affine[:, :2], compute_uv=False)
    within = 1 / settings.max_scale <= small and large <= settings.max_scale
    return bool(within and large <= settings.max_anisotropy * small)


def _estimate(
    source: NDArray[np.float32], target: NDArray[np.float32], tolerance: float, settings: MatchSettings, seed: int
) -> NDArray[np.float64] | None:
    options = cv2.UsacParams()
    options.threshold = tolerance
    options.maxIterations = settings.trials
    options.confidence = 0.999
    options.randomGeneratorState = seed
    options.loMethod = cv2.LOCAL_OPTIM_INNER_LO
    options.score = cv2.SCORE_METHOD_MSAC
    affine, _ = cv2.estimateAffine2D(source, target, options)
    return None if affine is None else np.asarray(affine, np.float64)
