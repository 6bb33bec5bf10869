import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tasks.features.leaders import cluster_by_leaders


def one_by_one(vectors: np.ndarray, radius: float) -> tuple[list[int], list[int]]:
    leaders, groups = list[int](), list[int]()
    for index, vector in enumerate(vectors.astype(np.int64)):
        squares = np.square(vectors[leaders].astype(np.int64) - vector).sum(axis=1)
        if len(leaders) and squares.min() <= radius**2:
            groups.append(int(squares.argmin()))
        else:
            groups.append(len(leaders))
            leaders.append(index)
    return leaders, groups


@given(arrays(np.uint8, st.tuples(st.integers(0, 40), st.integers(1, 3))), st.floats(0.5, 200))
@settings(deadline=None)
def test_clusters_are_those_of_one_vector_after_the_other(vectors, radius):
    leaders, groups = cluster_by_leaders(vectors, radius)
    assert (leaders.tolist(), groups.tolist()) == one_by_one(vectors, radius)


@pytest.mark.parametrize("largest", [4, 24])  # few leaders, and many vectors equally near to two; many leaders
def test_clusters_are_the_same_across_blocks(largest):
    vectors = np.random.default_rng(0).integers(0, largest, (3000, 8), dtype=np.uint8)
    leaders, groups = cluster_by_leaders(vectors, np.sqrt(13))
    assert (leaders.tolist(), groups.tolist()) == one_by_one(vectors, np.sqrt(13))


def test_squares_of_the_longest_vectors_are_exact():
    vectors = np.full((1100, 128), 255, np.uint8)
    vectors[1050:, 0] = 252
    assert cluster_by_leaders(vectors, 2.9)[0].tolist() == [0, 1050]
    assert cluster_by_leaders(vectors, 3)[0].tolist() == [0]
