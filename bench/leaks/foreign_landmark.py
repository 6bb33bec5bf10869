"""The claim: a class that may keep a foreign landmark says so, for classes that call themselves sure keep their own.

Photographs of one other landmark are moved into each class: a quarter of as many as it has, half, or as many. What it
keeps then is its own landmark or the other, and beside that stands its confidence. Pairs across classes are left out,
for there are none. Needs the photographs that developers have beside the repository (`SHARED_DATA`).
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from bench.harness.collection import QUICK_CLASSES, Collection, describe, one_native_thread, read_photographs
from bench.harness.result import Comparison, Figure, Result
from storage.tables.groups import PAIRS
from tasks.cluster.confidence import SURE
from tasks.cluster.graph import group_images
from tasks.cluster.keep import class_groups, keep_images
from tasks.cluster.settings import ClusterSettings
from tasks.match.pairwise import match_class
from tasks.match.settings import MatchSettings

_SHARES = (0.25, 0.5, 1.0)
_TARGETS: dict[str, tuple[Comparison, float]] = {"wrong_of_sure": ("<=", 0.01), "sure": (">=", 0.7)}


class Planting(NamedTuple):
    """A class, the share of foreign photographs to own ones, whether it keeps its own landmark, and its confidence."""

    landmark: str
    share: float
    right: bool
    confidence: float


def measure(quick: bool) -> Result:
    """Plants each landmark in each class of both collections."""
    found: list[Planting] = []
    with one_native_thread():
        for name in ("landmarks",) if quick else ("landmarks", "landmarks_few"):
            collection = describe(read_photographs(QUICK_CLASSES if quick else None, name))
            found += _plant_all(collection, _pairs(collection))
    plantings = pd.DataFrame(found, columns=Planting._fields)
    for share, own in plantings.groupby("share"):
        sure = own[own.confidence >= SURE]
        print(
            f"{share:4} as many: {len(own)} classes, {(~own.right).sum()} keep the other; {len(sure)} sure", flush=True
        )
    for least in np.arange(0.65, 1, 0.05):
        own = plantings[plantings.confidence.between(least, least + 0.05, inclusive="left")]
        print(
            f"confidence {least:.2f} to {least + 0.05:.2f}: {len(own)} classes, {own.right.mean():.0%} right",
            flush=True,
        )
    sure, alone = plantings[plantings.confidence >= SURE], plantings[plantings.share == 0]
    figures: dict[str, Figure] = {
        "classes": len(plantings),
        "wrong": float((~plantings.right).mean()),
        "sure": float((plantings.confidence >= SURE).mean()),
        "sure_as_they_are": float((alone.confidence >= SURE).mean()),
        "wrong_of_sure": float((~sure.right).mean()) if len(sure) else None,
    }
    return Result(figures, {} if quick else _TARGETS)


def _pairs(collection: Collection) -> pd.DataFrame:
    rows = []
    for landmark, indices in collection.classes.items():
        part = collection.part(indices, landmark)
        rows += match_class(part.members, part.features, MatchSettings())[0]
    return pd.DataFrame(rows, columns=PAIRS.schema.names)


def _plant_all(collection: Collection, pairs: pd.DataFrame) -> Iterator[Planting]:
    members = {name: [collection.members[i]["image_id"] for i in own] for name, own in collection.classes.items()}
    for number, (landmark, own) in enumerate(members.items()):
        yield _plant(landmark, own, [], 0.0, pairs)
        for other, foreign in enumerate(members.values()):
            for share in _SHARES if other != number else ():
                random = np.random.default_rng([number, other, round(100 * share)])
                count = min(round(share * len(own)), len(foreign))
                yield _plant(landmark, own, sorted(random.choice(foreign, count, replace=False)), share, pairs)


def _plant(landmark: str, own: list[str], foreign: list[str], share: float, pairs: pd.DataFrame) -> Planting:
    images = pd.DataFrame({"image_id": sorted([*own, *foreign]), "landmark_id": landmark})
    inside = pairs[pairs.image_a.isin(images.image_id) & pairs.image_b.isin(images.image_id)]
    members, _ = group_images(images, inside.assign(landmark_id=landmark), ClusterSettings())
    decided = keep_images(members, ClusterSettings(), {})
    largest = class_groups(decided).query("group == 0")
    kept = decided.image_id[decided.group == 0]
    return Planting(landmark, share, bool(kept.isin(own).mean() > 0.5), float(largest.confidence.iloc[0]))
