"""Expansion is the mean that its papers write down."""

import numpy as np
import pytest

from tasks.index.expansion import augment, expand_queries, rank_by_objects, unit_length


def unit_vectors(*shape, seed=0):
    return unit_length(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


def test_average_expansion_is_the_mean_of_the_query_and_its_neighbours():
    queries, near = unit_vectors(3, 8), unit_vectors(3, 5, 8, seed=1)
    mean = (queries + near.sum(axis=1)) / 6
    assert np.allclose(expand_queries(queries, near), unit_length(mean), atol=1e-6)


def test_no_neighbours_leave_the_query():
    queries = unit_vectors(3, 8)
    assert np.allclose(expand_queries(queries, np.zeros((3, 0, 8), np.float32)), queries, atol=1e-6)


def test_the_larger_alpha_the_less_a_far_neighbour_weighs():
    query = np.array([[1, 0]], np.float32)
    far = np.array([[[0.6, 0.8]]], np.float32)
    shares = [expand_queries(query, far, alpha)[0, 1] for alpha in (0.0, 1.0, 3.0, 30.0)]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] == pytest.approx(0, abs=1e-5)


def test_a_neighbour_on_the_other_side_adds_nothing_once_weighted():
    query = np.array([[1, 0]], np.float32)
    assert np.allclose(expand_queries(query, -query[:, None], 1.0), query)


@pytest.mark.parametrize(("weights", "expected"), [("code", [1, 1, 2 / 3, 1 / 3]), ("paper", [1, 2 / 3, 1 / 3, 0])])
def test_weights_of_augmentation(weights, expected):
    found = augment(np.eye(4, dtype=np.float32)[None], weights)[0]
    assert found == pytest.approx(np.array(expected) / sum(expected))


def test_augmentation_without_neighbours_changes_nothing():
    vectors = unit_vectors(4, 1, 8)
    assert np.allclose(augment(vectors), vectors[:, 0])


def test_images_are_ranked_again_by_the_query_and_its_five_best_windows():
    rng = np.random.default_rng(0)
    query, images, windows = (unit_length(rng.normal(size=shape).astype("f4")) for shape in (8, (9, 8), (9, 8)))
    scores = np.array([0.1, 0.9, 0.8, 0.2, 0.7, 0.6, 0.3, 0.5, 0.4])
    expected = images @ unit_length(query + windows[[1, 2, 4, 5, 7]].sum(axis=0))
    ranked = rank_by_objects(query, images, windows, scores)
    assert ranked.rows.tolist() == np.argsort(-expected).tolist()
    np.testing.assert_allclose(ranked.similarities, np.sort(expected)[::-1], atol=1e-6)


def test_fewer_images_than_five_are_ranked_by_all_their_windows():
    query, images = np.array([1, 0], np.float32), np.array([[0, 1], [1, 0]], np.float32)
    assert rank_by_objects(query, images, images[:1].repeat(2, axis=0), np.array([0.5, 0.5])).rows.tolist() == [0, 1]
