"""The claim: parts that repeat along a facade, such as bays, match now and then, and join no two groups by themselves.

Facades shifted by a bay are made of real photographs. Of a verified pair, the keypoints to the left in the first are
matched with those to the right in the second, so that what verifies is shifted. And of the photographs of a class that
match its best connected one, some are cut to that one's left half and the others to its right, as one class: no group
should have five of both. Needs the photographs that developers have beside the repository (`SHARED_DATA`).
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.harness.collection import QUICK_CLASSES, Collection, describe, one_native_thread, read_photographs
from bench.harness.result import Comparison, Figure, Result
from bench.leaks.neighbours import Views, cut_to, views_of
from storage.tables.groups import PAIRS
from tasks.cluster.graph import group_images
from tasks.cluster.settings import ClusterSettings
from tasks.match.layers import verify_beneath
from tasks.match.pairwise import match_class
from tasks.match.repeats import repeats
from tasks.match.settings import MatchSettings
from tasks.match.verify import pair_seed

_ENOUGH = 25  # inliers of a pair that is cut in two
_LEFT_OVER = 0.05  # of the inliers right of the cut, whose places in the second picture may lie left of the rest
_SIDE = 5  # photographs of a side that a group must not have of both
_SEEDS = 5
_TARGETS: dict[str, tuple[Comparison, float]] = {"shifted_share": ("<=", 0.05), "joined": ("==", 0)}


class Shifted(NamedTuple):
    """A pair of a left and a right part; `repeats` is of the whole pictures."""

    inliers: int
    false_alarms: float
    repeats: bool


def measure(quick: bool) -> Result:
    """Matches left with right parts, pair by pair, and groups them, class by class."""
    with one_native_thread():
        parts = [describe(read_photographs(QUICK_CLASSES if quick else None))]
        if not quick:
            parts.append(describe(read_photographs(collection="landmarks_few")))
        pairs, shifted, rows = 0, list[Shifted](), list[tuple[int, bool]]()
        true, repeating = 0, 0
        for collection in parts:
            for landmark, indices in collection.classes.items():
                part = collection.part(indices, landmark)
                found, _ = match_class(part.members, part.features, MatchSettings())
                verified = pd.DataFrame(found, columns=PAIRS.schema.names)
                tried, own = _shift(part, verified)
                true, repeating = true + len(verified), repeating + int(verified.repeats.sum())
                joined = list(_join(part, views_of(part, verified), 1 if quick else _SEEDS))
                print(f"{landmark}: {len(own)} of {tried} pairs match shifted; joined {joined}", flush=True)
                pairs, shifted, rows = pairs + tried, shifted + own, rows + joined
    figures: dict[str, Figure] = {
        "pairs": pairs,
        "shifted_share": len(shifted) / pairs,
        "most_inliers": max((one.inliers for one in shifted), default=None),
        "strongest": min((one.false_alarms for one in shifted), default=None),
        "below_10_to_minus_15": sum(one.false_alarms <= -15 for one in shifted),
        "shifted_that_repeat": sum(one.repeats for one in shifted),
        "true_pairs": true,
        "true_pairs_that_repeat": repeating,
        "classes_of_halves": len(rows),
        "links_between_halves": sum(links for links, _ in rows),
        "joined": sum(joined for _, joined in rows),
    }
    return Result(figures, {} if quick else _TARGETS)


def _shift(part: Collection, pairs: pd.DataFrame) -> tuple[int, list[Shifted]]:
    """How many pairs were cut in two, and what verifies of left and right."""
    row_of = {image["image_id"]: row for row, image in enumerate(part.members)}
    tried, found = 0, []
    for pair in pairs[~pairs["copy"] & (pairs.inliers >= _ENOUGH)].itertuples():
        a, b = row_of[str(pair.image_a)], row_of[str(pair.image_b)]
        points = np.asarray(pair.points, np.float64).reshape(-1, 4)
        middle = np.median(points[:, 0])
        edge = np.quantile(points[points[:, 0] >= middle, 2], _LEFT_OVER)
        left = part.features[a].without(part.features[a].positions[:, 0] >= middle)
        right = part.features[b].without(part.features[b].positions[:, 0] <= edge)
        if np.mean((points[:, 0] < middle) & (points[:, 2] > edge)) > _LEFT_OVER:
            continue  # one of the two is turned or mirrored, and shows the same to the left and to the right
        tried += 1
        first, second = part.members[a], part.members[b]
        sizes = (first["width"], first["height"]), (second["width"], second["height"])
        seed = pair_seed(first["sha256"], second["sha256"])
        if verified := verify_beneath(left, right, sizes, MatchSettings(), seed):
            is_repeating = repeats(part.features[a], part.features[b], sizes, verified, MatchSettings())
            found.append(Shifted(verified.inliers, verified.false_alarms, is_repeating))
    return tried, found


def _are_apart(left: NDArray[np.float64], right: NDArray[np.float64]) -> bool:
    """Whether points (n, 2) of a left and a right half lie left and right in a photograph that may be turned."""
    return bool(np.mean(left[:, 0] > np.quantile(right[:, 0], _LEFT_OVER)) <= _LEFT_OVER)


def _join(part: Collection, views: Views, seeds: int) -> Iterator[tuple[int, bool]]:
    """For each seed, how many pairs there are of a left and a right half, and whether a group has five of both."""
    views = {row: halves for row, halves in views.items() if _are_apart(*halves)}
    if len(views) < 2 * _SIDE:
        return
    for seed in range(seeds):
        rows = np.random.default_rng(seed).permutation(sorted(views))
        cuts = [cut_to(part, int(row), views[int(row)][number % 2], 0.0) for number, row in enumerate(rows)]
        side = {image["image_id"]: number % 2 for number, (image, _) in enumerate(cuts)}
        ordered = sorted(cuts, key=lambda cut: str(cut[0]["image_id"]))
        found, _ = match_class([image for image, _ in ordered], [own for _, own in ordered], MatchSettings())
        pairs = pd.DataFrame(found, columns=PAIRS.schema.names)
        images = pd.DataFrame([image for image, _ in ordered])[["image_id", "landmark_id"]]
        members, _ = group_images(images, pairs, ClusterSettings())
        counts = pd.crosstab(members.group, members.image_id.map(side)).reindex(columns=[0, 1], fill_value=0)
        between = (pairs.image_a.map(side) != pairs.image_b.map(side)).sum()
        yield int(between), bool((counts >= _SIDE).all(axis=1).any())
