import json
from collections import Counter
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.features.packed import Features
from tasks.match.settings import MatchSettings
from tasks.overlap.classes import (
    class_pair_candidates,
    class_pairs,
    compare_related,
    contenders,
    reassigned_images,
    reassigned_photographs,
    related_sets,
    representatives,
    strongly_related,
    verify_pairs,
)
from tasks.overlap.pair_memory import PairMemory
from tasks.overlap.settings import ClassSettings
from tasks.overlap.subjects import links_on_subjects

MATCH = MatchSettings()


def listed(**classes: str) -> pd.DataFrame:
    """Classes of images by their names, two letters each; those with the same letter are one photograph."""
    rows = [
        (f"{name} {image}", name, f"{name} {min(i for i in images.split() if i[0] == image[0])}")
        for name, images in classes.items()
        for image in images.split()
    ]
    return pd.DataFrame(rows, columns=["image_id", "landmark_id", "photograph"], dtype=object)


def linked(*ends: tuple[str, str]) -> pd.DataFrame:
    """Pairs that lie on the subject of both images."""
    return pd.DataFrame(ends, columns=["image_a", "image_b"], dtype=object).assign(on_a=True, on_b=True)


def clique(*images: str) -> list[tuple[str, str]]:
    return list(combinations(images, 2))


# Who looks for other classes


def test_the_photographs_with_most_neighbours_represent_their_class():
    kept = listed(tower="a0 b0 b1 c0 d0", gate="a0").assign(neighbours=[1, 9, 8, 5, 5, 0], group=0)
    chosen = representatives(kept, 3)
    assert chosen.image_id.to_list() == ["gate a0", "tower b0", "tower c0", "tower d0"]
    assert representatives(kept, 1).image_id.to_list() == ["gate a0", "tower b0"]


def test_each_group_of_a_class_has_representatives_of_its_own():
    images = listed(tower="a0 b0 c0 d0").assign(neighbours=[9, 8, 1, 1], group=[0, 0, 1, 1])
    assert representatives(images, 1).image_id.to_list() == ["tower a0", "tower c0"]


def test_groups_nearly_as_large_as_the_kept_one_contend():
    sizes = {"kept": 8, "runner-up": 4, "small": 3, "pair": 1}
    rows = [("tower", number, size, name == "kept") for number, (name, size) in enumerate(sizes.items())]
    rows += [("gate", 0, 6, False), ("gate", 1, 5, False)]  # a class that keeps nothing
    groups = pd.DataFrame(rows, columns=["landmark_id", "group", "group_size", "kept"])
    assert contenders(groups, 0.5).group_size.to_list() == [8, 4]
    assert contenders(groups, 1).group_size.to_list() == [8]


@given(st.randoms(use_true_random=False))
def test_the_order_of_images_does_not_matter(random):
    kept = listed(tower="a0 a1 b0 c0 d0", gate="a0 b0").assign(neighbours=[3, 3, 2, 2, 2, 1, 1], group=0)
    indices = list(range(len(kept)))
    random.shuffle(indices)
    pd.testing.assert_frame_equal(representatives(kept.iloc[indices], 2), representatives(kept, 2))


# Which pairs are looked at, and what they come to: synthetic keypoints, one pattern for each thing


def picture(*things: int) -> Features:
    """Keypoints of things, side by side; the same thing has the same keypoints, a little moved, in every picture."""
    parts = []
    for row, thing in enumerate(things):
        random = np.random.default_rng(thing)
        positions = random.uniform(0, 200, (60, 2)) + np.array([220 * row, 0])
        descriptors = random.integers(0, 256, (60, 128), dtype=np.uint8)
        parts.append((np.hstack([positions, np.tile([5, 0, 0, 5], (60, 1))]).astype(np.float32), descriptors))
    return Features(np.vstack([keypoints for keypoints, _ in parts]), np.vstack([found for _, found in parts]))


@pytest.fixture
def three_classes():
    """Two classes with the tower (1), of which a photograph of the gate (2) shows both, and a class of its own (3)."""
    images = listed(gate="a0 b0 c0", mill="a0 b0", tower="a0 b0 c0")
    features = [picture(*things) for things in ((2,), (2,), (2, 1), (3,), (3,), (1,), (1,), (1,))]
    return images.assign(sha256=images.image_id, width=640, height=480, neighbours=1, group=0), features


def test_classes_that_share_a_landmark_are_related_and_others_are_not(three_classes):
    images, features = three_classes
    asked = class_pair_candidates(images, features, ClassSettings(), MATCH)
    assert all(images.landmark_id[a] < images.landmark_id[b] for a, b in asked)
    seen = class_pairs(images, verify_pairs(images, features, asked, MATCH, PairMemory()))
    assert set(seen.image_a) == {"gate c0"}
    assert set(seen.landmark_b) == {"tower"}
    assert related_sets(seen) == [["gate", "tower"]]


def test_an_image_goes_where_more_photographs_match_it(three_classes):
    images, features = three_classes
    chosen = images.landmark_id != "mill"
    members = images[chosen].reset_index(drop=True)
    own = [features[row] for row in np.flatnonzero(chosen)]
    across, links = compare_related(members, own, class_pairs(members, {}), ClassSettings(), MATCH, PairMemory())
    assert set(zip(across.image_a, across.image_b, strict=True)) == {("gate c0", f"tower {n}0") for n in "abc"}
    reassigned = reassigned_photographs(members, links_on_subjects(members, links))
    dropped = reassigned_images(members, reassigned, across)
    assert list(zip(dropped.image_id, dropped.reason, strict=True)) == [("gate c0", "other-class")]
    evidence = json.loads(dropped.evidence[0])
    assert (evidence["other_class"], evidence["matches_there"], evidence["matches_here"]) == ("tower", 3, 2)
    assert evidence["other_image"] == "tower a0"
    assert evidence["inliers"] == 60


def test_nothing_related_is_nothing_lost():
    nothing = linked()
    members = listed(a="a0 b0", b="a0 b0")
    assert related_sets(class_pairs(members, {})) == []
    reassigned = reassigned_photographs(members, nothing)
    assert reassigned.empty
    assert reassigned_images(members, reassigned, class_pairs(members, {})).empty


# Which images leave


def test_a_tie_stays():
    members = listed(a="a0 b0", b="a0 b0")
    links = linked(("a a0", "a b0"), ("b a0", "b b0"), ("a a0", "b a0"))
    assert reassigned_photographs(members, links).empty


def test_of_two_classes_of_one_landmark_the_larger_keeps_it():
    members = listed(a="a0 b0 c0", b="a0 b0 c0 d0")
    links = linked(*clique(*members.image_id))
    reassigned = reassigned_photographs(members, links)
    assert reassigned.photograph.to_list() == ["a a0", "a b0", "a c0"]
    assert set(reassigned.other_class) == {"b"}


def test_a_larger_class_does_not_take_what_it_sees_in_passing():
    """Each photograph of the tower matches all three others, and half of the eight of the gate."""
    members = listed(gate="a0 b0 c0 d0 e0 f0 g0 h0", tower="a0 b0 c0 d0")
    gate, tower = (members.image_id[members.landmark_id == name].to_list() for name in ("gate", "tower"))
    across = [(one, other) for one in gate[:4] for other in tower]
    links = linked(*clique(*gate), *clique(*tower), *across)
    assert reassigned_photographs(members, links).empty


def test_a_photograph_beside_the_other_class_s_subject_does_not_count():
    """By counts and shares the tower's first would leave: three of the gate's eight have it, two of its own seven."""
    members = listed(gate="a0 b0 c0 d0 e0 f0 g0 h0", tower="a0 b0 c0 d0 e0 f0 g0 h0")
    gate, tower = (members.image_id[members.landmark_id == name].to_list() for name in ("gate", "tower"))
    inside = linked(*clique(*gate), *clique(*tower[:3]), *clique(*tower[3:]))
    across = [(other, "tower a0") for other in gate[:3]]
    assert reassigned_photographs(members, pd.concat([inside, linked(*across)])).photograph.to_list() == ["tower a0"]
    beside = linked(*across).assign(on_a=False)
    assert reassigned_photographs(members, pd.concat([inside, beside])).empty


def test_copies_count_once_and_leave_together():
    members = listed(gate="a0 a1 b0 c0", tower="a0 a1 a2 b0 c0")
    copies = [("tower a0", "tower a1"), ("tower a0", "tower a2"), ("gate a0", "gate a1")]
    shown = [("gate a0", f"tower {n}") for n in ("a0", "a1", "a2")]
    links = linked(*copies, ("gate a0", "gate b0"), ("tower a0", "tower b0"), *shown)
    assert reassigned_photographs(members, links).empty
    more = pd.concat([links, linked(("gate a1", "tower b0"))])
    reassigned = reassigned_photographs(members, more)
    assert reassigned.photograph.to_list() == ["gate a0"]
    dropped = reassigned_images(members, reassigned, class_pairs(members, {}))
    assert dropped.image_id.to_list() == ["gate a0", "gate a1"]


def test_nothing_leaves_a_class_whose_group_a_person_chose():
    members = listed(a="a0 b0 c0", b="a0 b0 c0 d0")
    links = linked(*clique(*members.image_id))
    reassigned = reassigned_photographs(members, links, pinned=["a"])
    assert set(reassigned.photograph) <= {"b a0", "b b0", "b c0", "b d0"}
    assert reassigned_photographs(members, links, pinned=["a", "b"]).empty


@st.composite
def graphs(draw):
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    images = [f"{name} {letter}0" for name, size in zip("pqrs", sizes, strict=False) for letter in "abcde"[:size]]
    members = pd.DataFrame({"image_id": images, "landmark_id": [i[0] for i in images], "photograph": images})
    pairs = clique(*images)
    return members, linked(*(draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []))


@given(graphs(), st.randoms(use_true_random=False))
def test_no_image_that_is_left_is_shown_more_by_another_class(graph, random):
    members, links = graph
    reassigned = reassigned_photographs(members, links)
    left = set(members.image_id) - set(reassigned.photograph)
    sizes = Counter(image[0] for image in left)
    for image in left:
        near = [b if a == image else a for a, b in zip(links.image_a, links.image_b, strict=True) if image in (a, b)]
        counts = Counter(other[0] for other in near if other in left)
        here = counts.pop(image[0], 0)
        share = here / max(1, sizes[image[0]] - 1)
        assert not [name for name, count in counts.items() if count > here and count / sizes[name] >= share]
    rows = list(range(len(links)))
    random.shuffle(rows)
    again = reassigned_photographs(members.sample(frac=1, random_state=1), links.iloc[rows])
    pd.testing.assert_frame_equal(again, reassigned)
    assert (reassigned.matches_there > reassigned.matches_here).all()


def test_no_image_goes_to_a_class_by_weak_pairs_alone(three_classes):
    images, features = three_classes
    demanding = ClassSettings(strong_pair=-1e6)
    across, links = compare_related(images, features, class_pairs(images, {}), demanding, MATCH, PairMemory())
    assert across.empty
    assert all(a.split()[0] == b.split()[0] for a, b in zip(links.image_a, links.image_b, strict=True))
    assert reassigned_photographs(images, links_on_subjects(images, links)).empty


def test_weak_pairs_alone_relate_no_classes_and_neither_do_parts_that_repeat():
    rows = [
        ("abbey", "dome", -9.0, False),
        ("abbey", "dome", -13.0, False),
        ("abbey", "mill", -40.0, True),
        ("abbey", "mill", -14.0, False),
        ("dome", "gate", -9.0, True),
        ("dome", "gate", -40.0, False),
    ]
    pairs = pd.DataFrame(rows, columns=["landmark_a", "landmark_b", "false_alarms", "repeats"])
    assert strongly_related(pairs, ClassSettings()).values.tolist() == [list(row) for row in rows[-2:]]
    assert strongly_related(pairs[:0], ClassSettings()).empty
