"""The shortlist: which pairs of a class are worth a comparison."""

from tasks.match import shortlist as module
from tasks.match.settings import MatchSettings
from tasks.match.shortlist import shortlist


def test_pairs_of_the_likeliest_photographs_come_first(photographs, like):
    known = photographs(6)
    near, far = like(known[1], noise=5), like(known[4], noise=40)
    settings = MatchSettings(candidates=2, min_votes=20)
    assert shortlist([*known, near, far], settings) == [(1, 6), (4, 7)]


def test_each_photograph_has_at_most_so_many_candidates(photographs, like):
    alike = [like(photographs(1)[0], seed=seed) for seed in range(12)]
    found = shortlist(alike, MatchSettings(candidates=2, min_votes=1))
    assert all(a < b for a, b in found)
    assert len(found) == len(set(found)) <= 24
    assert {place for pair in found for place in pair} == set(range(12))


def test_blocks_find_what_one_index_finds(monkeypatch, photographs, like):
    known = photographs(8)
    several = [*known, *(like(photograph, seed=3) for photograph in known)]
    settings = MatchSettings(candidates=1, min_votes=20)
    whole = shortlist(several, settings)
    monkeypatch.setattr(module, "BLOCK", 5)
    assert set(shortlist(several, settings)) == set(whole) == {(n, n + 8) for n in range(8)}
