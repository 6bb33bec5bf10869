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


def explore_part(collection: Collection, places: list[int], truth: Sized[Pair]) -> Progress:
    """Explores the photographs at these places, ascending, as one class; `truth` holds the pairs that verify.

    The places in what is returned are those of the collection.
    """
    settings, features = MatchSettings(), [collection.features[place] for place in places]
    candidates = shortlist(features, settings) if len(places) > settings.exhaustive else None
    progress = explore(len(places), candidates, lambda a, b: (places[a], places[b]) in truth, settings.supports)
    sets = (progress.compared, progress.skipped, progress.verified)
    return Progress(*({(places[a], places[b]) for a, b in pairs} for pairs in sets))


def inside(places: Iterable[int], truth: Iterable[Pair]) -> set[Pair]:
    """The pairs of which both ends are among the places."""
    own = set(places)
    return {(a, b) for a, b in truth if a in own and b in own}


def kept_group(collection: Collection, places: list[int], found: AllPairs, pairs: Iterable[Pair]) -> frozenset[int]:
    """The places in the group that is kept, when these are the verified pairs of the photographs as one class."""
    decided = decide(collection, places, pair_rows(collection, found, pairs))
    place_of = {collection.members[place]["image_id"]: place for place in places}
    return frozenset(place_of[image] for image in decided.image_id[decided.kept])


def decide(collection: Collection, places: list[int], pairs: pd.DataFrame, landmark: str = "class") -> pd.DataFrame:
    """The photographs as one class, grouped by these rows of `pairs`, as `keep_images` gives them."""
    ids = [collection.members[place]["image_id"] for place in places]
    images = pd.DataFrame({"image_id": ids, "landmark_id": landmark})
    own = pairs[pairs.image_a.isin(ids) & pairs.image_b.isin(ids)].assign(landmark_id=landmark)
    members, _ = group_images(images, own, ClusterSettings())
    return keep_images(members, ClusterSettings(), {})


def pair_rows(collection: Collection, found: AllPairs, pairs: Iterable[Pair]) -> pd.DataFrame:
    """Verified pairs as rows of the table `pairs`."""
    rows = [_row(collection.members[a], collection.members[b], found.verified[a, b]) for a, b in sorted(pairs)]
    return pd.DataFrame(rows, columns=PAIRS.schema.names)


def _row(first: dict[str, Any], second: dict[str, Any], pair: Verification) -> dict[str, Any]:
    copy = is_copy(pair, (second["width"], second["height"]), MatchSettings())
    ends = {"image_a": first["image_id"], "image_b": second["image_id"]}
    return {"landmark_id": "class", **ends, "copy": copy, **pair.cells()}
