import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.reasons import Reason
from tasks.acquire.select import select_images
from tasks.acquire.settings import SelectSettings


def images(*rows: tuple[str, ...]) -> pd.DataFrame:
    """Rows of image_id, landmark_id, sha256, and what else the case is about."""
    records = [
        {
            "image_id": row[0],
            "landmark_id": row[1],
            "sha256": row[2],
            "pixel_hash": row[2][:1],
            "bytes": int(row[3]) if len(row) > 3 else 1000,
            "url": row[4] if len(row) > 4 else f"http://{row[0]}.org/a.jpg",
            "final_url": row[5] if len(row) > 5 else None,
            "sign": row[6] if len(row) > 6 else None,
            "share": 0.5 if len(row) > 6 else None,
        }
        for row in rows
    ]
    columns = ["image_id", "landmark_id", "sha256", "pixel_hash", "bytes", "url", "final_url", "sign", "share"]
    return pd.DataFrame(records, columns=columns).astype({"image_id": object, "landmark_id": object})


def select(*rows: tuple[str, ...], **settings: int | str) -> dict[str, tuple[str, dict[str, object]]]:
    found = select_images(images(*rows), SelectSettings(**settings))
    return {row.image_id: (row.reason, json.loads(row.evidence)) for row in found.itertuples()}


def reasons(*rows: tuple[str, ...], **settings: int | str) -> dict[str, str]:
    return {image: reason for image, (reason, _) in select(*rows, **settings).items()}


def test_a_class_of_different_pictures_is_left_alone():
    assert select(("1", "a", "x"), ("2", "a", "y"), ("3", "a", "z")) == {}


def test_no_images_are_no_drops():
    found = select_images(images(), SelectSettings())
    assert list(found.columns) == ["image_id", "reason", "evidence"]
    assert len(found) == 0


def test_of_copies_in_a_class_the_smallest_id_stays():
    found = select(("3", "a", "x"), ("1", "a", "x"), ("2", "a", "y"), ("4", "a", "z"))
    assert found == {"3": (Reason.DUPLICATE_IMAGE, {"same": "bytes", "same_as": "1"})}


def test_the_same_pixels_in_other_bytes_are_copies_and_the_largest_file_stays():
    rows = [
        ("1", "a", "x1", "900"),
        ("2", "a", "x2", "1200"),
        ("3", "a", "x3", "1200"),
        ("4", "a", "y"),
        ("5", "a", "z"),
    ]
    copy = (Reason.DUPLICATE_IMAGE, {"same": "pixels", "same_as": "2"})
    assert select(*rows) == {"1": copy, "3": copy}


def test_the_same_image_in_two_classes_belongs_to_neither():
    found = select(("1", "b", "x"), ("2", "a", "x2"), min_class_size=1)
    assert found == {
        "1": (Reason.AMBIGUOUS_CLASS, {"same": "pixels", "classes": ["a", "b"]}),
        "2": (Reason.AMBIGUOUS_CLASS, {"same": "pixels", "classes": ["a", "b"]}),
    }


def test_what_is_ambiguous_can_be_kept_once_in_each_class():
    found = select(("1", "a", "x"), ("2", "b", "x"), ("3", "a", "x"), min_class_size=1, ambiguous="keep")
    assert found == {"3": (Reason.DUPLICATE_IMAGE, {"same": "bytes", "same_as": "1"})}


def test_the_same_image_in_three_classes_is_a_placeholder():
    found = select(
        ("1", "a", "x"), ("2", "b", "x"), ("3", "c", "x"), ("4", "c", "x"), ("5", "c", "y"), min_class_size=1
    )
    spread = {"classes": 3, "addresses": 4, "hosts": 4, "images": 4, "examples": ["1", "2", "3", "4"]}
    evidence = {"same": "bytes", "rule": "classes", **spread}
    assert found == dict.fromkeys("1234", (Reason.PLACEHOLDER, evidence))


def test_one_address_that_is_listed_for_many_classes_is_ambiguous():
    rows = [(name, name, "x", "9", "http://h.org/1.jpg") for name in "abcd"]
    assert set(reasons(*rows).values()) == {Reason.AMBIGUOUS_CLASS}


def test_how_many_classes_make_a_placeholder_is_a_setting():
    assert set(reasons(("1", "a", "x"), ("2", "b", "x"), placeholder_classes=2).values()) == {Reason.PLACEHOLDER}
    rows = [(name, name, "x") for name in "abc"]
    assert set(reasons(*rows, placeholder_classes=4).values()) == {Reason.AMBIGUOUS_CLASS}


def of_one_class(count: int, host: str = "gone.org", final: str | None = None) -> list[tuple[str, ...]]:
    return [(f"i{n:02d}", "a", "x", "9", f"http://{host.format(n)}/{n}.jpg", final) for n in range(count)]


def test_what_a_host_gives_for_many_addresses_of_one_class_is_a_placeholder():
    found = select(*of_one_class(10))
    spread = {"classes": 1, "addresses": 10, "hosts": 1, "images": 10, "examples": [f"i{n:02d}" for n in range(5)]}
    assert set(found) == {f"i{n:02d}" for n in range(10)}
    assert found["i07"] == (Reason.PLACEHOLDER, {"same": "bytes", "rule": "host", **spread})


def test_copies_at_few_addresses_of_a_host_are_copies():
    assert Reason.PLACEHOLDER not in reasons(*of_one_class(9)).values()
    assert Reason.PLACEHOLDER in reasons(*of_one_class(9), placeholder_addresses=9).values()


def test_a_photograph_that_many_hosts_have_is_kept_once():
    found = reasons(*of_one_class(30, host="mirror{}.org"), min_class_size=1)
    assert "i00" not in found
    assert set(found.values()) == {Reason.DUPLICATE_IMAGE}


def test_hosts_that_lead_to_the_same_picture_of_one_host_are_found_out():
    rows = of_one_class(10, host="farm{}.org", final="http://static.org/unavailable.png")
    assert set(reasons(*rows).values()) == {Reason.PLACEHOLDER}


def test_one_address_with_many_ids_is_one_address():
    rows = [(f"i{n:02d}", "a", "x", "9", "http://h.org/1.jpg") for n in range(20)]
    assert Reason.PLACEHOLDER not in reasons(*rows).values()


def test_files_of_a_folder_have_no_host():
    rows = [(f"i{n:02d}", "a", "x", "9", f"a/{n}.jpg") for n in range(20)]
    assert set(reasons(*rows, min_class_size=1).values()) == {Reason.DUPLICATE_IMAGE}


def test_an_address_that_is_none_has_no_host():
    rows = [(f"i{n:02d}", "a", "x", "9", f"http://[::1/{n}") for n in range(20)]
    assert set(reasons(*rows, min_class_size=1).values()) == {Reason.DUPLICATE_IMAGE}


def test_a_class_counts_what_is_left_of_it():
    rows = [("1", "a", "x"), ("2", "a", "x"), ("3", "a", "y"), ("4", "b", "p"), ("5", "b", "q"), ("6", "b", "r")]
    found = select(*rows)
    assert found["2"] == (Reason.DUPLICATE_IMAGE, {"same": "bytes", "same_as": "1"})
    assert found["1"] == found["3"] == (Reason.CLASS_TOO_SMALL, {"readable": 2})
    assert set(found) == {"1", "2", "3"}
    assert "1" not in select(*rows, min_class_size=2)


@pytest.mark.parametrize(
    "settings",
    [
        {"min_class_size": 0},
        {"placeholder_classes": 1},
        {"placeholder_addresses": 1},
        {"ambiguous": "ask"},
        {"typo": 3},
    ],
)
def test_settings_that_make_no_sense_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        SelectSettings(**settings)


rows = st.lists(
    st.tuples(st.integers(0, 99).map(str), st.sampled_from("abcd"), st.sampled_from(["u", "u2", "v", "w", "x", "y"])),
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
    assert left.pixel_hash.is_unique
    assert (left.groupby("landmark_id").size() >= settings.min_class_size).all()
    # nothing is lost without a cause: bytes that stand once in a class that is large enough stay
    alone = before[~before.pixel_hash.duplicated(keep=False)]
    large = alone.groupby("landmark_id").filter(lambda members: len(members) >= settings.min_class_size)
    assert set(large.image_id) <= set(left.image_id)


def drawn(image_id: str, pixels: str, host: str = "a.org") -> tuple[str, ...]:
    address = f"http://{host}/{image_id}.jpg"
    return image_id, "a", pixels, "900", address, address, "ink"


def test_drawings_stay_unless_they_are_to_go():
    rows = [drawn("1", "x"), ("2", "a", "y"), ("3", "a", "z"), ("4", "a", "w")]
    assert select(*rows) == {}
    assert select(*rows, drawings="drop") == {"1": (Reason.DRAWING, {"sign": "ink", "share": 0.5})}


def test_a_drawing_is_told_as_one_not_as_the_copy_of_one():
    rows = [drawn("1", "x"), drawn("2", "x"), ("3", "a", "z"), ("4", "a", "w"), ("5", "a", "v")]
    assert reasons(*rows, drawings="drop") == {"1": Reason.DRAWING, "2": Reason.DRAWING}


def test_a_drawn_placeholder_is_told_as_a_placeholder():
    rows = [drawn(str(number), "x") for number in range(10)] + [(f"p{n}", "a", n) for n in "yzw"]
    assert set(reasons(*rows, drawings="drop").values()) == {Reason.PLACEHOLDER}


def test_a_class_of_drawings_is_too_small_without_them():
    rows = [drawn("1", "x"), ("2", "a", "y"), ("3", "a", "z")]
    assert reasons(*rows, drawings="drop") == {
        "1": Reason.DRAWING,
        "2": Reason.CLASS_TOO_SMALL,
        "3": Reason.CLASS_TOO_SMALL,
    }
