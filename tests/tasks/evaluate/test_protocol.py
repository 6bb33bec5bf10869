"""Each protocol counts what its authors count, and leaves out what they leave out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.evaluate.protocol import CLASSIC, HOLIDAYS, REVISITED, score

RANKING = np.array([4, 0, 3, 1, 2])


def graded(**grades):
    return {name: np.array(images, np.int64) for name, images in grades.items()}


def test_good_and_ok_are_answers_and_junk_is_left_out():
    grades = graded(good=[0], ok=[1], junk=[4, 3])
    assert score([RANKING], [grades], CLASSIC["classic"]).mean == 1.0


def test_the_revisited_setups_leave_out_what_another_setup_asks_for():
    grades = graded(easy=[0], hard=[1], junk=[4])
    means = {name: score([RANKING], [grades], setup).mean for name, setup in REVISITED.items()}
    # without 4: 0 3 1 2; easy leaves out 1 too, hard leaves out 0
    assert means == pytest.approx({"easy": 1.0, "medium": (1 + (1 / 2 + 2 / 3) / 2) / 2, "hard": 0.25})


def test_a_holidays_query_does_not_find_itself():
    assert score([RANKING], [graded(query=[4], positive=[0])], HOLIDAYS["holidays"]).mean == 1.0


def test_a_query_without_answers_does_not_count():
    scores = score([RANKING, RANKING], [graded(easy=[4]), graded(hard=[2])], REVISITED["easy"])
    assert scores.mean == 1.0
    assert np.isnan(scores.average_precisions[1])
    assert scores.mean_precision(1) == 1.0


def test_nothing_to_score_is_no_number():
    scores = score([RANKING], [graded()], CLASSIC["classic"])
    assert np.isnan(scores.mean)
    assert np.isnan(scores.interval()).all()


@given(st.lists(st.permutations(range(6)), min_size=2, max_size=8))
def test_the_interval_holds_the_mean(rankings):
    scores = score([np.array(r) for r in rankings], [graded(good=[0, 3])] * len(rankings), CLASSIC["classic"])
    low, high = scores.interval()
    assert low - 1e-12 <= scores.mean <= high + 1e-12
    assert scores.interval() == (low, high)
