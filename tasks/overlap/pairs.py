"""An image against the photographs of the test sets: its verified pairs, and what was looked at to find them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from tasks.features.packed import Features
from tasks.match.copies import is_copy
from tasks.match.settings import MatchSettings
from tasks.match.verify import pair_seed
from tasks.match.voting import DescriptorIndex
from tasks.overlap.candidates import UPRIGHT, Position, compare, propose
from tasks.overlap.settings import OverlapSettings


class SignedTests:
    """The photographs of all test sets.

    Args:
        photographs: test_set, test_image, site, role, width and height of each. features: of each.
    """

    def __init__(self, photographs: Sequence[Mapping[str, Any]], features: Sequence[Features]) -> None:
        self.photographs, self.features = photographs, features

    @cached_property
    def index(self) -> DescriptorIndex:
        """The index of their descriptors, in their order."""
        return DescriptorIndex(self.features)


_COUNTED = ("compared", "verified", "audited", "audit_found")


class Comparisons:
    """Counts, by test set, the pairs of an image and a test photograph.

    Args:
        test_sets: of each test photograph.
    """

    def __init__(self, test_sets: Sequence[str]) -> None:
        self._names = sorted(set(test_sets))
        self.compared, self.verified = Counter[str](), Counter[str]()
        self.audited, self.audit_found = Counter[str](), Counter[str]()

    def rows(self) -> list[dict[str, Any]]:
        """Returns a row per test set, by name."""
        return [
            {"test_set": test_set, **{name: getattr(self, name)[test_set] for name in _COUNTED}}
            for test_set in self._names
        ]


def sum_comparisons(
    each: Iterable[Mapping[str, Any]], images: int, photographs: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Returns rows of the table `comparisons`, by name of the test set.

    Args:
        each: rows of `Comparisons` of all images. photographs: how many each test set has.
    """
    sums = {name: Counter[str]() for name in sorted(photographs)}
    for row in each:
        sums[row["test_set"]].update({name: row[name] for name in _COUNTED})
    return [
        {"test_set": name, "images": images, "possible": images * photographs[name], **{n: own[n] for n in _COUNTED}}
        for name, own in sums.items()
    ]


def compare_image(
    image: Mapping[str, Any],
    features: Features,
    tests: SignedTests,
    counts: Comparisons,
    overlap: OverlapSettings,
    match: MatchSettings,
) -> list[dict[str, Any]]:
    """Compares an image with its candidates, and with a few other test photographs to audit what these miss.

    Args:
        image: a row of the table `images`. counts: what is done is added to them.

    Returns:
        Rows of the table `overlaps`: of each test photograph that shows the same thing, in the better position.
    """
    rows = dict[int, dict[str, Any]]()

    def look(number: int, position: Position) -> bool:
        row = _compare(image, features, position, tests, number, match)
        if row and row["inliers"] > rows.get(number, {"inliers": 0})["inliers"]:
            rows[number] = row
        return row is not None

    proposed = propose(features, image["width"], tests.index, overlap) if tests.photographs else []
    for number, position in proposed:
        look(number, position)
    compared = {number for number, _ in proposed}
    counts.compared.update(tests.photographs[number]["test_set"] for number in compared)
    for number in _audit(image, len(tests.photographs), compared, overlap):
        counts.audited[tests.photographs[number]["test_set"]] += 1
        counts.audit_found[tests.photographs[number]["test_set"]] += look(number, UPRIGHT)
    counts.verified.update(tests.photographs[number]["test_set"] for number in rows)
    return [row for _, row in sorted(rows.items())]


def _compare(
    image: Mapping[str, Any],
    features: Features,
    position: Position,
    tests: SignedTests,
    number: int,
    match: MatchSettings,
) -> dict[str, Any] | None:
    test = tests.photographs[number]
    size = (test["width"], test["height"])
    seed = pair_seed(image["sha256"], test["test_set"], test["test_image"], str(position))
    found = compare(features, image["width"], position, tests.features[number], size, match, seed)
    if found is None:
        return None
    sizes = (image["width"], image["height"]), size
    kind = "copy" if is_copy(found, sizes, match) else "landmark"
    ids = {name: image[name] for name in ("image_id", "landmark_id")}
    names = {name: test[name] for name in ("test_set", "test_image", "site", "role")}
    return {**ids, **names, "mirrored": position.mirrored, "kind": kind, "through": None, **found.cells()}


def _audit(image: Mapping[str, Any], photographs: int, compared: set[int], settings: OverlapSettings) -> Iterator[int]:
    """Random test photographs that the image was not compared with: the settings' share of those that it was."""
    random = np.random.default_rng(pair_seed(image["sha256"], "audit"))
    wanted = settings.audit * len(compared)
    count = int(wanted) + int(random.random() < wanted % 1)
    others = [number for number in random.permutation(photographs).tolist() if number not in compared]
    yield from others[:count]
