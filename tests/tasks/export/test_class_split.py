import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.export.split import held_out_classes, same_photographs

PAIRS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=8)


def related(pairs=()):
    return pd.DataFrame([*pairs], columns=["landmark_a", "landmark_b"])


@settings(max_examples=40)
@given(st.sets(st.integers(0, 30), min_size=1), PAIRS, st.floats(0, 0.99))
def test_classes_of_one_thing_are_on_one_side_and_val_keeps_to_its_share(numbers, pairs, share):
    classes = {str(number) for number in numbers}
    told = [(str(a), str(b)) for a, b in pairs]
    held = held_out_classes(classes, related(told), share)
    assert held < classes
    assert len(held) <= max(1, round(share * len(classes)))
    assert all((a in held) == (b in held) for a, b in told if a in classes and b in classes)


@pytest.mark.parametrize(("classes", "share", "count"), [(100, 0.13, 13), (3, 0.13, 1), (1, 0.13, 0), (50, 0, 0)])
def test_how_many_classes_are_held_out(classes, share, count):
    assert len(held_out_classes(map(str, range(classes)), related(), share)) == count


def test_few_classes_change_sides_as_a_list_grows():
    before = held_out_classes(map(str, range(200)), related(), 0.13)
    after = held_out_classes(map(str, range(220)), related(), 0.13)
    assert len(before - after) <= 4


def test_classes_that_have_the_same_picture_are_told():
    images = pd.DataFrame({"landmark_id": ["a", "b", "c", "b", "d"], "pixel_hash": ["1", "1", "2", "3", "3"]})
    pairs = same_photographs(images)
    assert list(zip(pairs.landmark_a, pairs.landmark_b, strict=True)) == [("a", "b"), ("b", "d")]
