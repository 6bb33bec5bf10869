"""What the shortlist finds of a class, by looking up what all pairs came to."""

from collections.abc import Collection as Sized
from collections.abc import Iterable
from typing import Any

import pandas as pd

from bench.harness.collection import Collection
from bench.matching.allpairs import AllPairs
from storage.tables.groups import PAIRS
from tasks.cluster.graph import group_images
from tasks.cluster.keep import keep_images
from tasks.cluster.settings import ClusterSettings
from tasks.match.copies import is_copy
from tasks.match.schedule import Pair, Progress, explore
from tasks.match.settings import MatchSettings
from tasks.match.shortlist import shortlist
from tasks.match.verify import Verification


def explore_part(collection: Collection, indices: list[int], truth: Sized[Pair]) -> Progress:
    """Explores the photographs of these indices, ascending, as one class; `truth` holds the pairs that verify.

    The indices in what is returned are those of the collection.
    """
    settings, features = MatchSettings(), [collection.features[index] for index in indices]
    candidates = shortlist(features, settings) if len(indices) > settings.exhaustive else None
    progress = explore(len(indices), candidates, lambda a, b: (indices[a], indices[b]) in truth, settings.supports)
    sets = (progress.compared, progress.skipped, progress.verified)
    return Progress(*({(indices[a], indices[b]) for a, b in pairs} for pairs in sets))


def inside(indices: Iterable[int], truth: Iterable[Pair]) -> set[Pair]:
    """The pairs of which both ends are among the indices."""
    own = set(indices)
    return {(a, b) for a, b in truth if a in own and b in own}


def kept_group(collection: Collection, indices: list[int], found: AllPairs, pairs: Iterable[Pair]) -> frozenset[int]:
    """The indices of the group that is kept, when these are the verified pairs of the photographs as one class."""
    decided = decide(collection, indices, pair_rows(collection, found, pairs))
    index_of = {collection.members[index]["image_id"]: index for index in indices}
    return frozenset(index_of[image] for image in decided.image_id[decided.kept])


def decide(collection: Collection, indices: list[int], pairs: pd.DataFrame, landmark: str = "class") -> pd.DataFrame:
    """The photographs as one class, grouped by these rows of `pairs`, as `keep_images` gives them."""
    ids = [collection.members[index]["image_id"] for index in indices]
    images = pd.DataFrame({"image_id": ids, "landmark_id": landmark})
    own = pairs[pairs.image_a.isin(ids) & pairs.image_b.isin(ids)].assign(landmark_id=landmark)
    members, _ = group_images(images, own, ClusterSettings())
    return keep_images(members, ClusterSettings(), {})


def pair_rows(collection: Collection, found: AllPairs, pairs: Iterable[Pair]) -> pd.DataFrame:
    """Verified pairs as rows of the table `pairs`."""
    rows = [_row(collection.members[a], collection.members[b], found.verified[a, b]) for a, b in sorted(pairs)]
    return pd.DataFrame(rows, columns=PAIRS.schema.names)


def _row(first: dict[str, Any], second: dict[str, Any], pair: Verification) -> dict[str, Any]:
    sizes = (first["width"], first["height"]), (second["width"], second["height"])
    copy = is_copy(pair, sizes, MatchSettings())
    ends = {"image_a": first["image_id"], "image_b": second["image_id"]}
    return {"landmark_id": "class", **ends, "copy": copy, "repeats": False, **pair.cells()}
