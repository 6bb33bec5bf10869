import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from tasks.cluster.graph import group_images
from tasks.cluster.settings import ClusterSettings
from tests.tasks.cluster.cluster_graphs import clique, images, named, pairs

SETTINGS = ClusterSettings(sizeable=1000)  # nothing is cut; cuts have tests of their own


def ranks(members: pd.DataFrame, edges: pd.DataFrame) -> dict[str, tuple[int, int, int]]:
    """Group, images of the group and neighbours, by image."""
    found, _ = group_images(members, edges, SETTINGS)
    return {row.image_id: (row.group, row.images, row.neighbours) for row in found.itertuples()}


def test_groups_are_ranked_inside_each_class():
    found = ranks(
        images("a1", "a2", "a3", "a4", "a5", "b1", "b2"),
        pairs(("a1", "a2", 20), ("a2", "a3", 20), ("a4", "a5", 500), ("b1", "b2", 20)),
    )
    assert found == {
        "a1": (0, 3, 1),
        "a2": (0, 3, 2),
        "a3": (0, 3, 1),
        "a4": (1, 2, 1),
        "a5": (1, 2, 1),
        "b1": (0, 2, 1),
        "b2": (0, 2, 1),
    }


def test_of_equal_sizes_the_one_with_more_inliers_comes_first():
    found = ranks(images("a1", "a2", "a3", "a4"), pairs(("a1", "a2", 20), ("a3", "a4", 21)))
    assert [found[name][0] for name in ("a1", "a2", "a3", "a4")] == [1, 1, 0, 0]


def test_of_equal_weights_the_one_with_the_smallest_id_comes_first():
    found = ranks(images("a4", "a2", "a3", "a1"), pairs(("a2", "a3", 20), ("a1", "a4", 20)))
    assert {name for name, row in found.items() if row[0] == 0} == {"a1", "a4"}


def test_a_much_copied_picture_does_not_win():
    copied = named("aC", 5)
    copies = tuple((copied[0], name) for name in copied[1:])
    found, _ = group_images(
        images(*copied, "a1", "a2", "a3"), pairs(*clique("a1", "a2", "a3"), copies=copies), SETTINGS
    )
    found = found.set_index("image_id")
    assert found.loc["a1", ["group", "images", "photographs", "linked"]].to_list() == [0, 3, 3, 2]
    assert found.loc["aC3", ["group", "images", "photographs", "linked"]].to_list() == [1, 5, 1, 0]
    assert found.photograph["aC3"] == "aC0"
    assert (found.largest == 3).all()
    assert (found.margin == 2).all()


def test_the_pairs_of_copies_weigh_once():
    edges = pairs(("a1", "a3", 30), ("a2", "a3", 20), ("a4", "a5", 40), copies=(("a1", "a2"),))
    found, _ = group_images(images("a1", "a2", "a3", "a4", "a5"), edges, SETTINGS)
    found = found.set_index("image_id")
    assert found.weight.to_dict() == {"a1": 30, "a2": 30, "a3": 30, "a4": 40, "a5": 40}
    assert found.group.to_dict() == {"a1": 1, "a2": 1, "a3": 1, "a4": 0, "a5": 0}


def test_what_is_cut_joins_nothing_and_counts_for_nobody():
    left, right = named("aL", 6), named("aR", 5)
    edges = pairs(*clique(*left), *clique(*right), ("aL0", "aR0", 6))
    found, cuts = group_images(images(*left, *right), edges, ClusterSettings())
    found = found.set_index("image_id")
    assert cuts[["image_a", "image_b", "rule"]].to_numpy().tolist() == [["aL0", "aR0", "bridge"]]
    assert found.group.to_dict() == dict.fromkeys(left, 0) | dict.fromkeys(right, 1)
    assert found.neighbours["aL0"] == 5


def test_images_without_a_match_are_groups_of_one():
    assert ranks(images("a1", "a2", "b1"), pairs(("a1", "a2", 30)))["b1"] == (0, 1, 0)
    assert {row[0] for row in ranks(images("a1", "a2", "a3"), pairs()).values()} == {0, 1, 2}


def test_nothing_in_nothing_out():
    found, cuts = group_images(images(), pairs(), SETTINGS)
    assert len(found) == len(cuts) == 0


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
    found, _ = group_images(images(*names), pairs(*edges), SETTINGS)
    assert found.image_id.tolist() == sorted(names)
    assert {frozenset(part.image_id) for _, part in found.groupby(["landmark_id", "group"])} == components(names, edges)
    for _, part in found.groupby("landmark_id"):
        order = {}
        for rank, members in part.groupby("group"):
            weight = sum(inliers for a, _, inliers in edges if a in set(members.image_id))
            order[rank] = (-len(members), -weight, members.image_id.min())
            assert (members.images == len(members)).all()
        assert list(order) == list(range(len(order)))
        assert list(order.values()) == sorted(order.values())
    assert found.neighbours.sum() == 2 * len(edges)


@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(graph, random):
    names, edges = graph
    shuffled, turned = list(names), list(edges)
    random.shuffle(shuffled)
    random.shuffle(turned)
    there, back = (
        group_images(images(*n), pairs(*e), ClusterSettings(sizeable=2))
        for n, e in ((names, edges), (shuffled, turned))
    )
    for one, other in zip(there, back, strict=True):
        pd.testing.assert_frame_equal(one, other)
