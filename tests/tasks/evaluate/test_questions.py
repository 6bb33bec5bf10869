"""Which triplets people are asked about."""

from pathlib import Path

import pytest

from storage.errors import InputError
from tasks.evaluate.questions import Question, draw_questions, list_images, read_questions

IDS = [f"{number}.jpg" for number in range(40)]


def test_a_triplet_is_three_images_and_each_query_its_own() -> None:
    drawn = draw_questions(IDS, 25, 0)
    assert len({one.query for one in drawn}) == 25
    assert all(len({one.query, one.a, one.b}) == 3 and one.a < one.b for one in drawn)
    assert draw_questions(IDS[::-1], 25, 0) == drawn
    assert draw_questions(IDS, 25, 1) != drawn
    assert len(draw_questions(IDS, 100, 0)) == 40


def test_an_image_more_changes_few_triplets() -> None:
    before, after = (set(draw_questions(ids, 30, 0)) for ids in (IDS, [*IDS, "new.jpg"]))
    assert len(before & after) > 20


def test_sides_are_mixed_and_stay() -> None:
    sides = [one.left_for("Ann") for one in draw_questions(IDS, 40, 0)]
    assert 8 < sides.count("a") < 32
    assert sides == [one.left_for("Ann") for one in draw_questions(IDS, 40, 0)]
    assert sides != [one.left_for("Ben") for one in draw_questions(IDS, 40, 0)]


def test_images_of_a_folder(tmp_path: Path) -> None:
    for name in ("b.PNG", "a/1.jpg", "a/2.jpeg", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert list_images(tmp_path) == ["a/1.jpg", "a/2.jpeg", "b.PNG"]
    (tmp_path / "b.PNG").unlink()
    with pytest.raises(InputError, match="2 images in it; a triplet needs three"):
        list_images(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        list_images(tmp_path / "none")
    (tmp_path / "a\nb.jpg").touch()
    with pytest.raises(InputError, match=r"'a\\nb\.jpg' has what is no printable text in its name"):
        list_images(tmp_path)


def test_a_list_of_triplets(tmp_path: Path) -> None:
    path = tmp_path / "triplets.csv"
    path.write_text("query,a,b\n1.jpg,3.jpg,2.jpg\n2.jpg,1.jpg,3.jpg\n")
    assert read_questions(path, IDS) == [Question("1.jpg", "2.jpg", "3.jpg"), Question("2.jpg", "1.jpg", "3.jpg")]
    path.write_text("query,a,b\n1.jpg,2.jpg,3.jpg\n1.jpg,3.jpg,2.jpg\n")
    with pytest.raises(InputError, match="row 2, column query: the same triplet as in row 1"):
        read_questions(path, IDS)
    path.write_text("query,a,b\n1.jpg,2.jpg,../secret.jpg\n")
    with pytest.raises(InputError, match=r"row 1, column b: no image '\.\./secret\.jpg' in the folder"):
        read_questions(path, IDS)
    path.write_text("query,positive\n1.jpg,2.jpg\n")
    with pytest.raises(InputError, match="expected a CSV or Parquet file with the columns query, a, b"):
        read_questions(path, IDS)
