"""Images that show what others of their class share with a test photograph."""

import random
from collections.abc import Iterator, Mapping
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from storage.tables.overlap import OVERLAPS
from tasks.acquire.decode import decode
from tasks.features.detect import detect
from tasks.features.packed import Features
from tasks.features.settings import FeatureSettings
from tasks.match.settings import MatchSettings
from tasks.match.verify import pair_seed, verify
from tasks.overlap.expansion import Expansion, expand
from tasks.overlap.pairs import Comparisons, SignedTests, compare_image
from tasks.overlap.settings import OverlapSettings

MATCH = MatchSettings()
SIDE, GAP = 200, 40  # a thing, and what lies between two
TOWER, BOAT, GATE, HILL = 1, 2, 3, 4


@cache
def picture(*things: int) -> Features:
    """Synthetic: 60 keypoints of each thing, side by side, the same in every picture."""
    keypoints, descriptors = [np.zeros((0, 6), np.float32)], [np.zeros((0, 128), np.uint8)]
    for index, thing in enumerate(things):
        rng = np.random.default_rng(thing)
        positions = rng.uniform(0, SIDE, (60, 2)) + np.array([(SIDE + GAP) * index, 0])
        keypoints.append(np.hstack([positions, np.tile([5, 0, 0, 5], (60, 1))]).astype(np.float32))
        descriptors.append(rng.integers(0, 256, (60, 128), dtype=np.uint8))
    return Features(np.vstack(keypoints), np.vstack(descriptors))


class Kept(Mapping[str, Features]):
    """Pictures by their sha256; remembers which of them were asked for."""

    def __init__(self, shown: Mapping[str, tuple[int, ...]]) -> None:
        self.shown, self.asked = shown, set[str]()

    def __getitem__(self, sha256: str) -> Features:
        self.asked.add(sha256.removeprefix("sha "))
        return picture(*self.shown[sha256.removeprefix("sha ")])

    def __iter__(self) -> Iterator[str]:
        return iter(self.shown)

    def __len__(self) -> int:
        return len(self.shown)


def listed(shown: Mapping[str, tuple[int, ...]], landmark: str = "c") -> pd.DataFrame:
    """Images of one class, or of the class that stands before a slash in their ids."""
    rows = [(i, i.split("/")[0] if "/" in i else landmark, f"sha {i}", 800, 300) for i in shown]
    return pd.DataFrame(rows, columns=["image_id", "landmark_id", "sha256", "width", "height"])


def met(image_id: str, index: int = 0, landmark: str = "c", **changes: Any) -> dict[str, Any]:
    """A pair of an image and a test photograph: they share what stands at this place in the image."""
    left = (SIDE + GAP) * index
    names = {"image_id": image_id, "landmark_id": image_id.split("/")[0] if "/" in image_id else landmark}
    facts = {"test_set": "paris", "test_image": "1.jpg", "site": "tower", "role": "positive", "mirrored": False}
    found = {"kind": "landmark", "through": None, "putative": 40, "inliers": 20, "false_alarms": -30.0}
    points = [[left, 0, 5, 5], [left + SIDE, SIDE, 9, 9]]
    return {**names, **facts, **found, "affine": np.zeros(6), "points": np.ravel(points).astype(np.float32), **changes}


def run(
    shown: Mapping[str, tuple[int, ...]],
    *pairs: dict[str, Any],
    landmark: str = "c",
    settings: OverlapSettings = OverlapSettings(),
) -> Expansion:
    overlaps = pd.DataFrame(list(pairs), columns=OVERLAPS.schema.names)
    return expand(listed(shown, landmark), Kept(shown), overlaps, settings, MATCH)


def through(expansion: Expansion) -> dict[str, str]:
    return {row["image_id"]: row["through"] for row in expansion.rows}


def test_an_image_is_found_through_another_with_the_photograph_that_this_one_shows_most():
    shown = {"met": (BOAT, TOWER), "near": (TOWER,), "else": (GATE,)}
    pairs = met("met", 1, inliers=9), met("met", 1, test_image="2.jpg", role="query", inliers=12)
    (row,) = run(shown, *pairs).rows
    assert row.keys() == set(OVERLAPS.schema.names)
    names = ("image_id", "through", "test_set", "test_image", "site", "role", "kind", "mirrored")
    assert [row[name] for name in names] == ["near", "met", "paris", "2.jpg", "tower", "query", "landmark", False]
    np.testing.assert_allclose(np.reshape(row["affine"], (2, 3)), [[1, 0, SIDE + GAP], [0, 1, 0]], atol=1e-3)
    assert row["inliers"] > 40
    assert row["false_alarms"] <= MATCH.false_alarms


def test_what_shares_only_what_the_test_photograph_does_not_show_is_left_alone():
    shown = {"met": (TOWER, BOAT), "boat": (BOAT,), "both": (TOWER, BOAT)}
    boat, other = Kept(shown)["sha boat"], Kept(shown)["sha met"]
    assert verify(boat, other, (800, 300), MATCH, pair_seed("sha boat", "sha met"))  # as any pair of a class is
    assert through(run(shown, met("met"))) == {"both": "met"}
    assert through(run(shown, met("met", 1))) == {"boat": "met", "both": "met"}


@pytest.mark.parametrize(
    "change",
    [{"kind": "copy"}, {"role": "junk"}, {"role": "distractor"}],
    ids=["a copy", "junk", "a distractor"],
)
def test_pairs_that_condemn_no_class_lead_to_no_other_image(change):
    shown = {"met": (TOWER,), "near": (TOWER,)}
    expansion = run(shown, met("met", **change))
    assert (expansion.rows, expansion.counts()) == ([], [])


def test_distractors_lead_on_where_the_settings_have_them_count():
    shown = {"met": (TOWER,), "near": (TOWER,)}
    pair = met("met", role="distractor")
    assert through(run(shown, pair, settings=OverlapSettings(distractors_condemn=True))) == {"near": "met"}


def test_images_without_a_class_have_no_mates():
    assert run({"met": (TOWER,), "near": (TOWER,)}, met("met", landmark=""), landmark="").rows == []


def test_it_is_one_hop():
    shown = {"met": (TOWER, BOAT), "near": (TOWER, GATE), "far": (GATE,)}
    assert through(run(shown, met("met"))) == {"near": "met"}


def test_another_class_is_another_matter():
    shown = {"a/met": (TOWER,), "a/near": (TOWER,), "b/near": (TOWER,), "b/met": (GATE,), "b/gate": (GATE,)}
    found = run(shown, met("a/met"), met("b/met", site="gate", test_image="7.jpg"))
    assert through(found) == {"a/near": "a/met", "b/gate": "b/met"}


def test_a_class_without_a_pair_costs_nothing():
    shown = {"a/met": (TOWER,), "a/near": (TOWER,), "b/1": (TOWER,), "b/2": (TOWER,), "c/met": (GATE,)}
    kept = Kept(shown)
    overlaps = pd.DataFrame([met("a/met"), met("c/met")], columns=OVERLAPS.schema.names)
    expand(listed(shown), kept, overlaps, OverlapSettings(), MATCH)
    assert kept.asked == {"a/met", "a/near"}  # and of `c`, which has a pair, no image is left to ask
    assert run(shown).rows == []


def test_what_has_a_pair_of_its_own_is_not_asked_for():
    shown = {"met": (TOWER,), "met too": (TOWER,), "junk": (TOWER,)}
    found = run(shown, met("met"), met("met too"), met("junk", role="junk"))
    assert (found.rows, found.counts()) == ([], [])


def test_an_image_that_shows_two_sites_leads_to_each():
    shown = {"met": (TOWER, GATE), "tower": (TOWER,), "gate": (GATE,), "both": (TOWER, GATE)}
    found = run(shown, met("met"), met("met", 1, test_set="oxford", test_image="9.jpg", site="gate"))
    assert [(row["image_id"], row["site"]) for row in found.rows] == [
        ("both", "gate"), ("both", "tower"), ("gate", "gate"), ("tower", "tower"),
    ]  # fmt: skip
    assert found.counts() == [
        {"test_set": "oxford", "mates_compared": 3, "mates_verified": 2},
        {"test_set": "paris", "mates_compared": 3, "mates_verified": 2},
    ]


def test_of_several_mates_the_one_with_most_inliers_is_named_and_of_equals_the_first():
    shown = {"met 1": (TOWER,), "met 2": (TOWER, HILL), "met 3": (TOWER, HILL), "near": (TOWER, HILL)}
    found = run(shown, *(met(f"met {n}") for n in (3, 2, 1)))
    assert through(found) == {"near": "met 2"}
    assert found.counts() == [{"test_set": "paris", "mates_compared": 3, "mates_verified": 3}]


def test_no_more_mates_are_compared_than_the_shortlist_has():
    shown = {**{f"met {n}": (TOWER,) for n in range(5)}, "near": (TOWER,)}
    found = run(shown, *(met(f"met {n}") for n in range(5)), settings=OverlapSettings(shortlist=2))
    assert found.compared["paris"] == 2


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_images_and_pairs_does_not_matter(seed):
    shown = {"met 1": (TOWER, BOAT), "met 2": (TOWER, GATE), "near": (TOWER,), "gate": (GATE,), "both": (GATE, TOWER)}
    pairs = [met("met 1"), met("met 2"), met("met 2", 1, site="gate", test_image="3.jpg")]
    expected = run(shown, *pairs)
    shuffled = random.Random(seed).sample
    found = run({name: shown[name] for name in shuffled(list(shown), len(shown))}, *shuffled(pairs, len(pairs)))
    key = itemgetter("image_id", "test_image")
    for one, other in zip(sorted(expected.rows, key=key), sorted(found.rows, key=key), strict=True):
        np.testing.assert_equal(one, other)
    assert found.counts() == expected.counts()


# On real photographs


def describe(path: Path) -> tuple[dict[str, Any], Features]:
    pixels = decode(path.read_bytes())
    facts = {"sha256": f"sha {path.stem}", "width": pixels.shape[1], "height": pixels.shape[0]}
    return facts, Features(*detect(pixels, FeatureSettings()))


def test_the_tower_seen_across_a_corner_is_found_through_others(shared_data):
    """No photograph of Paris6k that is at hand meets 009 or 019; two of them meet other images, and these meet both."""
    described = {
        n: describe(shared_data / f"landmarks/eiffel_tower/{n}.jpg") for n in ("002", "005", "006", "009", "019")
    }
    images = [{"image_id": name, "landmark_id": "tower", **facts} for name, (facts, _) in described.items()]
    photographs, features = [], []
    for name in ("paris_eiffel_000091.jpg", "paris_eiffel_000128.jpg"):
        facts, own = describe(shared_data / "testsets/paris6k" / name)
        names = {"test_set": "paris6k", "test_image": name, "site": "eiffel", "role": "positive"}
        photographs.append({**names, **facts})
        features.append(own)
    tests, counts, rows = SignedTests(photographs, features), Comparisons([]), list[dict[str, Any]]()
    pictures = {facts["sha256"]: own for facts, own in described.values()}
    for image in images:
        rows += compare_image(image, pictures[image["sha256"]], tests, counts, OverlapSettings(), MATCH)
    assert {row["image_id"] for row in rows} == {"002", "005", "006"}
    overlaps = pd.DataFrame(rows, columns=OVERLAPS.schema.names)
    found = expand(pd.DataFrame(images), pictures, overlaps, OverlapSettings(), MATCH)
    assert {(row["image_id"], row["through"]) for row in found.rows} >= {("009", "002"), ("019", "005")}
    assert all(row["false_alarms"] < -20 for row in found.rows)
