"""Answers of people, read from each form of table; how a similarity and they among themselves agree with them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import InputError
from tasks.evaluate.answers import read_answers
from tasks.evaluate.people import Triplet, agreement_between, agreement_of_each, agreement_with

ANSWERS = """query,a,b,person,answer,left
q1,x,y,Ann,a,a
q1,x,y,Ben,a,b
q1,y,x,Cid,b,a
q2,x,y,Ann,a,a
q2,x,y,Ben,b,a
q3,x,y,Ann,b,a
q3,x,y,Ben,tie,a
q4,x,y,Cid,b,b
"""


def similarity(query: str, image: str) -> float:
    """Finds x more like q1 and q2, y more like q4, and both equally like q3."""
    return {("q1", "x"): 0.9, ("q2", "x"): 0.5, ("q4", "y"): 0.1}.get((query, image), 0.0)


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "answers.csv"
    path.write_text(text)
    return path


def test_answers_of_people(tmp_path: Path) -> None:
    triplets = read_answers(table(tmp_path, ANSWERS))
    assert [(one.query, one.a, one.b, one.people) for one in triplets] == [
        ("q1", "x", "y", ("Ann", "Ben", "Cid")),
        ("q2", "x", "y", ("Ann", "Ben")),
        ("q3", "x", "y", ("Ann", "Ben")),
        ("q4", "x", "y", ("Cid",)),
    ]
    assert [one.answers.tolist() for one in triplets] == [[1, 1, 1], [1, 0], [0, 0.5], [0]]
    assert [one.unanimous for one in triplets] == [True, False, False, False]
    pd.read_csv(tmp_path / "answers.csv").to_parquet(tmp_path / "answers.parquet")
    again = read_answers(tmp_path / "answers.parquet")
    assert [one.answers.tolist() for one in again] == [one.answers.tolist() for one in triplets]


def test_agreement_on_all_and_on_unanimous_triplets_where_ties_count_half(tmp_path: Path) -> None:
    agreed = agreement_with(read_answers(table(tmp_path, ANSWERS)), similarity)
    assert agreed.all == pytest.approx((1 + 1 / 2 + 1 / 2 + 1) / 4)
    assert (agreed.unanimous, agreed.triplets, agreed.unanimous_triplets) == (1.0, 4, 1)
    tie = Triplet("q1", "x", "y", np.array([0.5, 0.5]))
    found = agreement_with([tie], similarity)
    assert found.all == 0.5
    assert np.isnan(found.unanimous)


def test_people_among_themselves_each_left_out(tmp_path: Path) -> None:
    triplets = read_answers(table(tmp_path, ANSWERS))
    assert agreement_between(triplets) == pytest.approx((1 + 1 + 1 + 0 + 0 + 0.5 + 0.5) / 7)
    each = agreement_of_each(triplets)
    assert list(each) == ["Ann", "Ben", "Cid"]
    assert each["Ann"] == (3, pytest.approx((1 + 0 + 0.5) / 3))
    assert each["Cid"] == (1, 1.0)


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=2, max_size=9))
def test_leaving_out_is_the_mean_over_pairs(answers: list[float]) -> None:
    pairs = [x * y + (1 - x) * (1 - y) for n, x in enumerate(answers) for m, y in enumerate(answers) if n != m]
    assert agreement_between([Triplet("q", "a", "b", np.array(answers))]) == pytest.approx(np.mean(pairs))


def test_votes(tmp_path: Path) -> None:
    triplets = read_answers(table(tmp_path, "query,a,b,votes_a,votes_b\nq1,x,y,3,1\nq2,x,y,0.0,2.0\n"))
    assert [one.answers.tolist() for one in triplets] == [[1, 1, 1, 0], [0, 0]]
    agreed = agreement_with(triplets, similarity)
    assert (agreed.all, agreed.unanimous) == (pytest.approx((3 / 4 + 0) / 2), 0.0)
    assert agreement_of_each(triplets) == {}


def test_nights(tmp_path: Path) -> None:
    text = (
        "id,left_vote,right_vote,ref_path,left_path,right_path,prompt,is_imagenet,split,votes\n"
        "0,1,0,ref/0.png,distort/0_0.png,distort/0_1.png,a cat,False,test,7\n"
        "1,0.0,1.0,ref/1.png,distort/1_0.png,distort/1_1.png,,False,test,6.0\n"
    )
    triplets = read_answers(table(tmp_path, text))
    assert [(one.query, one.a, one.b) for one in triplets] == [
        ("ref/0.png", "distort/0_0.png", "distort/0_1.png"),
        ("ref/1.png", "distort/1_0.png", "distort/1_1.png"),
    ]
    assert [one.answers.tolist() for one in triplets] == [[1] * 7, [0] * 6]
    assert all(one.unanimous for one in triplets)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "query,a,b,person,answer\nq,x,y,Ann,a\nq,x,y,Ben,c\n",
            "row 2, column answer: 'c' is no answer; expected a, b",
        ),
        ("query,a,b,person,answer\nq,x,y,,a\n", "row 1, column person: it is empty"),
        ("query,a,b,person,answer\nq,x,,Ann,a\n", "row 1, column b: it is empty"),
        ("query,a,b,person,answer\nq,x,q,Ann,a\n", "row 1, column b: expected three different images"),
        ("query,a,b,person,answer\nq,x,y,Ann,a\nq,y,x,Ann,a\n", "row 2, column person: Ann answered this .* row 1"),
        ("query,a,b,person,answer\n", "no row; expected at least one answer"),
        ("query,a,b,votes_a,votes_b\nq,x,y,1,-1\n", "row 1, column votes_b: '-1' is no count of votes"),
        ("query,a,b,votes_a,votes_b\nq,x,y,1,99999999\n", "column votes_b: .* expected 0 to 10,000"),
        ("query,a,b,votes_a,votes_b\nq,x,y,0,0\n", "row 1, column votes_b: nobody voted"),
        (
            "ref_path,left_path,right_path,left_vote,right_vote,votes\nq,x,y,1,1,6\n",
            "row 1, column right_vote: expected a vote of 1 for one",
        ),
        ("query,a,b\nq,x,y\n", "expected a CSV or Parquet file with the columns query, a, b, person, answer; or"),
        ("", "expected a CSV or Parquet file"),
        ('query,a\n"', "expected a CSV or Parquet file"),
    ],
)
def test_tables_that_can_not_be_are_refused_with_row_and_column(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_answers(table(tmp_path, text))
