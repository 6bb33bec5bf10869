import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.match.audit import missed_pairs


def test_nothing_audited_says_nothing():
    assert missed_pairs(500, 0, 0) == (0.0, 0.0, 500.0)


def test_nothing_found_bounds_what_was_missed():
    # The exact bound: 1 - 0.025^(1/100) = 0.0362
    estimate, low, high = missed_pairs(10_000, 100, 0)
    assert (estimate, low) == (0.0, 0.0)
    assert high == pytest.approx(362.2, abs=0.1)


def test_all_found_means_that_all_were_missed():
    estimate, low, high = missed_pairs(10, 10, 10)
    assert (estimate, high) == (10.0, 10.0)
    assert 6 < low < 10


@given(st.integers(1, 10**6), st.integers(1, 5000), st.data())
def test_the_estimate_lies_in_its_interval(unseen, audited, data):
    found = data.draw(st.integers(0, audited))
    estimate, low, high = missed_pairs(unseen, audited, found)
    assert 0 <= low <= estimate + 1e-9
    assert estimate <= high + 1e-9 <= unseen + 1e-6
