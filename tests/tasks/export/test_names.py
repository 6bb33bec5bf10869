import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.export.names import class_indices, picture_names, safe_name

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80)


@settings(max_examples=40)
@given(TEXTS)
def test_a_safe_name_is_one_every_tool_takes(text):
    name = safe_name(text)
    assert not set(name) & set('/\\.:*?"<>| \t\n\0')
    assert 0 < len(name.encode()) <= 180


@settings(max_examples=40)
@given(st.sets(TEXTS, min_size=2))
def test_no_two_texts_have_one_name(texts):
    assert len({safe_name(text) for text in texts}) == len(texts)


def test_names_that_are_too_long_end_in_a_digest():
    names = [safe_name("é" * 300 + end) for end in "ab"]
    assert names[0] != names[1]
    assert max(len(name.encode()) for name in names) <= 180


def test_what_is_a_name_already_stays():
    assert safe_name("Nhà_thờ-Đức_Bà_7") == "Nhà_thờ-Đức_Bà_7"
    assert safe_name("St. Peter/Rome") == "St%2E%20Peter%2FRome"


def test_a_class_has_the_rank_of_its_folder():
    indices = class_indices(pd.Series(["b", "10", "a b", "9", "b"]))
    assert indices == {"10": 0, "9": 1, "a b": 2, "b": 3}
    assert sorted(indices, key=safe_name) == sorted(indices, key=lambda name: indices[name])


def test_a_picture_is_called_after_its_file_where_no_other_is():
    ids = pd.Series(["tower/a.jpg", "tower/b.jpg", "tower/b.png", "0c", "tower/deep/d.JPEG"])
    names = picture_names(ids, pd.Series(["tower"] * 5))
    assert names == [
        *("tower/a", "tower/tower%2Fb%2Ejpg", "tower/tower%2Fb%2Epng"),
        *("tower/0c", "tower/deep%2Fd"),
    ]
