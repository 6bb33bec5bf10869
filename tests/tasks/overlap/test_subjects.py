import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from tasks.overlap.subjects import links_on_subjects

LEFT, RIGHT = (100.0, 240.0), (540.0, 240.0)


def images(**classes: int) -> pd.DataFrame:
    """So many images of each class, a0, a1, …, each 640 × 480."""
    rows = [(f"{name}{n}", name) for name, count in classes.items() for n in range(count)]
    members = pd.DataFrame(rows, columns=["image_id", "landmark_id"])
    return members.assign(photograph=members.image_id, width=640, height=480)


def pair(a: str, b: str, in_a: tuple[float, float], in_b: tuple[float, float]) -> tuple[str, str, list[float]]:
    """A pair of ten inliers around these places."""
    moved = np.random.default_rng(0).uniform(-20, 20, (10, 4))
    return a, b, (np.array([*in_a, *in_b]) + moved).ravel().tolist()


def judge(members: pd.DataFrame, *pairs: tuple[str, str, list[float]]) -> dict[tuple[str, str], tuple[bool, bool]]:
    found = links_on_subjects(members, pd.DataFrame(pairs, columns=["image_a", "image_b", "points"]))
    return {(row.image_a, row.image_b): (row.on_a, row.on_b) for row in found.itertuples()}


def test_what_most_of_the_class_match_is_the_subject():
    """g0 is matched on its left by three of its class, and on its right by one, and by the tower."""
    own = [pair("g0", f"g{n}", LEFT, LEFT) for n in (1, 2, 3)]
    few = pair("g0", "g4", RIGHT, RIGHT)
    found = judge(images(g=5, t=2), *own, few, pair("g0", "t0", RIGHT, LEFT), pair("g0", "t1", LEFT, LEFT))
    assert found["g0", "t0"] == (False, True)
    assert found["g0", "t1"] == (True, True)
    assert found["g0", "g4"] == (True, True)  # inside a class nothing is beside it


def test_both_sides_are_judged_each_by_its_own_class():
    own = [pair(f"{name}0", f"{name}1", LEFT, LEFT) for name in "gt"]
    found = judge(images(g=2, t=2), *own, pair("g0", "t0", LEFT, RIGHT))
    assert found["g0", "t0"] == (True, False)


def test_an_image_that_matches_none_of_its_class_but_a_copy_has_no_subject():
    members = images(g=2, t=1)
    members.loc[1, "photograph"] = "g0"
    found = judge(members, pair("g0", "g1", LEFT, LEFT), pair("g0", "t0", RIGHT, LEFT))
    assert found["g0", "t0"] == (True, True)


def test_half_of_the_inliers_are_enough():
    own = pair("g0", "g1", LEFT, LEFT)
    half = ("g0", "t0", pair("g0", "t0", LEFT, LEFT)[2][:20] + pair("g0", "t0", RIGHT, LEFT)[2][:20])
    assert judge(images(g=2, t=1), own, half)["g0", "t0"] == (True, True)


def test_no_pairs_are_no_links():
    assert judge(images(g=2)) == {}


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.booleans(), st.booleans()), max_size=12))
def test_each_pair_once_in_any_order_and_all_on_both_sides_inside_a_class(drawn):
    members = images(g=4, t=4)
    pairs = [pair(f"g{a}", f"{'t' if far else 'g'}{b}", LEFT if left else RIGHT, LEFT) for a, b, left, far in drawn]
    pairs = [one for one in pairs if one[0] != one[1]]
    unique = {(a, b): points for a, b, points in reversed(pairs)}
    found = judge(members, *pairs, *pairs)
    assert found.keys() == unique.keys()
    assert all(on == (True, True) for (a, b), on in found.items() if a[0] == b[0])
    assert judge(members, *((a, b, points) for (a, b), points in sorted(unique.items()))) == found
