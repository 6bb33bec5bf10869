"""Average precision agrees with sets worked out by hand and with an area computed from its definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.evaluate.ranking import average_precision, positive_ranks, precision_at

rankings = st.permutations(range(12))


def area_by_definition(relevant):
    """The area under precision over recall, one trapezoid at each positive, from a list of 0 and 1."""
    positives, found, area, precision = sum(relevant), 0, 0.0, 1.0
    for rank, is_relevant in enumerate(relevant):
        if is_relevant:
            before = precision if rank == 0 else found / rank
            found += 1
            area += (before + found / (rank + 1)) / 2 / positives
    return area


@pytest.mark.parametrize(
    ("ranks", "positives", "expected"),
    [
        ([0], 1, 1.0),
        ([0, 1, 2], 3, 1.0),
        ([1], 1, 0.25),  # (0/1 + 1/2) / 2
        ([0, 2], 2, (1 + (1 / 2 + 2 / 3) / 2) / 2),
        ([0], 2, 0.5),
        ([], 3, 0.0),
    ],
)
def test_average_precision_worked_out_by_hand(ranks, positives, expected):
    assert average_precision(np.array(ranks, np.int64), positives) == pytest.approx(expected)


@given(rankings, st.sets(st.integers(0, 11), min_size=1), st.sets(st.integers(0, 11)))
def test_average_precision_is_the_area_by_definition(ranking, positives, junk):
    positives = positives - junk or {0}
    junk = junk - positives
    ranks = positive_ranks(np.array(ranking), np.array([*positives]), np.array([*junk], np.int64))
    relevant = [image in positives for image in ranking if image not in junk]
    assert average_precision(ranks, len(positives)) == pytest.approx(area_by_definition(relevant))


@given(rankings, st.sets(st.integers(0, 11), min_size=2, max_size=6))
def test_where_junk_stands_does_not_matter(ranking, chosen):
    positive, *junk = sorted(chosen)
    ranks = positive_ranks(np.array(ranking), np.array([positive]), np.array(junk))
    without = positive_ranks(np.array([r for r in ranking if r not in junk]), np.array([positive]), np.array([], int))
    assert np.array_equal(ranks, without)


@given(st.lists(st.integers(0, 30), unique=True, min_size=1), st.integers(0, 30))
def test_a_better_rank_never_scores_less(ranks, gain):
    ranks = np.sort(np.array(ranks))
    free = [r for r in range(ranks[-1]) if r not in ranks]
    better = np.sort(np.append(ranks[:-1], free[gain % len(free)])) if free else ranks
    assert average_precision(better, len(ranks)) >= average_precision(ranks, len(ranks))


@pytest.mark.parametrize(
    ("ranks", "most", "expected"),
    [([0, 1, 4], 5, 3 / 5), ([0, 1], 5, 1.0), ([3], 10, 1 / 4), ([3], 1, 0.0), ([], 5, 0.0), ([0, 7], 5, 1 / 5)],
)
def test_precision_counts_to_the_last_positive(ranks, most, expected):
    assert precision_at(np.array(ranks, np.int64), most) == pytest.approx(expected)
