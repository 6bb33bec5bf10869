"""The oracle scores 100 by all measures and chance what chance does; a network lies between them."""

import numpy as np
import pytest
import scipy.sparse as sp

from tasks.evaluate.methods import MEASURES, ByCaptions, ByVectors, agreement_with_captions, by_chance, score_queries

IMAGES, TERMS = 300, 40


def captions(rows: int = IMAGES, seed: int = 0) -> ByCaptions:
    """Documents of six subjects: each has most of its words from its own."""
    random = np.random.default_rng(seed)
    dense = np.zeros((rows, TERMS))
    for row in range(rows):
        own = 6 * (row % 6) + np.arange(6)
        dense[row, random.choice(own, 3, replace=False)] = random.random(3)
        dense[row, random.integers(TERMS)] += 0.4
    return ByCaptions(sp.csr_array(dense / np.linalg.norm(dense, axis=1, keepdims=True), dtype=np.float32))


def seen(told: ByCaptions, noise: float) -> ByVectors:
    """A network that sees what was told, and other things beside it."""
    dense = told.weights.toarray()
    vectors = dense + noise * np.random.default_rng(1).normal(size=dense.shape)
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return ByVectors(vectors, vectors)


def means(scores: np.ndarray) -> dict[str, float]:
    return dict(zip(MEASURES, np.nanmean(scores, axis=0), strict=True))


def test_the_oracle_has_all_chance_nothing_and_a_network_something() -> None:
    told = captions()
    rows = np.arange(IMAGES)
    methods = {"oracle": told, "random": by_chance(IMAGES, 0), "network": seen(told, 0.1), "worse": seen(told, 0.5)}
    found = score_queries(list(methods.values()), told, rows, rows, 50)
    scores = {name: means(own) for name, own in zip(methods, found, strict=True)}
    assert scores["oracle"] == {name: pytest.approx(1.0) for name in MEASURES}
    assert abs(scores["random"]["pcc"]) < 0.05
    assert abs(scores["random"]["pcc_all"]) < 0.05
    for name in MEASURES:
        assert scores["random"][name] < scores["worse"][name] < scores["network"][name] < 1


def test_parts_of_the_queries_are_scored_as_all_together() -> None:
    told, rows = captions(), np.arange(IMAGES)
    methods = [told, seen(told, 0.3)]
    whole = score_queries(methods, told, rows, rows, 20)
    for part in (rows[:7], rows[7:9]):
        again = score_queries(methods, told, part, rows, 20)
        assert all(np.allclose(one, other[part]) for one, other in zip(again, whole, strict=True))


def test_a_query_is_not_found_for_itself() -> None:
    """Two images alike and one that is not: with itself in the ranking the first place would be taken."""
    told = ByCaptions(sp.csr_array(np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32)))
    turned = ByVectors(*[np.array([[1, 0], [0, 1], [0.8, 0.6]], np.float32)] * 2)
    scores = score_queries([turned], told, np.array([0]), np.arange(3), 1)[0]
    assert scores[0, 0] == 0  # finds the one that is not alike first


def test_a_query_without_captions_has_no_score_by_them() -> None:
    told = ByCaptions(sp.csr_array(np.array([[0, 0], [0.8, 0.6], [0, 1]], np.float32)))
    scores = score_queries([told], told, np.array([0]), np.arange(3))[0]
    assert np.isnan(scores).all()


def test_agreement_on_triplets_of_captions() -> None:
    told, rows = captions(), np.arange(0, 120)
    near, far = rows + 6, rows + 7  # of the same subject, and of the next
    assert agreement_with_captions(told, rows, near, far) > 0.85
    assert agreement_with_captions(told, rows, near, near) == 0.5
    assert agreement_with_captions(by_chance(IMAGES, 0), rows, near, far) == pytest.approx(0.5, abs=0.15)
    assert np.isnan(agreement_with_captions(told, rows[:0], rows[:0], rows[:0]))


def test_pairs_are_as_in_the_whole_matrix() -> None:
    told, rows = captions(), np.arange(20)
    for method in (told, seen(told, 0.2)):
        whole = method.similarities(rows, rows)
        assert np.allclose(method.of_pairs(rows, rows[::-1]), whole[rows, rows[::-1]], atol=1e-6)
