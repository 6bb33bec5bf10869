"""Rows of results say what was scored, and by an independent implementation score the same."""

import math

import numpy as np
import pytest

from storage.errors import InputError
from tasks.evaluate.protocol import CLASSIC, REVISITED
from tasks.evaluate.results import Conditions, grade, result_rows, score_all, searched, worst
from tasks.evaluate.truth import Query, Truth


def named(**grades: str) -> dict[str, frozenset[str]]:
    return {grade: frozenset(names.split()) for grade, names in grades.items()}


PHOTOGRAPHS = ["a", "b", "c", "d", "e", "f"]
TRUTH = Truth(
    CLASSIC,
    (
        Query("one", "a", None, named(good="a b", ok="c", junk="e")),
        Query("two", "b", (0.0, 0.0, 9.0, 9.0), named(good="f absent", junk="")),
        Query("none", "c", None, named(junk="a")),
    ),
)
RANKINGS = [np.array(order) for order in ([4, 0, 3, 1, 2, 5], [0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5])]


def average_precision(ranking, positives, junk):
    """From the definition: the mean over positives of the area of a trapezoid in the curve of precision and recall."""
    seen, found, area = 0, 0, 0.0
    for name in ranking:
        if name in junk:
            continue
        before = found / seen if seen else 1.0
        found, seen = found + (name in positives), seen + 1
        if name in positives:
            area += (before + found / seen) / 2
    return area / len(positives)


def test_a_row_says_under_which_conditions_what_was_scored():
    conditions = Conditions("oxford5k", "550+800", True, "resnet50 R-MAC 0123", "landmarks/3", "QE 5", "abcdef")
    (row,) = result_rows(TRUTH, RANKINGS, PHOTOGRAPHS, conditions)
    first = average_precision("eadbcf", "abc", "e")
    second = average_precision("abcdef", "f", "")
    low, high = row.pop("low"), row.pop("high")
    assert low <= row["mean_average_precision"] <= high
    assert row == {
        "test_set": "oxford5k",
        "protocol": "classic",
        "size": "550+800",
        "crop": True,
        "network": "resnet50 R-MAC 0123",
        "whitening": "landmarks/3",
        "steps": "QE 5",
        "queries": 2,
        "photographs": 6,
        "absent": 1,
        "mean_average_precision": pytest.approx((first + second) / 2),
        "precision_at_1": pytest.approx(1 / 2),
        "precision_at_5": pytest.approx((3 / 4 + 0) / 2),
        "precision_at_10": pytest.approx((3 / 4 + 1 / 6) / 2),
        "certificate": "abcdef",
    }


def test_each_setup_has_its_row():
    truth = Truth(REVISITED, (Query("q", "q", None, named(easy="a", hard="f", junk="c")),), apart=True)
    rows = result_rows(truth, [np.arange(6)], PHOTOGRAPHS, Conditions("roxford5k", "800", False, "n"))
    assert [(row["protocol"], row["queries"], row["certificate"]) for row in rows] == [
        (name, 1, "not certified") for name in ("easy", "hard", "medium")
    ]
    expected = [average_precision("abdef", "a", "f"), average_precision("abdef", "f", "a")]
    assert [row["mean_average_precision"] for row in rows[:2]] == pytest.approx(expected)
    assert math.isnan(rows[0]["low"])  # of one query nobody can say how much it varies


def test_what_asks_is_searched_unless_queries_are_apart():
    assert searched(TRUTH, PHOTOGRAPHS).tolist() == [0, 1, 2, 3, 4, 5]
    assert searched(Truth(REVISITED, TRUTH.queries, apart=True), PHOTOGRAPHS).tolist() == [3, 4, 5]


def test_names_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="1 photographs have a name like another's, such as 'a'"):
        searched(TRUTH, [*PHOTOGRAPHS, "a"])
    with pytest.raises(InputError, match="2 photographs that ask are missing, such as 'a'; get the set whole"):
        searched(TRUTH, ["c", "d"])


def test_absent_answers_are_counted_and_absent_junk_is_not():
    grades, absent = grade(TRUTH, PHOTOGRAPHS[:4])
    assert absent == 2  # f, and the one that nobody has
    assert {name: indices.tolist() for name, indices in grades[0].items()} == {"good": [0, 1], "ok": [2], "junk": []}


def test_the_worst_queries_come_first():
    scores = score_all(TRUTH, RANKINGS, PHOTOGRAPHS)["classic"]
    assert worst(scores, 5).tolist() == [1, 0]
    assert worst(scores, 1).tolist() == [1]
