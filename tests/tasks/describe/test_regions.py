"""The grid of regions is that of the released code, by vectors that were worked out by hand from its rule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.describe.regions import region_boxes, region_levels

sides = st.integers(1, 90)


@pytest.mark.parametrize(
    ("height", "width", "counts"),
    [
        (32, 32, (1, 5, 14)),
        (24, 32, (2, 8, 20)),
        (23, 32, (2, 8, 20)),
        (18, 32, (2, 8, 20)),
        (600, 800, (2, 8, 20)),
        (300, 600, (3, 11, 26)),
        (12, 32, (4, 14, 32)),
        (8, 32, (6, 20, 44)),
    ],
)
def test_numbers_of_regions(height, width, counts):
    assert tuple(len(region_boxes(height, width, levels)) for levels in (1, 2, 3)) == counts


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (24, 32, [(24, (0,), (0, 8)), (16, (0, 8), (0, 8, 16)), (12, (0, 6, 12), (0, 6, 13, 20))]),
        (23, 32, [(23, (0,), (0, 9)), (15, (0, 8), (0, 8, 17)), (11, (0, 6, 12), (0, 7, 14, 21))]),
        (600, 800, [(600, (0,), (0, 200)), (400, (0, 200), (0, 200, 400)), (300, (0, 150, 300), (0, 166, 333, 500))]),
    ],
)
def test_sides_and_offsets(height, width, expected):
    assert region_levels(height, width, 3) == expected


@given(sides, sides, st.integers(1, 4))
def test_regions_are_squares_inside_the_map(height, width, levels):
    boxes = region_boxes(height, width, levels)
    x1, y1, x2, y2 = boxes.T
    assert len(boxes)
    assert (boxes[:, :2] >= 0).all()
    assert (x2 <= width).all()
    assert (y2 <= height).all()
    assert (x2 - x1 == y2 - y1).all()


@given(sides, sides)
def test_a_turned_map_has_turned_regions(height, width):
    turned = region_boxes(width, height, 3)[:, [1, 0, 3, 2]]
    assert {*map(tuple, turned)} == {*map(tuple, region_boxes(height, width, 3))}


@given(sides, sides)
def test_the_first_level_reaches_from_end_to_end(height, width):
    boxes = region_boxes(height, width, 1)
    assert boxes[:, :2].min() == 0
    assert np.array_equal(boxes[:, 2:].max(axis=0), [width, height])
