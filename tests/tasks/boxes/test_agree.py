import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.boxes.agree import agreed_boxes, told_boxes


def grid(x1: float, y1: float, x2: float, y2: float) -> np.ndarray:
    """Keypoints all over a rectangle, at its corners too."""
    x, y = np.meshgrid(np.linspace(x1, x2, 8), np.linspace(y1, y2, 8))
    return np.column_stack([x.ravel(), y.ravel()]).astype(np.float32)


def tell(pairs: list[tuple[int, int, tuple[float, float, float, float]]], count: int, shift: float = 0.0) -> list:
    """What is told in photographs, each shifted against the one before along x. Boxes are those in number 0."""
    points, source, target, affine = [], [], [], []
    for a, b, box in pairs:
        for one, other in ((a, b), (b, a)):
            points.append(grid(*box) + np.array([other * shift, 0], np.float32))
            source.append(one)
            target.append(other)
            affine.append([[1, 0, (other - one) * shift], [0, 1, 0]])
    return told_boxes(points, np.array(source), np.array(target), np.array(affine, np.float64), count)


OBJECT, LEFT, WIDE = (200.0, 100.0, 400.0, 300.0), (200.0, 100.0, 280.0, 300.0), (0.0, 0.0, 600.0, 400.0)


def test_who_sees_a_part_is_told_of_the_whole_by_photographs_of_photographs():
    """Number 0 is paired with 1 alone, in a part; 1, 2 and 3 see the whole of each other."""
    told = tell([(0, 1, LEFT), (1, 2, OBJECT), (1, 3, OBJECT), (2, 3, OBJECT)], 4, shift=10)
    assert [len(own) for own in told] == [4, 4, 4, 4]
    np.testing.assert_allclose(
        agreed_boxes(told), [np.add((192, 92, 408, 308), (10 * n, 0, 10 * n, 0)) for n in range(4)], atol=1
    )


def test_one_that_sees_more_does_not_count_and_one_that_sees_less_does_not_either():
    pairs = [(a, b, OBJECT) for a in range(12) for b in range(a)]
    alone = agreed_boxes(tell(pairs, 12))
    for odd in (WIDE, LEFT):
        among = agreed_boxes(tell([*pairs, (12, 0, odd)], 13))
        np.testing.assert_allclose(among[1:12], alone[1:12], atol=1)


def test_maps_that_went_astray_tell_nothing():
    points = [grid(*OBJECT), grid(*OBJECT)]
    shrunk = np.array([[[0.01, 0, 0], [0, 0.01, 0]], [[100.0, 0, 0], [0, 100.0, 0]]])
    told = told_boxes(points, np.array([1, 0]), np.array([0, 1]), shrunk, 2)
    assert [len(own) for own in told] == [1, 1]  # what each says itself


@given(st.permutations(range(6)), st.integers(0, 5))
def test_the_order_of_pairs_does_not_matter(order, extra):
    pairs = [(0, 1, LEFT), (1, 2, OBJECT), (2, 3, OBJECT), (3, 4, WIDE), (4, 0, OBJECT), (extra % 3, 4, LEFT)]
    np.testing.assert_allclose(agreed_boxes(tell([pairs[row] for row in order], 5)), agreed_boxes(tell(pairs, 5)))
