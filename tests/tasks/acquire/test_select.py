import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.reasons import Reason
from tasks.acquire.select import select_images
from tasks.acquire.settings import SelectSettings


def images(*rows: tuple[str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["image_id", "landmark_id", "sha256"], dtype=object)


def select(*rows: tuple[str, str, str], **settings: int) -> dict[str, tuple[str, dict[str, object]]]:
    found = select_images(images(*rows), SelectSettings(**settings))
    return {row.image_id: (row.reason, json.loads(row.evidence)) for row in found.itertuples()}


def test_a_class_of_different_pictures_is_left_alone():
    assert select(("1", "a", "x"), ("2", "a", "y"), ("3", "a", "z")) == {}


def test_no_images_are_no_drops():
    found = select_images(images(), SelectSettings())
    assert list(found.columns) == ["image_id", "reason", "evidence"]
    assert len(found) == 0


def test_of_copies_in_a_class_the_smallest_id_stays():
    found = select(("3", "a", "x"), ("1", "a", "x"), ("2", "a", "y"), ("4", "a", "z"))
    assert found == {"3": (Reason.DUPLICATE_IMAGE, {"same_as": "1"})}


def test_the_same_bytes_in_two_classes_belong_to_neither():
    found = select(("1", "b", "x"), ("2", "a", "x"), min_class_size=1)
    assert found == {
        "1": (Reason.AMBIGUOUS_CLASS, {"classes": ["a", "b"]}),
        "2": (Reason.AMBIGUOUS_CLASS, {"classes": ["a", "b"]}),
    }


def test_the_same_bytes_in_three_classes_are_a_placeholder():
    found = select(
        ("1", "a", "x"), ("2", "b", "x"), ("3", "c", "x"), ("4", "c", "x"), ("5", "c", "y"), min_class_size=1
    )
    assert found == {key: (Reason.PLACEHOLDER, {"classes": 3, "copies": 4}) for key in "1234"}


def test_how_many_classes_make_a_placeholder_is_a_setting():
    found = select(("1", "a", "x"), ("2", "b", "x"), min_class_size=1, placeholder_classes=2)
    assert {reason for reason, _ in found.values()} == {Reason.PLACEHOLDER}


def test_a_class_counts_what_is_left_of_it():
    rows = [("1", "a", "x"), ("2", "a", "x"), ("3", "a", "y"), ("4", "b", "p"), ("5", "b", "q"), ("6", "b", "r")]
    found = select(*rows)
    assert found["2"] == (Reason.DUPLICATE_IMAGE, {"same_as": "1"})
    assert found["1"] == found["3"] == (Reason.CLASS_TOO_SMALL, {"readable": 2})
    assert set(found) == {"1", "2", "3"}
    assert "1" not in select(*rows, min_class_size=2)


@pytest.mark.parametrize("settings", [{"min_class_size": 0}, {"placeholder_classes": 1}, {"typo": 3}])
def test_settings_that_make_no_sense_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        SelectSettings(**settings)


rows = st.lists(
    st.tuples(st.integers(0, 99).map(str), st.sampled_from("abcd"), st.sampled_from("uvwxyz")),
    unique_by=lambda r: r[0],
    max_size=25,
)


@given(rows, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(found, random):
    shuffled = list(found)
    random.shuffle(shuffled)
    settings = SelectSettings()
    pd.testing.assert_frame_equal(select_images(images(*found), settings), select_images(images(*shuffled), settings))


@given(rows)
def test_each_image_goes_once_and_what_stays_obeys_the_rules(found):
    settings = SelectSettings()
    before = images(*found)
    dropped = select_images(before, settings)
    assert dropped.image_id.is_unique
    assert set(dropped.image_id) <= set(before.image_id)
    assert dropped.image_id.is_monotonic_increasing
    left = before[~before.image_id.isin(dropped.image_id)]
    assert left.sha256.is_unique
    assert (left.groupby("landmark_id").size() >= settings.min_class_size).all()
    # nothing is lost without a cause: bytes that stand once in a class that is large enough stay
    alone = before[~before.sha256.duplicated(keep=False)]
    large = alone.groupby("landmark_id").filter(lambda members: len(members) >= settings.min_class_size)
    assert set(large.image_id) <= set(left.image_id)
