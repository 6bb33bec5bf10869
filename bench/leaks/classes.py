"""The claim: classes that show the same landmark are found, and classes that do not are left alone.

The photographs of real search results that their classes may keep are compared across classes; then each class is
split at random into two, evenly and not. The pairs of parts are to be found, and each part is to keep photographs.
Needs the photographs that developers have beside the repository (`SHARED_DATA`).
"""

from typing import Any

import numpy as np
import pandas as pd

from bench.harness.collection import QUICK_CLASSES, Collection, describe, one_native_thread, read_photographs
from bench.harness.result import Comparison, Result
from bench.leaks.related import Grouped, contending, relate
from storage.tables.groups import PAIRS
from tasks.cluster.graph import group_images
from tasks.cluster.keep import keep_images
from tasks.cluster.settings import ClusterSettings
from tasks.features.packed import Features
from tasks.match.pairwise import match_class
from tasks.match.settings import MatchSettings
from tasks.overlap.pair_memory import PairMemory

_SEEDS = 5
_SHARES = (2, 3, 5)  # one photograph in so many goes to the smaller part
_TARGETS: dict[str, tuple[Comparison, float]] = {
    "related_as_they_are": ("==", 0),
    "halves_found": (">=", 0.9),
    "others_found": ("==", 0),
}


def measure(quick: bool) -> Result:
    """Keeps the largest groups, compares them across classes, then splits each and compares again."""
    with one_native_thread():
        kept = _keep(describe(read_photographs(QUICK_CLASSES if quick else None)))
        memory = PairMemory()
        whole = relate(kept, memory)
        print(f"as they are: {len(whole.related)} of the pairs of classes related, {whole.compared} pairs compared")
        parted = {share: _part(kept, share, memory) for share in _SHARES}
    halves = parted[2]
    figures = {
        "photographs": len(kept.images),
        "classes": kept.images.landmark_id.nunique(),
        "compared_as_they_are": whole.compared,
        "related_as_they_are": len(whole.related),
        "halves_found": float(halves.found.mean()),
        "others_found": int(halves.others.sum()),
    }
    for share, one in parted.items():
        figures |= {f"{part}_stays_of_1_to_{share - 1}": float(one[part].mean()) for part in ("small", "large")}
    return Result(figures, _TARGETS)


def _keep(collection: Collection) -> Grouped:
    """The largest groups, as `match` and `cluster` find them."""
    images, inside = [], []
    for indices in collection.classes.values():
        own = keep_class([collection.members[row] for row in indices], [collection.features[row] for row in indices])
        images.append(own[0])
        inside.append(own[1])
    features = {image["image_id"]: own for image, own in zip(collection.members, collection.features, strict=True)}
    return Grouped(pd.concat(images, ignore_index=True), features, pd.concat(inside, ignore_index=True))


def keep_class(members: list[dict[str, Any]], features: list[Features]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The images of one class that contend, as `match` and `cluster` find them, and the verified pairs."""
    rows, _ = match_class(members, features, MatchSettings())
    images, pairs = pd.DataFrame(members), pd.DataFrame(rows, columns=PAIRS.schema.names)
    groups, _ = group_images(images[["image_id", "landmark_id"]], pairs, ClusterSettings())
    decided = keep_images(groups, ClusterSettings(), {})
    return contending(decided, images.drop(columns="landmark_id")), pairs


def _part(kept: Grouped, share: int, memory: PairMemory) -> pd.DataFrame:
    """Splits each class so that one part has a photograph in `share`, and looks what is found, for each seed."""
    rows, classes = [], kept.images.landmark_id.nunique()
    for seed in range(_SEEDS):
        split = _split(kept, share, seed)
        found = relate(split, memory)
        right = {pair for pair in found.related if pair[0][:-2] == pair[1][:-2]}
        home = split.images.set_index("image_id").landmark_id.str[-1]
        left = home.index.isin(found.dropped.image_id)
        small, large = (float(1 - left[home == part].mean()) for part in ("a", "b"))
        rows.append((len(right) / classes, len(found.related - right), small, large))
        print(
            f"1 to {share - 1}, seed {seed}: {len(right)} of {classes} found, {small:.0%} and {large:.0%} stay",
            flush=True,
        )
    return pd.DataFrame(rows, columns=["found", "others", "small", "large"])


def _split(kept: Grouped, share: int, seed: int) -> Grouped:
    """Each class as two, X-a and X-b; a photograph goes whole, and pairs between the two are not known any more."""
    random, images = np.random.default_rng(seed), kept.images
    photographs = np.array(sorted(set(images.photograph)))
    home = images.drop_duplicates("photograph").set_index("photograph").landmark_id[photographs]
    rank = pd.Series(random.permutation(len(photographs)), photographs).groupby(home.to_numpy()).rank()
    half = images.photograph.map(np.where(rank % share == 0, "a", "b") + pd.Series("", rank.index))
    parted = images.assign(landmark_id=images.landmark_id + "-" + half)
    parted = parted.sort_values(["landmark_id", "image_id"], ignore_index=True)
    classes = parted.set_index("image_id").landmark_id
    ends = [kept.inside[name].map(classes) for name in ("image_a", "image_b")]
    return Grouped(parted, kept.features, kept.inside[ends[0] == ends[1]])
