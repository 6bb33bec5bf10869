"""The oracle scores 100, chance about nothing, and each figure is what its definition gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr

from tasks.evaluate.semantic import agreement, agreement_among, area, ndcg_curve, pcc_curve

values = st.lists(st.floats(0, 1, allow_subnormal=False), min_size=3, max_size=20)


def numbers(seed, count=40):
    return np.random.default_rng(seed).random(count)


@given(values, st.sampled_from(["exponential", "linear"]))
def test_the_oracle_has_all_that_can_be_gained(relevance, gain):
    relevance = np.array(relevance)
    curve = ndcg_curve(relevance, relevance, 128, gain)
    assert np.allclose(curve[~np.isnan(curve)], 1.0)


@given(st.integers(0, 99))
def test_ndcg_is_between_nothing_and_the_oracle(seed):
    curve = ndcg_curve(numbers(seed), numbers(seed + 1), 128)
    assert ((curve >= 0) & (curve <= 1 + 1e-12)).all()


def test_ndcg_by_hand():
    curve = ndcg_curve(np.array([0.9, 0.5, 0.1]), np.array([0.0, 1.0, 1.0]), 128, "linear")
    second, third = 1 / np.log2(3), 1 / np.log2(4)
    assert curve == pytest.approx([0.0, second / (1 + second), (second + third) / (1 + second)])


@given(st.integers(0, 99))
def test_correlation_is_that_of_scipy_at_every_length(seed):
    similarity, relevance = numbers(seed), numbers(seed + 1)
    order = np.argsort(-similarity)
    expected = [pearsonr(similarity[order[:r]], relevance[order[:r]]).statistic for r in range(2, 31)]
    assert pcc_curve(similarity, relevance, 30) == pytest.approx(expected, abs=1e-6)


def test_the_oracle_correlates_wholly_and_chance_does_not():
    relevance = numbers(0, 2000)
    assert area(pcc_curve(relevance, relevance, 128)) == pytest.approx(1.0)
    areas = [area(pcc_curve(numbers(seed, 2000), relevance, 128)) for seed in range(1, 40)]
    assert abs(np.mean(areas)) < 0.06


def test_what_does_not_vary_has_no_correlation():
    assert np.isnan(pcc_curve(numbers(0), np.ones(40), 128)).all()
    assert np.isnan(area(pcc_curve(numbers(0), np.ones(40), 128)))


def test_agreement_counts_the_people_who_chose_alike():
    votes = np.array([[3, 1], [0, 2], [1, 1]])
    assert agreement(np.array([0.5, -0.1, 0.2]), votes) == pytest.approx((0.75 + 1 + 0.5) / 3)
    assert agreement(np.zeros(3), votes) == 0.5


def test_people_among_themselves():
    assert agreement_among([np.array([True, True, True])]) == 1.0
    assert agreement_among([np.array([True, True, False])]) == pytest.approx((0.5 + 0.5 + 0) / 3)
    assert np.isnan(agreement_among([np.array([True])]))
