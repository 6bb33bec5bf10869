"""An image against the photographs of the test sets: its verified pairs, and what was looked at to find them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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


class Comparisons:
    """Counts, by test set, the pairs of an image and a test photograph: rows of the table `comparisons`.

    Args:
        test_sets: of each test photograph. images: how many are compared with them.
    """

    def __init__(self, test_sets: Sequence[str], images: int) -> None:
        self._photographs, self._images = Counter(test_sets), images
        self.compared, self.verified = Counter[str](), Counter[str]()
        self.audited, self.audit_found = Counter[str](), Counter[str]()

    def rows(self) -> list[dict[str, Any]]:
        """A row per test set, by name."""
        names = ("compared", "verified", "audited", "audit_found")
        return [
            {
                "test_set": test_set,
                "images": self._images,
                "possible": self._images * photographs,
                **{name: getattr(self, name)[test_set] for name in names},
            }
            for test_set, photographs in sorted(self._photographs.items())
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
    kind = "copy" if is_copy(found, size, match) else "landmark"
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
