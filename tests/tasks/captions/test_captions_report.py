import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.captions.pictures import find_pictures
from tasks.captions.report import curve, histogram
from tasks.captions.samples import heaviest_terms, shared_terms


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=60))
def test_every_value_is_in_one_bar(values):
    bars = histogram(np.array(values))
    assert sum(bar["count"] for bar in bars) == len(values)
    assert len(bars) <= 30
    assert max(bar["share"] for bar in bars) == 1
    for bar in bars:
        assert bar["count"] == sum(bar["low"] <= value < bar["high"] for value in values)


def test_bars_of_shares_and_of_nothing():
    bars = histogram(np.array([0.1, 0.1, 0.4]))
    assert [bar["count"] for bar in bars if bar["count"]] == [2, 1]
    assert histogram(np.array([], float)) == []
    assert histogram(np.array([7, 7]))[0]["count"] == 2


def test_the_curve_falls_from_the_upper_left_to_the_lower_right():
    points = [tuple(map(float, point.split(","))) for point in curve(np.array([1, 1, 2, 50, 400, 3])).split()]
    assert points[0] == (0, 0)
    assert points[-1] == (100, 40)
    assert points == sorted(points)
    assert curve(np.array([1, 1])) == curve(np.array([], int)) == ""


def test_heaviest_and_shared_terms(unit_rows):
    weights = unit_rows(np.array([[3.0, 1, 0, 2], [1, 5, 5, 0]]))
    assert [term for term, _ in heaviest_terms(weights, 0, list("abcd"))] == ["a", "d", "b"]
    assert shared_terms(weights, 0, 1, list("abcd")) == ["b", "a"]


def test_pictures_are_found_below_the_folder(tmp_path):
    for name in ("VG_100K/1.jpg", "VG_100K_2/2.PNG", "VG_100K_2/1.jpg", "3.txt", "4.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert find_pictures(tmp_path, {"1", "2", "3"}) == {
        "1": tmp_path / "VG_100K/1.jpg",
        "2": tmp_path / "VG_100K_2/2.PNG",
    }


@pytest.mark.parametrize("values", [np.array([5]), np.array([0.5])])
def test_a_single_value(values):
    assert histogram(values)[0]["share"] == 1
