"""The second step for landmarks: images that show what others of their class share with a test photograph.

A test set has few photographs of a landmark, a class has many. What none of the few meets, since it was taken from
another corner, often matches an image of its class that one of them met: query expansion with spatial verification
(Chum et al. 2007), of one hop and inside a class.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.features.packed import Features
from tasks.features.spool import Spool, Spooled
from tasks.match.settings import MatchSettings
from tasks.match.verify import Verification, distinct_places, pair_seed, verify
from tasks.match.voting import DescriptorIndex
from tasks.overlap.candidates import alike
from tasks.overlap.landmarks import telling
from tasks.overlap.settings import OverlapSettings

Pictures = Spool | Mapping[str, Features]
"""Features by the sha256 of their picture."""

_NAMES = ("test_set", "test_image", "site", "role")


class Region(NamedTuple):
    """Where an image shows a site of a test set.

    Attributes:
        test_set, test_image, site, role: of its strongest pair with a photograph of the site.
        low, high: corners (x, y) of the box around all points that it has in common with such photographs, in pixels.
    """

    test_set: str
    test_image: str
    site: str
    role: str
    low: NDArray[np.float32]
    high: NDArray[np.float32]


class Mate(NamedTuple):
    """An image that shows what a test set does: its row of the table `images`, and where."""

    image: Mapping[str, Any]
    regions: list[Region]


class Expansion:
    """What came of looking for what others of a class show of a test set.

    Attributes:
        rows: of the table `overlaps`: of each image and test photograph the pair with the mate of most inliers.
        compared, verified: pairs of an image and a mate, by the test sets that the mate shows; that share what it does.
    """

    def __init__(self) -> None:
        self.rows = list[dict[str, Any]]()
        self.compared, self.verified = Counter[str](), Counter[str]()

    def counts(self) -> list[dict[str, Any]]:
        """Returns rows of the table `expansions`."""
        names = sorted(self.compared)
        return [
            {"test_set": name, "mates_compared": self.compared[name], "mates_verified": self.verified[name]}
            for name in names
        ]


def expand(
    images: pd.DataFrame, pictures: Pictures, overlaps: pd.DataFrame, overlap: OverlapSettings, match: MatchSettings
) -> Expansion:
    """Compares each image that no test photograph met with mates: those of its class with pairs that are `telling`.

    It is compared with as many mates, at most, as with test photographs; in a class without any, with none. Two images
    of a class may share a street where neither shows the landmark: a verified pair counts when as many of its inliers
    as any pair needs lie where the mate shows what the test photograph does. (To look for matches there alone would be
    too strict: what the two photographs have in common is a part of what the mate shows of the landmark.)

    Args:
        images: rows of the table `images`, in any order. pictures: of them, without what lies over many classes.
        overlaps: all rows of the table that these images have with test photographs.
    """
    expansion, met = Expansion(), set(overlaps.image_id)
    members = {str(name): own.to_dict("records") for name, own in images.sort_values("image_id").groupby("landmark_id")}
    for landmark_id, pairs in telling(overlaps, overlap).groupby("landmark_id"):
        regions = _regions(pairs)
        mates = [Mate(image, regions[i]) for image in members[str(landmark_id)] if (i := image["image_id"]) in regions]
        asking = [image for image in members[str(landmark_id)] if image["image_id"] not in met]
        if asking:
            _expand_class(asking, mates, pictures, expansion, overlap, match)
    return expansion


def _regions(pairs: pd.DataFrame) -> dict[str, list[Region]]:
    """Finds, by image, where it shows each site that it has pairs with."""
    regions: dict[str, list[Region]] = {}
    strongest_first = pairs.sort_values(["inliers", "test_image"], ascending=[False, True])
    for (image_id, _, _), own in strongest_first.groupby(["image_id", "test_set", "site"]):
        best = own.iloc[0]
        points = np.concatenate([np.reshape(points, (-1, 4))[:, :2] for points in own.points])
        region = Region(best.test_set, best.test_image, best.site, best.role, points.min(axis=0), points.max(axis=0))
        regions.setdefault(image_id, []).append(region)
    return regions


def _expand_class(
    asking: Sequence[Mapping[str, Any]],
    mates: Sequence[Mate],
    pictures: Pictures,
    expansion: Expansion,
    overlap: OverlapSettings,
    match: MatchSettings,
) -> None:
    index = DescriptorIndex(Spooled(pictures, [mate.image["sha256"] for mate in mates]))
    for image in asking:
        features, best = pictures[image["sha256"]], dict[tuple[str, str], dict[str, Any]]()
        for number in sorted(alike(features, index, overlap)):
            rows = _compare(image, features, mates[number], pictures[mates[number].image["sha256"]], match)
            expansion.compared.update({region.test_set for region in mates[number].regions})
            expansion.verified.update({row["test_set"] for row in rows})
            for row in rows:
                known = best.setdefault((row["test_set"], row["test_image"]), row)
                if row["inliers"] > known["inliers"]:
                    best[row["test_set"], row["test_image"]] = row
        expansion.rows += [row for _, row in sorted(best.items())]


def _compare(
    image: Mapping[str, Any], features: Features, mate: Mate, theirs: Features, settings: MatchSettings
) -> list[dict[str, Any]]:
    """A row for each site that an image shows with its mate."""
    size, seed = (mate.image["width"], mate.image["height"]), pair_seed(image["sha256"], mate.image["sha256"])
    found = verify(features, theirs, size, settings, seed)
    if found is None:
        return []
    ids = {name: image[name] for name in ("image_id", "landmark_id")}
    kind = {"mirrored": False, "kind": "landmark", "through": mate.image["image_id"]}
    return [
        {**ids, **{name: getattr(region, name) for name in _NAMES}, **kind, **found.cells()}
        for region in mate.regions
        if _lies_in(region, found, settings)
    ]


def _lies_in(region: Region, found: Verification, settings: MatchSettings) -> bool:
    """Whether enough of the inliers of a pair lie where its second image shows the site."""
    positions = found.matched[:, 2:]
    inside = ((region.low <= positions) & (positions <= region.high)).all(axis=1)
    return distinct_places(found.matched[inside]) >= settings.min_inliers
