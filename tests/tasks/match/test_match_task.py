from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from storage.newest import keep_newest
from storage.parquet import read_table
from storage.root import Root
from storage.tables.acquisition import DROPS, IMAGES
from storage.tables.features import FEATURES, MASKS
from storage.tables.groups import NEAR_MISSES, PAIRS
from tasks.contracts import Run
from tasks.features.contracts import Packet
from tasks.features.packed import Features
from tasks.match.settings import MatchSettings
from tasks.match.task import Matched, MatchInputs, match_pairs
from tasks.match.verify import distinct_places
from tests.rows import drop_row, features_row, image_row, mask_row, sha_of, write

POINTS = np.random.default_rng(0).uniform(0, 480, (60, 2))
MEMBERS = {
    "3": ("a", 1, 9),
    "1": ("a", 1, 0),
    "4": ("a", 2, 0),
    "2": ("a", 1, 5),
    "6": ("b", 1, 2),
    "5": ("b", 1, 7),
}
"""Class a: 1, 2 and 3 alike, 4 alone; class b: 5 and 6 alike, and like those of a."""


def features(seed: int, shift: float) -> Features:
    descriptors = np.random.default_rng(seed).integers(0, 256, (60, 128), dtype=np.uint8)
    return Features(np.hstack([POINTS + shift, np.ones((60, 4))]).astype(np.float32), descriptors)


def packet(
    root: Root, members: Mapping[str, tuple[str, int, float]], masked: Mapping[str, range] | None = None
) -> Packet:
    """The tables of images.

    Args:
        members: by image its class, the seed of its descriptors, and by how much its keypoints are shifted.
        masked: indices of the keypoints that are masked, by image.
    """
    described = [features_row(sha_of(name), features(seed, shift)) for name, (_, seed, shift) in members.items()]
    masks = [mask_row(sha_of(name), 60, (masked or {}).get(name, ())) for name in members]
    return Packet(
        images=write(root, IMAGES, [image_row(name, own) for name, (own, _, _) in members.items()]),
        features=write(root, FEATURES, described),
        masks=write(root, MASKS, masks),
    )


@pytest.fixture
def root(tmp_path) -> Root:
    return Root(str(tmp_path))


def match(
    root: Root, own: Packet, settings: MatchSettings = MatchSettings(), dropped: tuple[str, ...] = ()
) -> tuple[Matched, list[dict[str, Any]]]:
    inputs = MatchInputs(packet=own, drops=write(root, DROPS, map(drop_row, dropped)), shard="packet")
    output = match_pairs(Run(root, "match-1"), inputs, settings)
    table = read_table(root, output.pairs)
    assert table.schema.equals(PAIRS.schema)
    return output, table.to_pylist()


def test_all_pairs_inside_each_class_are_compared_and_no_other(root):
    output, rows = match(root, packet(root, MEMBERS))
    none = {"skipped": 0, "audited": 0, "audit_found": 0}
    counts = {"possible": 6 + 1, "compared": 6 + 1, "verified": 3 + 1, **none}
    assert output.model_dump(exclude={"pairs", "near_misses", "classes"}) == counts
    assert [(row["landmark_id"], row["image_a"], row["image_b"]) for row in rows] == [
        ("a", "1", "2"),
        ("a", "1", "3"),
        ("a", "2", "3"),
        ("b", "5", "6"),
    ]
    assert all(row["image_a"] < row["image_b"] for row in rows)


def test_the_map_leads_from_the_first_image_to_the_second(root):
    _, rows = match(root, packet(root, MEMBERS))
    for row in rows:
        expected = MEMBERS[row["image_b"]][2] - MEMBERS[row["image_a"]][2]
        np.testing.assert_allclose(np.reshape(row["affine"], (2, 3)), [[1, 0, expected], [0, 1, expected]], atol=0.05)
        points = np.reshape(row["points"], (-1, 4))
        np.testing.assert_allclose(points[:, 2:] - points[:, :2], expected, atol=1e-3)
        assert (row["putative"], row["inliers"]) == (60, 60)


def test_what_matches_nothing_has_what_came_nearest(root):
    output, _ = match(root, packet(root, MEMBERS))
    table = read_table(root, output.near_misses)
    assert table.schema.equals(NEAR_MISSES.schema)
    (row,) = table.to_pylist()
    assert (row["image_id"], row["compared"], row["nearest"]) == ("4", 3, "1")
    assert row["lacks"] in ("matches", "map", "inliers")


def test_how_far_from_the_threshold_a_pair_was(root):
    strict = MatchSettings(false_alarms=-1000.0)
    output, _ = match(root, packet(root, MEMBERS), strict)
    rows = {row["image_id"]: row for row in read_table(root, output.near_misses).to_pylist()}
    assert {name: row["nearest"] for name, row in rows.items() if name != "4"} == dict(
        zip("12356", "21165", strict=True)
    )
    first = rows["1"]
    assert (first["inliers"], first["putative"], first["needed"], first["lacks"]) == (60, 60, None, "inliers")
    shifts = np.reshape(first["points"], (-1, 4))
    np.testing.assert_allclose(shifts[:, 2:] - shifts[:, :2], MEMBERS["2"][2] - MEMBERS["1"][2], atol=1e-3)
    back = np.reshape(rows["2"]["points"], (-1, 4))
    np.testing.assert_allclose(back[:, 2:] - back[:, :2], MEMBERS["1"][2] - MEMBERS["2"][2], atol=1e-3)


def test_dropped_images_are_not_compared(root):
    output, rows = match(root, packet(root, MEMBERS), dropped=("1", "6"))
    assert output.compared == 3
    assert [(row["image_a"], row["image_b"]) for row in rows] == [("2", "3")]


def test_a_stricter_rule_verifies_less(root):
    output, rows = match(root, packet(root, MEMBERS), MatchSettings(min_inliers=61))
    assert (output.compared, output.verified, rows) == (7, 0, [])


def test_inliers_are_the_distinct_places_of_the_points(root):
    for row in match(root, packet(root, MEMBERS))[1]:
        assert distinct_places(np.reshape(row["points"], (-1, 4)).astype(np.float32)) == row["inliers"]


def test_masked_keypoints_take_no_part(root):
    _, rows = match(root, packet(root, MEMBERS, masked={"1": range(50)}))
    found = {(row["image_a"], row["image_b"]): row["putative"] for row in rows}
    assert (found["1", "2"], found["2", "3"]) == (10, 60)


def test_a_large_class_is_matched_by_its_shortlist_with_an_audit(root):
    """60 photographs: six groups of ten that share nothing with each other."""
    members = {f"{n:02d}": ("a", n % 6, n // 6) for n in range(60)}
    output, rows = match(root, packet(root, members), MatchSettings(audit=1.0))
    assert all(int(row["image_a"]) % 6 == int(row["image_b"]) % 6 for row in rows)
    assert output.compared < output.possible / 4
    assert output.audited == output.compared
    assert output.audit_found == 0
    reached = {"00"}
    for _ in range(10):
        reached |= {
            row[end] for row in rows for end in ("image_a", "image_b") if {row["image_a"], row["image_b"]} & reached
        }
    assert reached == set(list(members)[::6])


def test_a_class_that_is_what_it_was_is_not_compared_again(root):
    first, found = match(root, packet(root, MEMBERS))
    none = first.model_copy(update={"pairs": write(root, PAIRS, [], "forged")})  # as no comparison says
    identity = match_pairs.identity(MatchSettings())
    keep_newest(root, match_pairs.name, identity, "packet", none)
    changed = MEMBERS | {"6": ("b", *MEMBERS["5"][1:])}
    assert [row["landmark_id"] for row in match(root, packet(root, changed))[1]] == ["b"]
    keep_newest(root, match_pairs.name, identity, "packet", none)
    root.write("forged.parquet", b"damaged")
    assert match(root, packet(root, MEMBERS))[1] == found


@pytest.mark.parametrize(
    "change",
    [
        {"masked": {"2": range(30)}},
        {"members": MEMBERS | {"5": ("b", 9, 0)}},
        {"members": {name: own for name, own in MEMBERS.items() if name != "3"}},
        {"members": MEMBERS | {"7": MEMBERS["1"]}},
        {"members": {name.replace("1", "9"): own for name, own in MEMBERS.items()}},
    ],
)
def test_what_is_known_of_classes_changes_nothing(tmp_path, change):
    known, new = Root(str(tmp_path / "known")), Root(str(tmp_path / "new"))
    match(known, packet(known, MEMBERS))
    again, fresh = (match(root, packet(root, **{"members": MEMBERS} | change))[0] for root in (known, new))
    assert {ref.digest for ref in again.refs()} == {ref.digest for ref in fresh.refs()}
    assert again.compared == fresh.compared
