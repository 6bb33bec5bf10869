"""How many pairs a list has, by hand and by law."""

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.match.estimate import Pairs, count_pairs
from tasks.match.settings import MatchSettings

SETTINGS = MatchSettings(exhaustive=40, candidates=30, audit=0.05)
sizes_of_classes = st.lists(st.integers(1, 20_000), min_size=1, max_size=20)


def count(sizes: list[int], settings: MatchSettings = SETTINGS) -> Pairs:
    return count_pairs(np.array(sizes, np.int64), settings)


def test_small_classes_are_compared_whole() -> None:
    assert count([1, 3, 40]) == Pairs(possible=0 + 3 + 780, compared=783, shortlisted=0)


def test_large_classes_by_what_was_measured() -> None:
    assert count([68]) == Pairs(possible=2278, compared=478, shortlisted=68)  # 68 × 6.7, and a twentieth as audit
    assert count([3000]).compared == 16_380  # 3,000 × 5.2, likewise
    assert count([3, 68, 3000]).compared - 3 == 478 + 16_380


def test_settings_bound_it() -> None:
    assert count([3000], SETTINGS.model_copy(update={"candidates": 2, "audit": 0.0})).compared == 6000
    assert count([4], SETTINGS.model_copy(update={"exhaustive": 0})).compared == 6  # no more than there are


@given(sizes_of_classes, sizes_of_classes)
def test_more_classes_never_have_fewer_pairs(sizes: list[int], more: list[int]) -> None:
    fewer, all_of_them = count(sizes), count(sizes + more)
    assert all(a <= b for a, b in zip(fewer, all_of_them, strict=True))
    assert fewer.compared <= fewer.possible


@given(st.integers(1, 20_000), st.integers(0, 1000))
def test_a_larger_class_never_has_fewer_pairs_by_the_same_rule(size: int, more: int) -> None:
    """From 40 images to 41 they do fall: that is what the shortlist is for."""
    if (size <= 40) == (size + more <= 40):
        assert count([size]).compared <= count([size + more]).compared


@given(sizes_of_classes, st.randoms(use_true_random=False))
def test_order_does_not_matter(sizes: list[int], random: Random) -> None:
    shuffled = list(sizes)
    random.shuffle(shuffled)
    assert count(shuffled) == count(sizes)
