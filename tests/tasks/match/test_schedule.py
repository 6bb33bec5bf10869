from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.match.schedule import Progress, explore, shortlist, unseen_pairs
from tasks.match.settings import MatchSettings

SETTINGS = MatchSettings(candidates=3, min_votes=1.0, supports=2)


def votes_of(count: int, pairs: dict[tuple[int, int], float]) -> np.ndarray:
    votes = np.zeros((count, count), np.float32)
    for (a, b), number in pairs.items():
        votes[a, b] = number
    return votes


def always(a: int, b: int) -> bool:
    return a < b


def test_a_class_without_votes_is_compared_whole():
    asked = []
    progress = explore(5, None, lambda a, b: asked.append((a, b)) or a == 0, SETTINGS)
    assert asked == list(combinations(range(5), 2))
    assert progress.compared == set(asked)
    assert progress.verified == {(0, b) for b in range(1, 5)}
    assert not progress.skipped


def test_the_shortlist_takes_the_better_of_both_sides_and_most_votes_first():
    votes = votes_of(4, {(0, 1): 2, (1, 0): 5, (2, 3): 7, (0, 3): 0.5, (3, 1): 2})
    assert shortlist(votes, SETTINGS) == [(2, 3), (0, 1), (1, 3)]


def test_the_shortlist_takes_so_many_for_each():
    votes = np.full((10, 10), 4, np.float32)
    few = MatchSettings(candidates=2, min_votes=1)
    assert len(shortlist(votes, few)) <= 20
    assert all(sum(a in pair for pair in shortlist(votes, few)) >= 2 for a in range(10))


def test_pairs_that_cannot_change_the_groups_are_skipped_once_all_have_supports():
    votes = np.full((12, 12), 4, np.float32)
    settings = MatchSettings(candidates=11, min_votes=1, supports=3)
    progress = explore(12, votes, always, settings)
    assert progress.skipped
    assert not progress.skipped & progress.compared
    assert progress.skipped | progress.compared == set(combinations(range(12), 2))
    degree = np.bincount(np.array(sorted(progress.verified)).ravel(), minlength=12)
    assert degree.min() >= 3


def test_neighbours_of_neighbours_are_tried_until_there_are_supports():
    # A chain by votes; in truth all show the same.
    votes = votes_of(6, {(a, a + 1): 9 for a in range(5)})
    progress = explore(6, votes, always, MatchSettings(candidates=1, min_votes=1, supports=3))
    assert {(0, 2), (0, 3)} <= progress.verified


def test_no_pair_is_asked_twice_and_each_with_the_lower_first():
    asked: list[tuple[int, int]] = []
    votes = np.random.default_rng(0).uniform(0, 9, (20, 20)).astype(np.float32)
    explore(20, votes, lambda a, b: asked.append((a, b)) or (a + b) % 3 == 0, SETTINGS)
    assert len(asked) == len(set(asked))
    assert all(a < b for a, b in asked)


@given(st.integers(2, 25), st.integers(0, 200), st.integers(0, 1000))
def test_the_audit_draws_unseen_pairs_once_and_the_same_again(count, wanted, seed):
    every = list(combinations(range(count), 2))
    progress = Progress(compared=set(every[::3]), skipped=set(every[1::3]))
    drawn = unseen_pairs(count, progress, wanted, seed)
    assert drawn == unseen_pairs(count, progress, wanted, seed)
    assert len(drawn) == len(set(drawn)) == min(wanted, len(every[2::3]))
    assert set(drawn) <= set(every[2::3])
