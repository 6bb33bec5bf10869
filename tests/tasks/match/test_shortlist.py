"""The shortlist: which pairs of a class are worth a comparison."""

import numpy as np

from tasks.features.packed import Features
from tasks.match import shortlist as module
from tasks.match.settings import MatchSettings
from tasks.match.shortlist import shortlist


def test_pairs_of_the_likeliest_photographs_come_first(photographs, like):
    known = photographs(6)
    few = Features(known[4].keypoints[:30], known[4].descriptors[:30])
    near, far = like(known[1], noise=5), like(few, noise=40)
    assert shortlist([*known, near, far], MatchSettings()) == [(1, 6), (4, 7)]


def test_each_photograph_has_at_most_so_many_candidates(photographs, like):
    alike = [like(photographs(1)[0], seed=seed) for seed in range(12)]
    found = shortlist(alike, MatchSettings(candidates=2))
    assert all(a < b for a, b in found)
    assert len(found) == len(set(found)) <= 24
    assert {index for pair in found for index in pair} == set(range(12))


def test_what_is_alike_in_another_arrangement_is_not_worth_a_comparison(photographs, like):
    known = photographs(6)
    other = like(known[2])
    shuffled = np.random.default_rng(3).permutation(other.keypoints)
    moved = Features(shuffled, other.descriptors)
    assert shortlist([*known, moved], MatchSettings()) == []
    assert (2, 6) in shortlist([*known, moved], MatchSettings(proposal_alarms=300.0))


def test_photographs_of_one_class_make_no_pair_where_classes_are_given(photographs, like):
    known = photographs(3)
    several = [*known, like(known[0]), like(known[1])]
    assert shortlist(several, MatchSettings(), classes=["a", "a", "a", "a", "b"]) == [(1, 4)]


def test_of_all_blocks_together_a_photograph_has_so_many_candidates(monkeypatch, photographs, like):
    alike = [like(photographs(1)[0], seed=seed) for seed in range(9)]
    monkeypatch.setattr(module, "BLOCK", 3)
    found = shortlist(alike, MatchSettings(candidates=2))
    assert len(found) <= 18
    assert {index for pair in found for index in pair} == set(range(9))


def test_it_is_enough_that_one_of_two_photographs_names_the_other(photographs, like):
    known = photographs(6)
    near, far = like(known[4], noise=5), like(known[4], noise=30)
    found = shortlist([*known, near, far], MatchSettings(candidates=1))  # 4 and 6 name each other, 7 names one of them
    assert found[0] == (4, 6)
    assert [pair for pair in found[1:] if 7 in pair] == found[1:] != []


def test_blocks_find_what_one_index_finds(monkeypatch, photographs, like):
    known = photographs(8)
    several = [*known, *(like(photograph, seed=3) for photograph in known)]
    whole = shortlist(several, MatchSettings(candidates=1))
    monkeypatch.setattr(module, "BLOCK", 5)
    assert set(shortlist(several, MatchSettings(candidates=1))) == set(whole) == {(n, n + 8) for n in range(8)}
