import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.boxes.refine import map_boxes, refine_boxes
from tasks.boxes.settings import BoxSettings

IDENTITY = np.tile(np.eye(2, 3), (2, 1, 1))
TWO = np.array([[0, 0, 10, 10], [4, 4, 14, 14]], np.float64)
FORTH, BACK = np.array([0, 1]), np.array([1, 0])


def refine(sweeps: int, boxes: np.ndarray = TWO, alpha: float = 0.1, still: float = 1e-9) -> tuple[np.ndarray, int]:
    return refine_boxes(boxes, FORTH, BACK, IDENTITY, BoxSettings(alpha=alpha, max_sweeps=sweeps, still=still))


def test_one_sweep_moves_each_box_a_tenth_of_the_way():
    boxes, sweeps = refine(1)
    np.testing.assert_allclose(boxes, [[0.4, 0.4, 10.4, 10.4], [3.6, 3.6, 13.6, 13.6]])
    assert sweeps == 1


@pytest.mark.parametrize("sweeps", [1, 2, 5, 9])
def test_the_gap_shrinks_by_a_factor_and_the_sum_stays(sweeps):
    boxes, _ = refine(sweeps)
    np.testing.assert_allclose(boxes[1] - boxes[0], 4 * 0.8**sweeps)
    np.testing.assert_allclose(boxes.sum(axis=0), TWO.sum(axis=0))


def test_it_stops_when_the_boxes_stand_still():
    boxes, sweeps = refine(100, TWO * 60, still=1.0)
    assert 1 < sweeps < 100
    change = np.abs(refine(sweeps, TWO * 60)[0] - refine(sweeps - 1, TWO * 60)[0]).max()
    before = np.abs(refine(sweeps - 1, TWO * 60)[0] - refine(sweeps - 2, TWO * 60)[0]).max()
    assert change < 1.0 <= before
    np.testing.assert_allclose(boxes, refine(sweeps, TWO * 60)[0])


def test_no_sweeps_leave_the_boxes_as_they_are():
    boxes, sweeps = refine(0)
    np.testing.assert_array_equal(boxes, TWO)
    assert sweeps == 0


def test_no_weight_for_neighbours_leaves_the_boxes_as_they_are():
    np.testing.assert_allclose(refine(5, alpha=0.0)[0], TWO)


def test_the_boxes_given_are_not_changed():
    given_boxes = TWO.copy()
    refine(3, given_boxes)
    np.testing.assert_array_equal(given_boxes, TWO)


def test_boxes_that_agree_stay():
    shift = np.array([[[1, 0, 30], [0, 1, -5]], [[1, 0, -30], [0, 1, 5]]], np.float64)
    agreed = np.array([[100, 100, 200, 180], [130, 95, 230, 175]], np.float64)
    boxes, sweeps = refine_boxes(agreed, FORTH, BACK, shift, BoxSettings())
    np.testing.assert_allclose(boxes, agreed)
    assert sweeps == 1


def test_one_bad_edge_among_five_has_little_say():
    """The updates that arrive at an image are merged by their geometric median."""
    boxes = np.tile(np.array([[100, 100, 300, 300]], np.float64), (6, 1))
    boxes[5] = (800, 800, 900, 900)
    source, target = np.repeat(np.arange(1, 6), 2), np.zeros(10, np.int64)
    source[1::2], target[1::2] = 0, np.arange(1, 6)
    moved, _ = refine_boxes(boxes, source, target, np.tile(np.eye(2, 3), (10, 1, 1)), BoxSettings(max_sweeps=1))
    np.testing.assert_allclose(moved[0], boxes[0], atol=1e-3)


# Mapping


def test_the_rectangle_around_the_mapped_ellipse():
    half = np.sqrt(0.5)
    maps = np.array(
        [np.eye(2, 3), [[2, 0, 5], [0, 3, 7]], [[0, -1, 100], [1, 0, 0]], [[half, -half, 50], [half, half, 50]]],
        np.float64,
    )  # identity, scale and shift, a quarter turn, an eighth
    found = map_boxes(np.tile(np.array([[0, 0, 20, 10]], np.float64), (4, 1)), maps)
    x, y, reach = 50 + 5 * half, 50 + 15 * half, half * np.hypot(10, 5)
    expected = [[0, 0, 20, 10], [5, 7, 45, 37], [90, 0, 100, 20], [x - reach, y - reach, x + reach, y + reach]]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_turned_views_of_a_square_do_not_make_it_grow():
    """Around the mapped corners each sweep would widen the boxes, by a tenth of 2 to the half at most."""
    square, angle = np.array([[400, 400, 600, 600], [400, 400, 600, 600]], np.float64), np.pi / 4
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = np.full(2, 500.0)
    maps = np.stack([np.column_stack([part, centre - part @ centre]) for part in (turn, turn.T)])
    boxes, _ = refine_boxes(square, FORTH, BACK, maps, BoxSettings(max_sweeps=50, still=1e-9))
    np.testing.assert_allclose(boxes, square, atol=1e-6)


def test_a_neighbour_tells_where_an_object_ends_that_is_cut_by_the_edge():
    """The second picture shows the left half of the first one's object, 0 to 200."""
    cut = np.array([[0, 0, 200, 100], [0, 0, 100, 100]], np.float64)
    boxes, _ = refine_boxes(cut, FORTH, BACK, IDENTITY, BoxSettings(max_sweeps=200, still=1e-6))
    np.testing.assert_allclose(boxes, np.tile([0, 0, 150, 100], (2, 1)), atol=1e-3)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A connected graph of up to six images with maps near the identity, each pair in both directions."""
    count = draw(st.integers(2, 6))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    low, extent = random.uniform(0, 300, (count, 2)), random.uniform(50, 300, (count, 2))
    boxes = np.hstack([low, low + extent])
    edges = {(random.integers(node), node) for node in range(1, count)}
    edges |= {tuple(sorted(random.choice(count, 2, replace=False))) for _ in range(draw(st.integers(0, 5)))}
    a, b = np.array(sorted(edges), np.int64).T
    forth = np.eye(2, 3) + np.concatenate(
        [random.normal(0, 0.1, (len(a), 2, 2)), random.normal(0, 30, (len(a), 2, 1))], axis=2
    )
    linear = np.linalg.inv(forth[:, :, :2])
    back = np.concatenate([linear, -linear @ forth[:, :, 2:]], axis=2)
    return boxes, np.concatenate([a, b]), np.concatenate([b, a]), np.concatenate([forth, back])


@given(graphs(), st.integers(0, 2**32 - 1))
def test_the_order_of_edges_does_not_matter(graph, seed):
    boxes, source, target, affine = graph
    order = np.random.default_rng(seed).permutation(len(source))
    settings = BoxSettings(max_sweeps=3, still=1e-9)
    first, _ = refine_boxes(boxes, source, target, affine, settings)
    again, _ = refine_boxes(boxes, source[order], target[order], affine[order], settings)
    np.testing.assert_allclose(first, again, atol=0.05)


@given(graphs())
def test_boxes_stay_boxes(graph):
    boxes, source, target, affine = graph
    moved, sweeps = refine_boxes(boxes, source, target, affine, BoxSettings(max_sweeps=20))
    assert 1 <= sweeps <= 20
    assert (moved[:, :2] <= moved[:, 2:]).all()


@given(graphs())
def test_a_shift_of_all_pictures_shifts_all_boxes(graph):
    boxes, source, target, affine = graph
    shift = np.array([2000.0, 3000.0])
    moved_maps = affine.copy()
    moved_maps[:, :, 2] += shift - affine[:, :, :2] @ shift
    settings = BoxSettings(max_sweeps=3, still=1e-9)
    here, _ = refine_boxes(boxes, source, target, affine, settings)
    there, _ = refine_boxes(boxes + np.hstack([shift, shift]), source, target, moved_maps, settings)
    np.testing.assert_allclose(there, here + np.hstack([shift, shift]), atol=0.05)
