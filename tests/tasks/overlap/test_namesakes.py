import pandas as pd
import pytest

from storage.errors import InputError
from tasks.overlap.namesakes import namesakes, plain, read_aliases


def listed(**classes: int) -> pd.DataFrame:
    rows = [(f"{name} {number}", name) for name, count in classes.items() for number in range(count)]
    return pd.DataFrame(rows, columns=["image_id", "landmark_id"])


def of(landmarks: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"image_id": landmarks, "landmark_id": landmarks})


SITES = pd.DataFrame(
    [("paris6k", "eiffel"), ("paris6k", "eiffel"), ("paris6k", "defense")], columns=["test_set", "site"]
)
NONE = pd.DataFrame([], columns=["image_id", "test_set", "site"])


@pytest.mark.parametrize(
    "name",
    ["eiffel", "EIFFEL", "Eiffel Tower", "eiffel_tower", "tour-eiffel", "Tour  Eiffel!", "la_défense", "La Defense"],
)
def test_a_class_in_any_given_spelling_is_listed(name):
    (row,) = namesakes(of([name, "louvre"]), NONE, SITES, read_aliases()).to_dict("records")
    assert (row["landmark_id"], row["images"], row["images_found"]) == (name, 1, 0)


@pytest.mark.parametrize("name", ["eiffel tower replica", "eif", "", "!", "louvre"])
def test_other_names_are_not(name):
    assert namesakes(of([name]), NONE, SITES, read_aliases()).empty


def test_what_its_images_show_stands_beside_the_name():
    overlaps = pd.DataFrame(
        [("eiffel 0", "paris6k", "eiffel"), ("eiffel 0", "paris6k", "eiffel"), ("eiffel 1", "paris6k", "defense"),
         ("other 0", "paris6k", "eiffel")], columns=NONE.columns,
    )  # fmt: skip
    (row,) = namesakes(listed(eiffel=5, other=2), overlaps, SITES, {}).to_dict("records")
    assert row == {"landmark_id": "eiffel", "test_set": "paris6k", "site": "eiffel", "spelling": "eiffel",
                   "images": 5, "images_found": 1}  # fmt: skip


def test_a_file_adds_spellings_to_those_that_are_known(tmp_path):
    path = tmp_path / "aliases.toml"
    path.write_text('eiffel = ["Iron Lady"]\nkremlin = ["Кремль"]\n', encoding="utf-8-sig")
    aliases = read_aliases(path)
    assert {"Iron Lady", "Tour Eiffel"} <= set(aliases["eiffel"])
    assert aliases["kremlin"] == ("Кремль",)
    assert plain("КРЕМЛЬ ") == plain(aliases["kremlin"][0]) == "кремль"


@pytest.mark.parametrize("content", [b"eiffel = 3", b'eiffel = "tower"', b"eiffel = [", b"\xff", b"[eiffel]\na = 1"])
def test_a_file_that_says_something_else_is_an_error(tmp_path, content):
    path = tmp_path / "aliases.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"aliases .*aliases\.toml: .*expected a TOML file of lines"):
        read_aliases(path)


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"aliases .*absent\.toml"):
        read_aliases(tmp_path / "absent.toml")
