import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.captions.forms import FormCounts, count_forms, count_words, make_stemmer
from tasks.captions.settings import EncodeSettings, SplitSettings
from tasks.captions.split import list_images, split_of


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        ("The CAR'S wheel", {"the": 1, "car": 1, "s": 1, "wheel": 1}),
        ("a café, a café", {"a": 2, "caf": 2}),
        ("number 42 - no7", {"number": 1, "no": 1}),
        ("T-shirt\twith\nlogo.", {"t": 1, "shirt": 1, "with": 1, "logo": 1}),
        ("狗 …!?", {}),
        ("", {}),
    ],
)
def test_words_are_runs_of_letters_in_lower_case(phrase, words):
    assert count_words([phrase]) == words


def test_a_word_does_not_run_on_into_the_next_phrase():
    assert count_words(["red", "car", "red"]) == {"red": 2, "car": 1}


def test_stemmers():
    words = ["running", "runs", "dogs", "generously", "the"]
    assert [make_stemmer(EncodeSettings())(word) for word in words] == ["run", "run", "dog", "generous", "the"]
    porter = make_stemmer(EncodeSettings(stemmer="porter", stop_words=("the",)))
    assert [porter(word) for word in words] == ["run", "run", "dog", "gener", None]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["x y", "y", "x x z", ""])), max_size=12))
def test_the_order_of_descriptions_does_not_matter(pairs):
    rows = {"a": 0, "b": 1, "c": 2}
    tables = []
    for order in (pairs, sorted(pairs), pairs[::-1]):
        found = count_forms(order, rows, count_words)
        dense = found.counts.toarray()
        tables.append(
            ({form: dense[:, column].tolist() for column, form in enumerate(found.forms)}, found.descriptions.tolist())
        )
    assert tables[0] == tables[1] == tables[2]
    expected = [sum(phrase.split().count("x") for image, phrase in pairs if image == name) for name in "abc"]
    assert tables[0][0].get("x", [0, 0, 0]) == expected


def test_counts_are_small_integers():
    gathered = FormCounts[str]()
    gathered.add(1, {"a": 2})
    gathered.add(1, {"a": 1, "b": 1})
    matrix = gathered.matrix(3)
    assert matrix.dtype == np.int32
    assert matrix.toarray().tolist() == [[0, 0], [3, 1], [0, 0]]
    assert FormCounts[str]().matrix(2).shape == (2, 0)


def test_the_split_is_about_80_10_10_and_fixed():
    ids = [str(number) for number in range(1, 20_001)]
    table = list_images(ids, SplitSettings())
    shares = {entry["values"]: entry["counts"] / 20_000 for entry in table["split"].value_counts().to_pylist()}
    assert shares == pytest.approx({"train": 0.8, "val": 0.1, "test": 0.1}, abs=0.01)
    assert [split_of(image, SplitSettings()) for image in ("1", "2", "16")] == ["val", "train", "test"]


def test_images_stand_in_the_order_of_their_numbers_whatever_comes_first():
    table = list_images(["10", "9", "b", "9", "100", "aa"], SplitSettings())
    assert table["image_id"].to_pylist() == ["9", "b", "10", "aa", "100"]
    more = list_images(["10", "9", "7"], SplitSettings(val_percent=0, test_percent=0))
    assert set(more["split"].to_pylist()) == {"train"}
