"""The claim: of two landmarks beside each other, each class keeps the photographs whose subject is its own.

Neighbours are made of real photographs: of a class, those that match its best connected photograph are cut to what they
show of that one's left half, or of its right half, or left whole, by chance. Cuts to the left and every other whole
photograph are a class, and those to the right with the rest another. So each class has its landmark, and wide views
that show both. A photograph is cut by its keypoints, and not detected again. Needs the photographs that developers have
beside the repository (`SHARED_DATA`).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.harness.collection import QUICK_CLASSES, Collection, describe, one_native_thread, read_photographs
from bench.harness.result import Comparison, Figure, Result
from bench.leaks.classes import keep_class
from bench.leaks.related import Grouped, relate
from storage.tables.groups import PAIRS
from tasks.features.packed import Features
from tasks.match.pairwise import match_class
from tasks.match.settings import MatchSettings
from tasks.overlap.pair_memory import PairMemory

_SEEDS = 3
_RATIOS = (1, 2)  # photographs of the right to one of the left
_SHOWN = 8  # inliers in either half that a photograph of both has
_FEWEST = 9  # photographs that a class needs to be made two of
_AROUND = 0.1  # of what matches, on every side, that a cut leaves
_TARGETS: dict[str, tuple[Comparison, float]] = {
    f"{side}_stays_of_1_to_{ratio}": (">=", 0.9) for side in ("left", "right") for ratio in _RATIOS
}

Cut = tuple[dict[str, Any], Features]
Views = dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]]
"""By photograph: where it shows the left and the right half, (n, 2) points x, y of each."""


def measure(quick: bool) -> Result:
    """Makes neighbours of each class that has enough photographs of one view, and looks which photographs leave."""
    with one_native_thread():
        parts = [describe(read_photographs(QUICK_CLASSES if quick else None))]
        if not quick:
            parts.append(describe(read_photographs(collection="landmarks_few")))
        rows = [row for part in parts for row in _measure_collection(part, 1 if quick else _SEEDS)]
    found = pd.DataFrame(rows, columns=["ratio", "related", "role", "stays"])
    figures: dict[str, Figure] = {"photographs": len(found)}
    for ratio, own in found.groupby("ratio"):
        figures |= {f"{role}_stays_of_1_to_{ratio}": float(one.stays.mean()) for role, one in own.groupby("role")}
        figures |= {f"related_of_1_to_{ratio}": float(own.related.mean())}
    return Result(figures, {} if quick else _TARGETS)


def _measure_collection(collection: Collection, seeds: int) -> Iterator[tuple[int, bool, str, bool]]:
    for landmark, indices in collection.classes.items():
        part = collection.part(indices, landmark)
        pairs = pd.DataFrame(match_class(part.members, part.features, MatchSettings())[0], columns=PAIRS.schema.names)
        views = views_of(part, pairs)
        if len(views) < _FEWEST:
            continue
        for ratio in _RATIOS:
            rows = [row for seed in range(seeds) for row in _look(part, views, ratio, seed)]
            shares = (
                pd.DataFrame(rows, columns=["related", "role", "stays"]).groupby("role").stays.agg(["mean", "size"])
            )
            told = ", ".join(f"{role} {row['mean']:.0%} of {row['size']:.0f}" for role, row in shares.iterrows())
            print(f"{landmark}, {len(views)} views, 1 to {ratio}: {told} stay", flush=True)
            yield from ((ratio, *row) for row in rows)


def views_of(part: Collection, pairs: pd.DataFrame) -> Views:
    """Where photographs show the left and the right half of the one with most pairs, of those that show both."""
    own = pairs[~pairs["copy"]]
    if own.empty:
        return {}
    hub = pd.concat([own.image_a, own.image_b]).mode()[0]
    row_of = {image["image_id"]: row for row, image in enumerate(part.members)}
    seen = {}
    for pair in own[(own.image_a == hub) | (own.image_b == hub)].itertuples():
        points = np.asarray(pair.points, np.float64).reshape(-1, 4)
        other = pair.image_b if pair.image_a == hub else pair.image_a
        seen[row_of[other]] = points if pair.image_a == hub else points[:, [2, 3, 0, 1]]
    middle = np.median(np.concatenate([points[:, 0] for points in seen.values()]))
    halves = {
        row: (points[points[:, 0] < middle, 2:], points[points[:, 0] >= middle, 2:]) for row, points in seen.items()
    }
    return {row: two for row, two in halves.items() if min(map(len, two)) >= _SHOWN}


def _look(part: Collection, views: Views, ratio: int, seed: int) -> Iterator[tuple[bool, str, bool]]:
    """Whether the two are related, and for each photograph that its class keeps: what it is, and whether it stays."""
    rows = np.random.default_rng(seed).permutation(sorted(views))
    whole, cut = np.split(rows, [len(rows) // 3])
    few = len(cut) // (1 + ratio)
    made: dict[str, list[Cut]] = {"left": [], "right": []}
    roles = {}
    for number, row in enumerate(cut):
        side = "left" if number < few else "right"
        made[side].append(cut_to(part, int(row), views[int(row)][side == "right"], _AROUND))
        roles[part.members[row]["image_id"]] = side
    for number, row in enumerate(whole):
        made["left" if number % (1 + ratio) == 0 else "right"].append((part.members[row], part.features[row]))
        roles[part.members[row]["image_id"]] = "wide"
    classes = [
        keep_class([image | {"landmark_id": side} for image, _ in own], [f for _, f in own])
        for side, own in made.items()
    ]
    features = {image["image_id"]: own for cuts in made.values() for image, own in cuts}
    images = pd.concat([images for images, _ in classes], ignore_index=True)
    found = relate(Grouped(images, features, pd.concat([inside for _, inside in classes])), PairMemory())
    for image in images.image_id:
        yield bool(found.related), roles[image], image not in set(found.dropped.image_id)


def cut_to(part: Collection, row: int, points: NDArray[np.float64], margin: float) -> Cut:
    """A photograph cut to what matches at these points (n, 2), and around them by this share of their extent."""
    image, features = part.members[row], part.features[row]
    low, high = points.min(axis=0), points.max(axis=0)
    around = margin * (high - low)
    low, high = np.maximum(low - around, 0), np.minimum(high + around, [image["width"], image["height"]])
    inside = ((features.positions >= low) & (features.positions <= high)).all(axis=1)
    keypoints = features.keypoints[inside].copy()
    keypoints[:, :2] -= low
    width, height = (int(side) for side in np.ceil(high - low))
    return image | {"width": width, "height": height}, Features(keypoints, features.descriptors[inside])
