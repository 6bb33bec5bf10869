import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from tasks.captions import neighbours
from tasks.captions.neighbours import Neighbours, exact_similarities, most_similar


def brute_force(weights: sp.csr_array, row: int, k: int) -> list[tuple[int, float]]:
    """By float64, sorted by similarity in float32 and then by row."""
    dense = weights.toarray().astype(np.float64)
    similarities = (dense @ dense[row]).astype(np.float32)
    others = [(-float(s), j) for j, s in enumerate(similarities) if j != row and s > 0]
    return [(j, -s) for s, j in sorted(others)[:k]]


@pytest.mark.parametrize(("images", "terms", "k"), [(120, 40, 10), (60, 300, 100), (5, 3, 4), (1, 2, 3), (40, 1, 7)])
@pytest.mark.parametrize("dense_share", [0.0, 0.1, 2.0])
def test_they_are_those_of_brute_force(monkeypatch, images, terms, k, dense_share, drawn):
    monkeypatch.setattr(neighbours, "_DENSE_SHARE", dense_share)
    monkeypatch.setattr(neighbours, "_BLOCK_SCORES", 7 * images)
    weights = drawn(images, terms)
    found = list(Neighbours(weights).of(0, images, k))
    assert len(found) == images
    for row, (rows, similarities) in enumerate(found):
        expected = brute_force(weights, row, k)
        assert similarities == pytest.approx([s for _, s in expected], abs=1e-6)
        # images of the same similarity but for its last digit may change places between two ways of summing
        assert len(set(rows.tolist()) ^ {j for j, _ in expected}) <= 2 * int(
            sum(abs(s - expected[-1][1]) < 1e-6 for _, s in expected) if expected else 0
        )
        assert row not in rows


def test_ties_go_to_the_smaller_row_in_any_block(monkeypatch, unit_rows):
    weights = unit_rows(np.array([[1.0, 1]] * 9 + [[1.0, 0]] + [[0.0, 0]] * 2))
    whole = [rows.tolist() for rows, _ in Neighbours(weights).of(0, 12, 4)]
    assert whole[0] == [1, 2, 3, 4]
    assert whole[3] == [0, 1, 2, 4]
    assert whole[9] == [0, 1, 2, 3]
    assert whole[10:] == [[], []]
    monkeypatch.setattr(neighbours, "_BLOCK_SCORES", 24)
    monkeypatch.setattr(neighbours, "_PAIRS_AT_ONCE", 5)
    assert [rows.tolist() for rows, _ in Neighbours(weights).of(0, 12, 4)] == whole


@given(st.integers(2, 25), st.integers(1, 8), st.integers(1, 30), st.integers(0, 5))
def test_any_cut_into_tasks_gives_the_same(drawn, images, terms, k, seed):
    weights = drawn(images, terms, seed)
    near = Neighbours(weights)
    whole = list(near.of(0, images, k))
    parts = [*near.of(0, images // 2, k), *Neighbours(weights).of(images // 2, images, k)]
    for (rows, similarities), (again, as_before) in zip(whole, parts, strict=True):
        assert rows.tolist() == again.tolist()
        assert similarities.tolist() == as_before.tolist()
        assert (np.diff(similarities) <= 0).all()
        assert (similarities > 0).all()


def test_similarity_is_symmetric_to_the_last_digit(drawn):
    weights = drawn(30, 200)
    i, j = (numbers.ravel() for numbers in np.indices((30, 30)))
    assert (exact_similarities(weights, i, j) == exact_similarities(weights, j, i)).all()


def test_a_query_finds_itself_first(drawn):
    weights = drawn(50, 30)
    rows, similarities = most_similar(weights, weights[[7]], 5)
    assert rows[0] == 7
    assert similarities[0] == pytest.approx(1)
    assert most_similar(weights, sp.csr_array((1, 30), dtype=np.float32), 5)[0].tolist() == []
