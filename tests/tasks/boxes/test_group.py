import numpy as np
import pandas as pd
import pytest

from tasks.boxes.group import box_group
from tasks.boxes.settings import BoxSettings

SIDES = ["x1", "y1", "x2", "y2"]


def pair(a: str, b: str, points: list[tuple[float, float]], shift: float = 0.0) -> dict[str, object]:
    """A pair of pictures shifted against each other along x, which matches in these points of the first."""
    in_a = np.array(points, np.float64)
    return {
        "image_a": a,
        "image_b": b,
        "affine": [1, 0, shift, 0, 1, 0],
        "points": np.hstack([in_a, in_a + np.array([shift, 0])]).ravel().tolist(),
    }


def box(rows: list[dict[str, object]], width: int = 600, **settings: object) -> pd.DataFrame:
    names = sorted({str(row[end]) for row in rows for end in ("image_a", "image_b")})
    members = pd.DataFrame({"image_id": names, "width": width, "height": 400})
    return box_group(members, pd.DataFrame(rows), BoxSettings(**settings)).set_index("image_id")


LEFT, RIGHT = [(100.0, 100.0), (250.0, 300.0)], [(200.0, 100.0), (400.0, 300.0)]


def test_the_first_box_is_what_the_photographs_agree_on():
    found = box([pair("a", "b", LEFT), pair("a", "c", RIGHT), pair("b", "c", LEFT)])
    first = found.loc["a", [f"first_{side}" for side in SIDES]].astype(float)
    np.testing.assert_allclose(first, [100 - 12, 100 - 8, 400 + 12, 300 + 8], atol=1)
    assert found.supports.tolist() == [2, 2, 2]


def test_as_published_the_first_box_is_the_geometric_median_of_the_pairs_boxes():
    rows = [pair("a", "b", LEFT), pair("a", "c", LEFT), pair("a", "d", RIGHT)]
    found = box(rows, first_box="geometric_median", max_sweeps=100)
    np.testing.assert_allclose(
        found.loc["a", [f"first_{side}" for side in SIDES]].astype(float), [100, 100, 250, 300], atol=1e-3
    )


def test_refinement_brings_boxes_nearer_to_what_neighbours_see():
    rows = [pair("a", "b", LEFT, 20), pair("b", "c", RIGHT, 20), pair("a", "c", LEFT, 40)]
    found = box(rows, still=0.01, first_box="geometric_median", max_sweeps=100)
    assert found.first_spread["a"] > 20
    assert found.spread.max() < 0.1


def test_a_box_ends_where_its_picture_does():
    """What a neighbour tells of the object beyond the edge moves the box to the edge and no further."""
    found = box([pair("a", "b", RIGHT), pair("b", "c", [(100.0, 100.0), (590.0, 300.0)])], width=420)
    assert found.x2.tolist() == pytest.approx([420, 420, 420], abs=30)
    assert (found.x2 <= 420).all()


def test_a_box_that_is_driven_out_of_its_picture_stays_where_it_was_first():
    found = box([pair("a", "b", LEFT, 5000.0)], alpha=1.0, max_sweeps=1, width=300, first_box="geometric_median")
    np.testing.assert_array_equal(found[SIDES], found[[f"first_{side}" for side in SIDES]])
