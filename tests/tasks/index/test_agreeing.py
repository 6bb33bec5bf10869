"""Regions that agree are paired, the best first, and none is drawn twice."""

import numpy as np
import pytest

from tasks.index.agreeing import agreeing_regions
from tasks.index.expansion import unit_length

GRID = np.array([[x, y, x + 10, y + 10] for y in (0, 10) for x in (0, 10)], np.float32)


def test_each_region_meets_the_one_that_is_like_it():
    vectors = np.eye(4, dtype=np.float32)
    turned = [2, 0, 3, 1]
    strength = np.array([[0.9], [0.6], [0.8], [0.7]], np.float32)
    found = agreeing_regions(vectors * strength, GRID, vectors[turned], GRID, 3)
    assert [pair.similarity for pair in found] == pytest.approx([0.9, 0.8, 0.7])
    expected = [(query, turned.index(query)) for query in (0, 2, 3)]
    assert [(pair.query, pair.result) for pair in found] == [(tuple(GRID[q]), tuple(GRID[r])) for q, r in expected]


def test_a_region_much_like_a_better_one_is_left_out():
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 11], [20, 0, 30, 10]], np.float32)
    vectors = unit_length(np.array([[1, 0], [1, 0.1], [0, 1]], np.float32))
    found = agreeing_regions(vectors, boxes, vectors, boxes, 9)
    assert [(pair.query, pair.result) for pair in found] == [(tuple(box), tuple(box)) for box in boxes[[0, 2]]]


def test_what_does_not_agree_is_no_pair():
    assert agreeing_regions(np.eye(4, dtype=np.float32), GRID, -np.eye(4, dtype=np.float32), GRID, 4) == []
