import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tasks.boxes.estimate import covering_boxes, enclosing_boxes, geometric_medians, spreads

# Sixteenths of a pixel: shifts by whole numbers then lose nothing
coordinates = st.integers(-16_000, 16_000).map(lambda number: number / 16)
vectors = st.integers(1, 12).flatmap(lambda count: arrays.arrays(np.float64, (count, 4), elements=coordinates))


def median(points: np.ndarray | list) -> np.ndarray:
    found = np.asarray(points, np.float64)
    return geometric_medians(found, np.zeros(len(found), np.int64), 1)[0]


def cost(points: np.ndarray, place: np.ndarray) -> float:
    return float(np.linalg.norm(points - place, axis=1).sum())


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([(0, 0), (10, 0), (0, 10), (100, 100)], (5, 5)),
        ([(0, 0), (10, 0), (0, 10), (2, 2)], (2, 2)),
        ([(0, 0), (0, 0), (0, 0), (10, 0)], (0, 0)),
        ([(7, 8)], (7, 8)),
        ([(7, 8), (7, 8)], (7, 8)),
        ([(0, 0), (1, 0), (50, 0)], (1, 0)),
        ([(0, 0), (4, 0), (4, 4), (0, 4)], (2, 2)),
        ([(0, 0), (4, 0), (4, 4), (0, 4), (2, 2)], (2, 2)),
    ],
)
def test_known_medians(points, expected):
    np.testing.assert_allclose(median(points), expected, atol=1e-3)


def test_a_median_where_a_vector_lies_is_left_only_if_it_is_not_the_median():
    """The mean, where the iteration starts, is one of the vectors, and not the median."""
    points = np.array([(0, 0), (0, 1), (0, -1), (4, 0), (-29, 0), (25, 0)], np.float64)
    np.testing.assert_array_equal(points.mean(axis=0), (0, 0))
    assert cost(points, median(points)) <= min(cost(points, point) for point in points) + 1e-6
    lopsided = np.array([(0.0, 0.0), (9.0, 0.0), (9.0, 1.0), (9.0, -1.0), (-27.0, 0.0)])
    np.testing.assert_array_equal(lopsided.mean(axis=0), (0, 0))
    assert cost(lopsided, median(lopsided)) < cost(lopsided, np.zeros(2)) - 1


def test_of_two_vectors_every_point_between_is_a_median():
    points = np.array([(0.0, 0.0), (10.0, 4.0)])
    assert cost(points, median(points)) == pytest.approx(cost(points, points[0]))


@given(vectors)
def test_no_other_place_is_nearer_to_all(points):
    found = median(points)
    best = cost(points, found)
    slack = 1e-3 * max(1.0, best)
    assert all(best <= cost(points, point) + slack for point in points)
    assert best <= cost(points, points.mean(axis=0)) + 1e-9
    for step in np.vstack([np.eye(4), -np.eye(4)]) * 0.5:
        assert best <= cost(points, found + step) + slack


@given(vectors, arrays.arrays(np.float64, 4, elements=st.integers(-1000, 1000).map(float)))
def test_a_shift_of_all_shifts_the_median(points, shift):
    spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    assume(len(points) % 2 or (len(spread) > 1 and spread[1] > 1))  # on a line, an even number has many medians
    np.testing.assert_allclose(median(points + shift), median(points) + shift, atol=0.01)


@given(vectors)
def test_the_order_of_vectors_does_not_matter(points):
    np.testing.assert_allclose(median(points[::-1]), median(points), atol=0.01)


@given(vectors)
def test_the_median_lies_among_the_vectors(points):
    found = median(points)
    assert (found >= points.min(axis=0) - 1e-6).all()
    assert (found <= points.max(axis=0) + 1e-6).all()


def test_an_outlier_moves_the_median_little():
    crowd = np.random.default_rng(0).normal(100, 1, (9, 4))
    outlier = np.vstack([crowd, [[1e5] * 4]])
    assert np.abs(median(outlier) - median(crowd)).max() < 1


@given(st.lists(vectors, min_size=1, max_size=4))
def test_each_owner_has_its_own_median(parts):
    owner = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    order = np.random.default_rng(0).permutation(len(owner))
    together = geometric_medians(np.concatenate(parts)[order], owner[order], len(parts))
    for part, found in zip(parts, together, strict=True):
        assert cost(part, found) == pytest.approx(cost(part, median(part)), rel=1e-3, abs=0.01)


def test_boxes_enclose_the_matched_points():
    pairs = [np.array([[1, 2], [5, 1], [3, 9]], np.float32), np.array([[0, 0], [2, 2]], np.float32)]
    found = enclosing_boxes(pairs)
    np.testing.assert_array_equal(found, [[1, 1, 5, 9], [0, 0, 2, 2]])
    assert found.dtype == np.float64


def test_no_pairs_have_no_boxes():
    assert enclosing_boxes([]).shape == (0, 4)


@given(vectors, st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_a_covering_box_is_the_smallest_that_holds_all_of_its_owner(corners, count, seed):
    boxes = np.hstack([corners[:, :2], corners[:, :2] + np.abs(corners[:, 2:])])
    owner = np.concatenate([np.arange(count), np.random.default_rng(seed).integers(0, count, len(boxes))])
    boxes = np.vstack([boxes[:1].repeat(count, axis=0), boxes])
    found = covering_boxes(boxes, owner, count)
    for number, box in enumerate(found):
        own = boxes[owner == number]
        np.testing.assert_array_equal(box, [*own[:, :2].min(axis=0), *own[:, 2:].max(axis=0)])


def test_the_spread_is_the_median_distance_per_edge():
    boxes = np.array([[0, 0, 10, 10], [4, 0, 10, 10], [0, 8, 10, 18], [5, 5, 5, 5]], np.float64)
    medians = np.array([[0, 0, 10, 10], [5, 5, 5, 5]], np.float64)
    np.testing.assert_allclose(spreads(boxes, np.array([0, 0, 0, 1]), medians), [1, 0])
    order = [3, 2, 0, 1]
    np.testing.assert_allclose(spreads(boxes[order], np.array([0, 0, 0, 1])[order], medians), [1, 0])
