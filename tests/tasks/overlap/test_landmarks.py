import json
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.reasons import Reason
from tasks.overlap.landmarks import dropped_images, images_needed
from tasks.overlap.settings import OverlapSettings

SETTINGS = OverlapSettings()
COLUMNS = [
    "image_id",
    "landmark_id",
    "test_set",
    "test_image",
    "site",
    "role",
    "mirrored",
    "kind",
    "through",
    "putative",
    "inliers",
]


def images(**classes: int) -> pd.DataFrame:
    rows = [(f"{landmark}{number:02d}", landmark) for landmark, count in classes.items() for number in range(count)]
    return pd.DataFrame(rows, columns=["image_id", "landmark_id"], dtype=object)


def overlap(
    image: str,
    kind: str = "landmark",
    site: str = "eiffel",
    inliers: int = 30,
    number: int = 1,
    mirrored: bool = False,
    role: str = "positive",
    through: str | None = None,
) -> tuple[Any, ...]:
    names = (image, image[0], "paris", f"{site}_{number}.jpg", site, role, mirrored, kind, through)
    return (*names, 2 * inliers, inliers)


def drop(
    members: pd.DataFrame, *overlaps: tuple[Any, ...], settings: OverlapSettings = SETTINGS
) -> dict[str, tuple[str, dict[str, Any]]]:
    table = pd.DataFrame(list(overlaps), columns=COLUMNS)
    table = table.astype({"putative": "int32", "inliers": "int32", "mirrored": bool})
    dropped = dropped_images(members, table, settings)
    assert list(dropped.columns) == ["image_id", "reason", "evidence"]
    assert dropped.image_id.is_monotonic_increasing
    return {row.image_id: (row.reason, json.loads(row.evidence)) for row in dropped.itertuples()}


def reasons(found: dict[str, tuple[str, dict[str, Any]]]) -> dict[str, str]:
    return {image: reason for image, (reason, _) in found.items()}


def test_nothing_shared_is_nothing_dropped():
    assert drop(images(a=5)) == {}
    assert drop(images()) == {}


def test_a_copy_and_a_view_go_each_by_its_name_with_the_evidence():
    found = drop(images(a=40), overlap("a03", "copy", inliers=200), overlap("a07", mirrored=True))
    assert reasons(found) == {"a03": Reason.TEST_COPY, "a07": Reason.TEST_LANDMARK}
    assert found["a07"][1] == {
        "kind": "landmark",
        "test_set": "paris",
        "test_image": "eiffel_1.jpg",
        "site": "eiffel",
        "role": "positive",
        "mirrored": True,
        "inliers": 30,
        "putative": 60,
    }


def test_what_is_found_through_another_goes_and_names_it():
    found = drop(images(a=40), overlap("a00"), overlap("a01", through="a00", inliers=12))
    assert reasons(found) == dict.fromkeys(("a00", "a01"), Reason.TEST_LANDMARK)
    assert "through" not in found["a00"][1]
    assert found["a01"][1].items() > {"through": "a00", "test_image": "eiffel_1.jpg", "inliers": 12}.items()


def test_what_is_found_through_others_condemns_no_class():
    found = drop(images(a=40), overlap("a00"), *(overlap(f"a{n:02d}", through="a00") for n in range(1, 30)))
    assert reasons(found) == dict.fromkeys((f"a{n:02d}" for n in range(30)), Reason.TEST_LANDMARK)


def test_the_evidence_is_the_strongest_pair():
    found = drop(
        images(a=40),
        overlap("a00", inliers=25, number=1),
        overlap("a00", inliers=90, number=2),
        overlap("a00", inliers=40, number=3),
    )
    assert found["a00"][1]["test_image"] == "eiffel_2.jpg"


def test_a_copy_outweighs_a_stronger_view():
    found = drop(images(a=40), overlap("a00", inliers=300), overlap("a00", "copy", inliers=50, number=2))
    assert found["a00"][0] == Reason.TEST_COPY
    assert found["a00"][1]["test_image"] == "eiffel_2.jpg"


def test_three_views_of_one_site_condemn_the_class():
    views = [overlap(f"a{n:02d}") for n in range(3)]
    found = drop(images(a=40, b=5), *views)
    assert set(found) == set(images(a=40).image_id)
    assert set(reasons(found).values()) == {Reason.TEST_LANDMARK_CLASS}
    site = {"class_test_set": "paris", "class_site": "eiffel", "class_images": 3, "class_size": 40, "class_needed": 3}
    assert found["a39"][1] == site
    assert found["a00"][1].items() > site.items()
    assert found["a00"][1]["test_image"] == "eiffel_1.jpg"


def test_two_views_do_not():
    assert reasons(drop(images(a=40), overlap("a00"), overlap("a01"))) == dict.fromkeys(
        ("a00", "a01"), Reason.TEST_LANDMARK
    )


def test_many_views_by_one_image_count_once():
    assert set(drop(images(a=40), *(overlap("a00", number=n) for n in range(9)))) == {"a00"}


def test_views_of_different_sites_do_not_add_up():
    assert set(
        drop(
            images(a=40), overlap("a00", site="eiffel"), overlap("a01", site="louvre"), overlap("a02", site="pantheon")
        )
    ) == {"a00", "a01", "a02"}


def test_copies_do_not_condemn_a_class():
    copies = [overlap(f"a{n:02d}", "copy") for n in range(10)]
    assert reasons(drop(images(a=40), *copies)) == dict.fromkeys((f"a{n:02d}" for n in range(10)), Reason.TEST_COPY)


@pytest.mark.parametrize(
    ("size", "needed"),
    [(1, 2), (5, 2), (6, 3), (40, 3), (41, 4), (80, 4), (81, 5), (1000, 50)],
    # Five images: 10 pairs of them, 10⁻⁶ each. Forty: 9,880 triples, 10⁻⁹ each. From 81 on, 5 % are more.
)
def test_how_many_images_a_class_needs_grows_with_it(size, needed):
    assert images_needed(size, SETTINGS) == needed


def test_the_larger_the_class_the_more_views_condemn_it():
    views = [overlap(f"a{n:02d}") for n in range(3)]
    assert len(drop(images(a=40), *views)) == 40
    assert len(drop(images(a=41), *views)) == 3


@pytest.mark.parametrize("role", ["junk", "distractor"])
def test_junk_and_distractors_condemn_no_class_unless_the_settings_say_so(role):
    views = [overlap(f"a{n:02d}", role=role) for n in range(9)]
    assert reasons(drop(images(a=40), *views)) == dict.fromkeys((f"a{n:02d}" for n in range(9)), Reason.TEST_LANDMARK)
    assert len(drop(images(a=40), *views, settings=OverlapSettings(distractors_condemn=True))) == 40


def test_by_policy_a_class_keeps_what_shows_no_site():
    views = [overlap(f"a{n:02d}") for n in range(9)]
    found = drop(images(a=40), *views, settings=OverlapSettings(policy="images"))
    assert reasons(found) == dict.fromkeys((f"a{n:02d}" for n in range(9)), Reason.TEST_LANDMARK)


def test_a_copy_in_a_condemned_class_keeps_its_evidence():
    found = drop(images(a=10), overlap("a09", "copy"), *(overlap(f"a{n:02d}") for n in range(3)))
    assert found["a09"][0] == Reason.TEST_LANDMARK_CLASS
    assert found["a09"][1]["kind"] == "copy"


def test_the_site_most_shown_is_named():
    found = drop(
        images(a=10),
        *(overlap(f"a{n:02d}", site="louvre") for n in range(3)),
        *(overlap(f"a{n:02d}", site="eiffel") for n in range(2, 8)),
    )
    assert found["a09"][1]["class_site"] == "eiffel"


def test_how_many_condemn_is_a_setting():
    views = [overlap("a00"), overlap("a01")]
    assert len(drop(images(a=10), *views, settings=OverlapSettings(class_chance=1e-3))) == 10
    assert len(drop(images(a=10), *views, settings=OverlapSettings(class_chance=1e-3, class_share=0.3))) == 2


rows = st.lists(
    st.builds(
        overlap,
        st.builds("{}{:02d}".format, st.sampled_from("abc"), st.integers(0, 7)),
        st.sampled_from(["copy", "landmark"]),
        st.sampled_from(["eiffel", "louvre"]),
        st.integers(20, 24),
        st.integers(1, 3),
        st.booleans(),
    ),
    max_size=20,
    unique_by=lambda row: (row[0], row[3], row[5]),
)


@given(rows, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(found, random):
    shuffled = list(found)
    random.shuffle(shuffled)
    members = images(a=8, b=8, c=8)
    assert drop(members, *found) == drop(members.sample(frac=1, random_state=1), *shuffled)


@given(rows)
def test_every_image_with_an_overlap_goes_and_others_only_with_their_class(found):
    members = images(a=8, b=8, c=8)
    dropped = drop(members, *found)
    touched = {row[0] for row in found}
    assert touched <= set(dropped)
    for image, (reason, _) in dropped.items():
        assert image in touched or reason == Reason.TEST_LANDMARK_CLASS
