from itertools import combinations

import networkx as nx
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.match.schedule import Progress, explore, unseen_pairs


def always(a: int, b: int) -> bool:
    return a < b


def test_without_candidates_all_are_compared():
    asked = []
    progress = explore(5, None, lambda a, b: asked.append((a, b)) or a == 0, 1)
    assert asked == list(combinations(range(5), 2))
    assert progress.compared == set(asked)
    assert progress.verified == {(0, b) for b in range(1, 5)}
    assert not progress.skipped


def test_pairs_that_cannot_change_the_groups_are_skipped_once_all_have_supports():
    every = list(combinations(range(12), 2))
    progress = explore(12, every, always, 3)
    assert progress.skipped
    assert not progress.skipped & progress.compared
    assert progress.skipped | progress.compared == set(every)
    degree = np.bincount(np.array(sorted(progress.verified)).ravel(), minlength=12)
    assert degree.min() >= 3


def test_neighbours_of_neighbours_are_tried_until_there_are_supports():
    # Candidates are a chain; in truth all show the same.
    progress = explore(6, [(a, a + 1) for a in range(5)], always, 3)
    assert {(0, 2), (0, 3)} <= progress.verified


def test_all_pairs_of_a_small_class_are_compared_whatever_fails():
    progress = explore(9, None, lambda *_: False, 8)
    assert len(progress.compared) == 36


def test_no_pair_is_asked_twice_and_each_with_the_lower_first():
    asked: list[tuple[int, int]] = []
    some = [pair for pair in combinations(range(20), 2) if sum(pair) % 4]
    explore(20, some, lambda a, b: asked.append((a, b)) or (a + b) % 3 == 0, 2)
    assert len(asked) == len(set(asked))
    assert all(a < b for a, b in asked)


@given(st.sets(st.sampled_from(list(combinations(range(14), 2))), min_size=20), st.integers(2, 4))
def test_what_is_skipped_changes_neither_groups_nor_bridges_nor_articulation_points(true, supports):
    every = sorted(combinations(range(14), 2), key=lambda pair: hash((pair, supports)))
    found = nx.Graph(list(explore(14, every, lambda a, b: (a, b) in true, supports).verified))
    whole = nx.Graph(list(true))
    assert set(map(frozenset, nx.connected_components(found))) == set(map(frozenset, nx.connected_components(whole)))
    assert set(nx.bridges(found)) == set(nx.bridges(whole))
    assert set(nx.articulation_points(found)) == set(nx.articulation_points(whole))


@given(st.integers(2, 25), st.integers(0, 200), st.integers(0, 1000))
def test_the_audit_draws_unseen_pairs_once_and_the_same_again(count, wanted, seed):
    every = list(combinations(range(count), 2))
    progress = Progress(compared=set(every[::3]), skipped=set(every[1::3]))
    drawn = unseen_pairs(count, progress, wanted, seed)
    assert drawn == unseen_pairs(count, progress, wanted, seed)
    assert len(drawn) == len(set(drawn)) == min(wanted, len(every[2::3]))
    assert set(drawn) <= set(every[2::3])
