import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.cluster.cuts import COLUMNS, find_cuts
from tasks.cluster.photographs import photographs_of
from tasks.cluster.settings import ClusterSettings
from tests.tasks.cluster.cluster_graphs import clique, images, named, pairs

# Sides of 3 and 4 to 16 photographs have 12 to 48 pairs: a link holds from 10 inliers on, and not with 9
SETTINGS = ClusterSettings(sizeable=3, strong_link=-8.3)
LEFT, RIGHT = named("aL", 4), named("aR", 3)


def cut(edges: pd.DataFrame, settings: ClusterSettings = SETTINGS) -> list[tuple[str, str, int, int, int, str]]:
    """image_a, image_b, inliers, size_a, size_b, rule of each cut."""
    names = sorted({*edges.image_a, *edges.image_b})
    cuts = find_cuts(edges, photographs_of(images(*names).image_id, edges), settings)
    assert list(cuts.columns) == COLUMNS
    return list(cuts.drop(columns=["landmark_id", "false_alarms", "repeats"]).itertuples(index=False, name=None))


def test_a_weak_bridge_between_two_cliques_is_cut():
    assert cut(pairs(*clique(*LEFT), *clique(*RIGHT), ("aL3", "aR0", 9))) == [("aL3", "aR0", 9, 4, 3, "bridge")]


@pytest.mark.parametrize("inliers", [10, 12, 20])
def test_a_strong_bridge_holds(inliers):
    assert cut(pairs(*clique(*LEFT), *clique(*RIGHT), ("aL3", "aR0", inliers))) == []


def test_a_weak_bridge_to_a_small_part_holds():
    assert cut(pairs(*clique(*LEFT), ("aR0", "aR1", 40), ("aL3", "aR0", 9))) == []


def test_weak_links_in_different_places_join_no_two_sizeable_sides():
    weak = [("aL3", "aR0", 9), ("aL2", "aR1", 9), ("aL0", "aR2", 8)]
    found = cut(pairs(*clique(*LEFT), *clique(*RIGHT), *weak))
    assert found == [(*link, 4, 3, "weak") for link in sorted(weak)]


def test_one_strong_link_is_enough_for_all_the_weak_ones():
    links = [("aL3", "aR0", 9), ("aL2", "aR1", 10), ("aL0", "aR2", 8)]
    assert cut(pairs(*clique(*LEFT), *clique(*RIGHT), *links)) == []


def test_links_whose_part_repeats_are_weak_however_many_match():
    links = [("aL3", "aR0", 30), ("aL2", "aR1", 30)]
    edges = [*clique(*LEFT), *clique(*RIGHT), *links]
    both = pairs(*edges, repeating=tuple(link[:2] for link in links))
    found = find_cuts(both, photographs_of(images(*LEFT, *RIGHT).image_id, both), SETTINGS)
    assert found[["image_a", "image_b", "repeats", "rule"]].to_numpy().tolist() == [
        ["aL2", "aR1", True, "weak"],
        ["aL3", "aR0", True, "weak"],
    ]
    assert cut(pairs(*edges, repeating=(links[0][:2],))) == []


def test_weak_links_hold_a_small_side():
    assert cut(pairs(*clique(*LEFT), ("aR0", "aR1", 40), ("aL3", "aR0", 9), ("aL2", "aR1", 9))) == []


def test_the_copies_of_a_photograph_are_one_side_and_their_pairs_one_link():
    copies = (("aR0", "aR1"), ("aR1", "aR2"))
    assert cut(pairs(*clique(*LEFT), ("aL3", "aR0", 9), copies=copies)) == []
    edges = [*clique(*LEFT), *clique(*RIGHT), ("aL3", "aR0", 8), ("aX", "aR0", 9), ("aX", "aR1", 40)]
    assert cut(pairs(*edges, copies=(("aL3", "aX"),))) == []
    assert cut(pairs(*edges[:-1], copies=(("aL3", "aX"),))) == [
        ("aL3", "aR0", 8, 4, 3, "bridge"),
        ("aR0", "aX", 9, 3, 4, "bridge"),
    ]


def test_a_chain_is_cut_at_its_weakest_and_no_part_below_the_size():
    chain = [(f"a{n}", f"a{n + 1}", inliers) for n, inliers in enumerate([20, 20, 9, 8, 9, 20, 20])]
    assert cut(pairs(*chain)) == [("a3", "a4", 8, 4, 4, "bridge")]


def test_a_star_holds():
    assert cut(pairs(*[("a0", f"a{n}", 8) for n in range(1, 9)])) == []


def test_three_cliques_in_a_row_are_cut_twice():
    edges = [*clique(*named("aL", 4)), *clique(*named("aM", 4)), *clique(*named("aR", 4))]
    found = cut(pairs(*edges, ("aL0", "aM0", 9), ("aM1", "aR0", 8)))
    assert found == [("aL0", "aM0", 9, 4, 4, "bridge"), ("aM1", "aR0", 8, 8, 4, "bridge")]


def test_a_photograph_with_weak_links_alone_leaves_the_side_that_they_lead_to():
    weak = [("aL0", name, 8 + number % 2) for number, name in enumerate(RIGHT)]
    assert cut(pairs(*clique(*LEFT), *clique(*RIGHT), *weak)) == [
        ("aL0", "aR0", 8, 4, 3, "articulation"),
        ("aL0", "aR1", 9, 4, 3, "articulation"),
        ("aL0", "aR2", 8, 4, 3, "articulation"),
    ]
    stronger = [*weak[1:], ("aL0", "aR0", 10)]
    assert cut(pairs(*clique(*LEFT), *clique(*RIGHT), *stronger)) == []


def collage(left: int, right: int) -> list[tuple[str, str, int]]:
    """aC shows what two cliques show, with so many inliers each."""
    return [
        *clique(*LEFT),
        *clique(*RIGHT),
        *[("aC", name, left) for name in LEFT[:2]],
        *[("aC", name, right) for name in RIGHT[:2]],
    ]


def test_a_collage_stays_with_the_side_that_supports_it_best():
    found = cut(pairs(*collage(60, 50), right=tuple(RIGHT)))
    assert found == [("aC", "aR0", 50, 5, 3, "collage"), ("aC", "aR1", 50, 5, 3, "collage")]
    found = cut(pairs(*collage(50, 60), right=tuple(RIGHT)))
    assert found == [("aC", "aL0", 50, 4, 4, "collage"), ("aC", "aL1", 50, 4, 4, "collage")]


def test_a_photograph_between_two_views_shows_both_in_one_place():
    assert cut(pairs(*collage(60, 50))) == []


@st.composite
def graphs(draw: st.DrawFn) -> list[tuple[str, str, int]]:
    names = named("a", draw(st.integers(4, 14)))
    possible = [(a, b) for a in names for b in names if a < b]
    chosen = draw(st.lists(st.sampled_from(possible), unique=True, max_size=22))
    return [(a, b, draw(st.integers(8, 12))) for a, b in chosen]


def sides(edges: list[tuple[str, str]], start: str) -> set[str]:
    reached, ahead = set(), [start]
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead += [b if a == name else a for a, b in edges if name in (a, b)]
    return reached


@given(graphs())
def test_no_weak_bridge_between_two_sizeable_sides_is_left_and_no_other_is_cut(edges):
    """Found by taking out every edge in turn."""
    gone = {(a, b) for a, b, *_ in cut(pairs(*edges))}
    left = [(a, b) for a, b, _ in edges if (a, b) not in gone]
    strength = {(a, b): inliers for a, b, inliers in edges}
    assert all(strength[edge] < 10 for edge in gone)
    for edge in left:
        others = [other for other in left if other != edge]
        one, two = sides(others, edge[0]), sides(others, edge[1])
        assert one == two or min(len(one), len(two)) < 3 or strength[edge] >= 10
    for a, b in gone:
        one, two = sides(left, a), sides(left, b)
        assert one.isdisjoint(two)


@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_of_pairs_does_not_matter(edges, random):
    turned = list(edges)
    random.shuffle(turned)
    assert cut(pairs(*turned)) == cut(pairs(*edges))


def test_larger_sides_need_a_stronger_link():
    edges = [*clique(*named("aL", 20)), *clique(*named("aR", 20))]
    assert cut(pairs(*edges, ("aL0", "aR0", 10))) == [("aL0", "aR0", 10, 20, 20, "bridge")]
    assert cut(pairs(*edges, ("aL0", "aR0", 11))) == []
