import json

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from storage.reasons import Reason
from tasks.cluster.graph import dropped_images, group_images
from tasks.cluster.settings import ClusterSettings

SETTINGS = ClusterSettings()


def images(*names: str) -> pd.DataFrame:
    """The class of an image is its first letter."""
    return pd.DataFrame({"image_id": list(names), "landmark_id": [name[0] for name in names]}, dtype=object)


def pairs(*edges: tuple[str, str, int]) -> pd.DataFrame:
    return pd.DataFrame(list(edges), columns=["image_a", "image_b", "inliers"]).astype({"inliers": "int32"})


def group(members: pd.DataFrame, edges: pd.DataFrame, **settings: int) -> dict[str, tuple[int, int, int, bool]]:
    found = group_images(members, edges, ClusterSettings(**settings))
    return {row.image_id: (row.group, row.group_size, row.neighbours, row.kept) for row in found.itertuples()}


def test_the_largest_component_of_each_class_is_kept():
    found = group(
        images("a1", "a2", "a3", "a4", "a5", "b1", "b2"),
        pairs(("a1", "a2", 20), ("a2", "a3", 20), ("a4", "a5", 500), ("b1", "b2", 20)),
    )
    assert found == {
        "a1": (0, 3, 1, True),
        "a2": (0, 3, 2, True),
        "a3": (0, 3, 1, True),
        "a4": (1, 2, 1, False),
        "a5": (1, 2, 1, False),
        "b1": (0, 2, 1, True),
        "b2": (0, 2, 1, True),
    }


def test_of_equal_sizes_the_one_with_more_inliers_is_kept():
    found = group(images("a1", "a2", "a3", "a4"), pairs(("a1", "a2", 20), ("a3", "a4", 21)))
    assert [found[name][3] for name in ("a1", "a2", "a3", "a4")] == [False, False, True, True]


def test_of_equal_weights_the_one_with_the_smallest_id_is_kept():
    found = group(images("a4", "a2", "a3", "a1"), pairs(("a2", "a3", 20), ("a1", "a4", 20)))
    assert {name for name, row in found.items() if row[3]} == {"a1", "a4"}


def test_images_without_a_match_are_groups_of_one():
    found = group(images("a1", "a2", "b1"), pairs(("a1", "a2", 30)))
    assert found["b1"] == (0, 1, 0, False)
    assert group(images("a1"), pairs(), min_group_size=1)["a1"] == (0, 1, 0, True)


def test_a_group_below_the_minimum_is_not_kept():
    assert not any(row[3] for row in group(images("a1", "a2"), pairs(("a1", "a2", 30)), min_group_size=3).values())


def test_nothing_in_nothing_out():
    found = group_images(images(), pairs(), SETTINGS)
    assert list(found.columns) == ["image_id", "landmark_id", "group", "group_size", "neighbours", "kept"]
    assert len(found) == 0
    assert len(dropped_images(found)) == 0


def test_a_class_without_a_pair():
    assert {row[0] for row in group(images("a1", "a2", "a3"), pairs()).values()} == {0, 1, 2}


def test_why_images_are_dropped():
    members = images("a1", "a2", "a3", "a4", "a5", "a6", "b1", "b2", "c1")
    groups = group_images(
        members,
        pairs(("a1", "a2", 9), ("a2", "a3", 9), ("a4", "a5", 9), ("b1", "b2", 9)),
        ClusterSettings(min_group_size=3),
    )
    found = {row.image_id: (row.reason, json.loads(row.evidence)) for row in dropped_images(groups).itertuples()}
    assert found == {
        "a4": (Reason.SMALLER_GROUP, {"group": 1, "group_size": 2, "largest_group": 3}),
        "a5": (Reason.SMALLER_GROUP, {"group": 1, "group_size": 2, "largest_group": 3}),
        "a6": (Reason.NO_MATCH, {"group": 2, "group_size": 1, "largest_group": 3}),
        "b1": (Reason.SMALL_GROUP, {"group": 0, "group_size": 2, "largest_group": 2}),
        "b2": (Reason.SMALL_GROUP, {"group": 0, "group_size": 2, "largest_group": 2}),
        "c1": (Reason.NO_MATCH, {"group": 0, "group_size": 1, "largest_group": 1}),
    }


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[str], list[tuple[str, str, int]]]:
    names = draw(
        st.lists(
            st.builds("{}{}".format, st.sampled_from("abc"), st.integers(0, 9)), unique=True, min_size=1, max_size=20
        )
    )
    possible = [(a, b) for a in sorted(names) for b in sorted(names) if a < b and a[0] == b[0]]
    chosen = draw(st.lists(st.sampled_from(possible), unique=True, max_size=12)) if possible else []
    return names, [(a, b, draw(st.integers(20, 23))) for a, b in chosen]


def components(names: list[str], edges: list[tuple[str, str, int]]) -> set[frozenset[str]]:
    home = {name: {name} for name in names}
    for a, b, _ in edges:
        merged = home[a] | home[b]
        home |= dict.fromkeys(merged, merged)
    return {frozenset(members) for members in home.values()}


@given(graphs())
def test_groups_are_the_connected_components_best_first(graph):
    names, edges = graph
    found = group_images(images(*names), pairs(*edges), SETTINGS)
    assert found.image_id.tolist() == sorted(names)
    assert {frozenset(part.image_id) for _, part in found.groupby(["landmark_id", "group"])} == components(names, edges)
    for _, part in found.groupby("landmark_id"):
        ranks = {}
        for rank, members in part.groupby("group"):
            weight = sum(inliers for a, _, inliers in edges if a in set(members.image_id))
            ranks[rank] = (-len(members), -weight, members.image_id.min())
            assert (members.group_size == len(members)).all()
            assert (members.kept == (rank == 0 and len(members) >= 2)).all()
        assert list(ranks) == list(range(len(ranks)))
        assert list(ranks.values()) == sorted(ranks.values())
    assert found.neighbours.sum() == 2 * len(edges)


@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(graph, random):
    names, edges = graph
    shuffled, turned = list(names), list(edges)
    random.shuffle(shuffled)
    random.shuffle(turned)
    pd.testing.assert_frame_equal(
        group_images(images(*names), pairs(*edges), SETTINGS), group_images(images(*shuffled), pairs(*turned), SETTINGS)
    )


@given(graphs())
def test_every_image_is_kept_or_dropped(graph):
    names, edges = graph
    groups = group_images(images(*names), pairs(*edges), SETTINGS)
    assert sorted([*groups.image_id[groups.kept], *dropped_images(groups).image_id]) == sorted(names)
