import hashlib
from fractions import Fraction
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.publish.settings import PublishSettings
from tasks.publish.split import split_images

SETTINGS = PublishSettings()


def photographed(**classes: list[int]) -> pd.DataFrame:
    """Classes by the number of images of each of their photographs."""
    rows = [
        (f"{c}{n:04d}-{copy}", c, hashlib.sha256(f"{c}{n}".encode()).hexdigest())
        for c, sizes in classes.items()
        for n, size in enumerate(sizes)
        for copy in range(size)
    ]
    return pd.DataFrame(rows, columns=["image_id", "landmark_id", "photograph"], dtype=object)


def kept(**classes: int) -> pd.DataFrame:
    """Classes of so many photographs without copies."""
    return photographed(**{c: [1] * size for c, size in classes.items()})


def room(size: int, percent: int, least: int) -> int:
    return max(0, min(int(Fraction(percent, 100) * size), size - least))


def counts(members: pd.DataFrame, settings: PublishSettings = SETTINGS) -> dict[str, int]:
    split = split_images(members, settings)
    assert sorted(split.index) == sorted(members.image_id)
    assert set(split) <= {"train", "val"}
    return members.assign(val=members.image_id.map(split) == "val").groupby("landmark_id")["val"].sum().to_dict()


@pytest.mark.parametrize(("size", "to_val"), [(1, 0), (2, 0), (7, 0), (8, 1), (15, 1), (16, 2), (100, 13), (1000, 130)])
def test_a_class_gives_its_share_rounded_down(size, to_val):
    assert counts(kept(a=size)) == {"a": to_val}


@pytest.mark.parametrize(
    ("share", "least", "size", "to_val"),
    [(0.5, 2, 3, 1), (0.9, 2, 3, 1), (0.9, 2, 2, 0), (0.9, 5, 4, 0), (0.9, 0, 10, 9), (0.0, 2, 50, 0)],
)
def test_enough_stay_in_train(share, least, size, to_val):
    assert counts(kept(a=size), PublishSettings(validation_share=share, min_train=least)) == {"a": to_val}


@pytest.mark.parametrize("percent", [13, 7, 29, 57, 58])
def test_a_share_that_comes_out_even_is_not_rounded_below_itself(percent):
    settings = PublishSettings(validation_share=percent / 100)
    assert counts(kept(a=100), settings) == {"a": percent}


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(1, 60), min_size=1), st.integers(0, 99), st.integers(0, 5))
def test_every_class_obeys_the_rule(classes, percent, least):
    found = counts(kept(**classes), PublishSettings(validation_share=percent / 100, min_train=least))
    for landmark, size in classes.items():
        assert found[landmark] == room(size, percent, least)


SIZES = st.lists(st.integers(1, 6), min_size=1, max_size=40)


@given(st.dictionaries(st.sampled_from("abc"), SIZES, min_size=1), st.integers(0, 99), st.integers(0, 5))
def test_copies_go_together_and_a_class_gives_no_more_than_its_share(classes, percent, least):
    members = photographed(**classes)
    settings = PublishSettings(validation_share=percent / 100, min_train=least)
    sides = members.assign(split=members.image_id.map(split_images(members, settings)))
    whole = sides.drop_duplicates(["landmark_id", "photograph", "split"])
    assert not whole.duplicated(["landmark_id", "photograph"]).any()
    for landmark, to_val in counts(members, settings).items():
        own = sides[sides.landmark_id == landmark]
        free = room(len(own), percent, least) - to_val
        assert free >= 0
        sizes = own[own.split == "train"].groupby("photograph").size()
        assert (sizes > free).all(), "what still fits goes"


def test_few_pictures_change_sides_as_a_class_grows():
    sizes = [1, 1, 2, 1, 3, 1, 1, 2] * 10
    splits = [split_images(photographed(a=sizes[:count]), SETTINGS) for count in range(1, len(sizes) + 1)]
    moved = [int((later[former.index] != former).sum()) for former, later in pairwise(splits)]
    assert sum(moved) <= len(sizes)
    assert max(moved) <= 6


@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(random):
    members = photographed(a=[1, 2, 1, 3] * 5, b=[1] * 9, c=[3])
    indices = list(range(len(members)))
    random.shuffle(indices)
    first, again = split_images(members, SETTINGS), split_images(members.iloc[indices].reset_index(drop=True), SETTINGS)
    assert first.to_dict() == again.to_dict()


def test_other_classes_do_not_move_a_class():
    alone, together = split_images(kept(a=40), SETTINGS), split_images(kept(a=40, b=30, c=100), SETTINGS)
    assert together[alone.index].to_dict() == alone.to_dict()


def test_the_content_decides_and_not_the_name():
    members = kept(a=40)
    renamed = members.assign(image_id=[f"z{n}" for n in range(len(members))][::-1])
    by_content = [
        dict(zip(table.photograph, split_images(table, SETTINGS)[table.image_id], strict=True))
        for table in (members, renamed)
    ]
    assert by_content[0] == by_content[1]


def test_nothing_kept_is_nothing_split():
    assert len(split_images(kept(), SETTINGS)) == 0


@pytest.mark.parametrize("wrong", [{"validation_share": 1.0}, {"validation_share": -0.1}, {"min_train": -1}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        PublishSettings(**wrong)


def test_the_papers_share_is_the_default():
    assert SETTINGS.validation_share == 0.13
