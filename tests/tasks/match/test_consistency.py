"""How unlikely it is that so many votes agree."""

from math import comb, log10

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.match.consistency import consistency
from tasks.match.voting import Votes

EXTENTS = np.full(3, 640, np.float32)
CHANCE = 0.01


def scattered(count: int, seed: int = 0, photograph: int = 0) -> Votes:
    """Votes that agree in nothing but by chance."""
    random = np.random.default_rng(seed)
    source, target = (
        np.column_stack(
            [random.uniform(0, 640, (count, 2)), random.uniform(-180, 180, count), random.uniform(0, 5, count)]
        ).astype(np.float32)
        for _ in range(2)
    )
    return Votes(np.full(count, photograph, np.int32), source, target, random.uniform(0.1, 1, count))


def agreeing(count: int, turn: float = 0.0, scale: float = 1.0, photograph: int = 0) -> Votes:
    """Votes for a photograph of the same thing by a camera turned by so many degrees, so many times nearer."""
    votes = scattered(count, seed=count, photograph=photograph)
    cos, sin = scale * np.cos(np.deg2rad(turn)), scale * np.sin(np.deg2rad(turn))
    camera = np.array([[cos, -sin], [sin, cos]])
    target = np.column_stack(
        [votes.source[:, :2] @ camera.T, votes.source[:, 2] + turn, votes.source[:, 3] + np.log2(scale)]
    )
    return votes._replace(target=target.astype(np.float32))


def together(*votes: Votes) -> Votes:
    return Votes(*(np.concatenate(parts) for parts in zip(*votes, strict=True)))


def expected(votes: int, agree: int) -> float:
    return log10(votes * comb(votes - 1, agree - 1)) + (agree - 1) * log10(CHANCE)


@pytest.mark.parametrize(("turn", "scale"), [(0, 1), (40, 1), (175, 0.5), (-90, 3)])
def test_votes_that_one_camera_movement_explains_agree(turn, scale):
    found = consistency(agreeing(12, turn, scale), EXTENTS)
    assert found.photographs.tolist() == [0]
    assert found.false_alarms[0] == pytest.approx(expected(12, 12))


def test_so_many_of_as_many():
    votes = together(agreeing(5), scattered(3, seed=4).take(np.arange(1)))
    assert consistency(votes, EXTENTS).false_alarms[0] == pytest.approx(expected(6, 5))


def test_each_photograph_has_its_own():
    votes = together(agreeing(4, photograph=2), agreeing(9, photograph=0))
    found = consistency(votes, EXTENTS)
    assert found.photographs.tolist() == [0, 2]
    np.testing.assert_allclose(found.false_alarms, [expected(9, 9), expected(4, 4)])


@pytest.mark.parametrize(("column", "change"), [(0, 300.0), (2, 120.0), (3, 2.5)], ids=["place", "turn", "scale"])
def test_a_vote_that_differs_in_one_of_them_does_not_agree(column, change):
    votes = agreeing(6)
    votes.target[0, column] += change
    assert consistency(votes, EXTENTS).false_alarms[0] == pytest.approx(expected(6, 5))


@pytest.mark.parametrize("side", ["source", "target"])
def test_what_repeats_at_one_place_counts_once(side):
    votes = agreeing(8)
    getattr(votes, side)[1:, :2] = getattr(votes, side)[0, :2]
    assert consistency(votes, EXTENTS).false_alarms[0] == pytest.approx(expected(1, 1))


@pytest.mark.parametrize("side", ["source", "target"])
def test_of_what_repeats_at_one_place_the_heaviest_counts(side):
    votes = together(agreeing(8), scattered(1, seed=3))
    getattr(votes, side)[8, :2] = getattr(votes, side)[0, :2]
    votes.weight[[0, 8]] = 0.9, 0.2
    assert consistency(votes, EXTENTS).false_alarms[0] == pytest.approx(expected(8, 8))
    votes.weight[[0, 8]] = 0.2, 0.9
    assert consistency(votes, EXTENTS).false_alarms[0] == pytest.approx(expected(8, 7))


def test_of_many_votes_the_heaviest_64_count():
    votes = together(agreeing(64)._replace(weight=np.full(64, 0.5)), scattered(30)._replace(weight=np.full(30, 0.1)))
    assert consistency(votes, EXTENTS).false_alarms[0] == pytest.approx(expected(64, 64))


@pytest.mark.parametrize(("extent", "agree"), [(640, 6), (64, 3)])
def test_how_near_is_near_goes_by_the_picture_that_is_voted_for(extent, agree):
    votes = agreeing(6, photograph=1)
    votes.target[:, :2] += np.array([[30, 0], [-30, 0]] * 3, np.float32)  # three to the right, three to the left
    extents = np.array([64000, extent, 64000], np.float32)
    assert consistency(votes, extents).false_alarms[0] == pytest.approx(expected(6, agree))


def test_what_is_no_number_agrees_with_nothing():
    votes = agreeing(5)
    votes.target[:, 3] = np.nan
    assert consistency(votes, EXTENTS).false_alarms[0] >= 0


def test_no_votes_are_no_photographs():
    found = consistency(scattered(0), EXTENTS)
    assert len(found.photographs) == len(found.false_alarms) == 0


@given(st.integers(1, 200), st.integers(0, 1000), st.randoms(use_true_random=False))
def test_their_order_does_not_matter(count, seed, random):
    votes = together(*(scattered(count, seed + n, photograph=n) for n in range(3)))
    order = list(range(len(votes.weight)))
    random.shuffle(order)
    found, again = (consistency(one, EXTENTS) for one in (votes, votes.take(np.array(order))))
    np.testing.assert_array_equal(found.photographs, again.photographs)
    np.testing.assert_allclose(found.false_alarms, again.false_alarms)


@given(st.integers(3, 40), st.integers(0, 1000))
def test_votes_of_chance_are_no_alarm(count, seed):
    assert consistency(scattered(count, seed), EXTENTS).false_alarms[0] > -2
