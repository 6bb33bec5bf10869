"""What authors kept, in both of its forms, and what is wrong with a file that is neither."""

from collections.abc import Callable
from pathlib import Path

import pytest

from storage.errors import InputError
from tasks.evaluate.reference import read_reference

BOXED = "http://h/a 1 10 300 20 200\nhttp://h/b 2 0 50 5 400\n"
MD5S = f"{'a' * 32}\n{'B' * 32}\n"
Written = Callable[[str, str], Path]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Writes a file and gives its path."""

    def write(name: str, text: str) -> Path:
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def rows_of(reference) -> list[tuple[object, ...]]:
    columns = [reference.joined_by, "landmark_id", "md5", "x1", "y1", "x2", "y2"]
    return list(reference.rows[columns].itertuples(index=False, name=None))


def test_lines_with_boxes_come_in_our_order_of_edges(written: Written) -> None:
    reference = read_reference([written("clean.txt", BOXED)], [written("clean.md5sum", MD5S)])
    assert reference.joined_by == "url"
    assert rows_of(reference) == [
        ("http://h/a", "1", "a" * 32, 10, 20, 300, 200),
        ("http://h/b", "2", "b" * 32, 0, 5, 50, 400),
    ]


def test_the_other_order_of_edges_is_seen(written: Written) -> None:
    same = "http://h/a 1 10 20 300 200\nhttp://h/b 2 0 5 50 400\n"
    there, here = (read_reference([written("clean.txt", text)]) for text in (BOXED, same))
    assert there.rows.equals(here.rows)


def test_parts_with_their_checksums_are_one_reference(written: Written) -> None:
    files = [written("train.txt", BOXED), written("val.txt", "http://h/c 1 1 3 2 4\n")]
    md5s = [written("train.md5sum", MD5S), written("val.md5sum", f"{'c' * 32}\n")]
    reference = read_reference(files, md5s)
    assert reference.files == "train.txt, val.txt"
    assert list(zip(reference.rows.url, reference.rows.md5, strict=True)) == [
        ("http://h/a", "a" * 32),
        ("http://h/b", "b" * 32),
        ("http://h/c", "c" * 32),
    ]


def test_boxes_and_checksums_may_be_missing(written: Written) -> None:
    reference = read_reference([written("clean.txt", "http://h/a 1\n")])
    assert reference.rows[["md5", "x1", "y1", "x2", "y2"]].isna().all(axis=None)


def test_the_clean_list_of_google_landmarks_has_ids(written: Written) -> None:
    reference = read_reference([written("train_clean.csv", "landmark_id,images\n7,a b\n9,c\n")])
    assert reference.joined_by == "image_id"
    assert list(zip(reference.rows.image_id, reference.rows.landmark_id, strict=True)) == [
        ("a", "7"),
        ("b", "7"),
        ("c", "9"),
    ]
    assert reference.rows[["md5", "x1", "y1", "x2", "y2"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("clean.txt", "", "the list is empty"),
        ("clean.txt", "http://h/a 1 10 20\n", "line 1: 4 columns"),
        ("clean.txt", "http://h/a 1 10 5 20 3\n", "line 1, columns 3–6: boxes are neither"),
        ("clean.csv", "id,url,landmark_id\na,u,1\n", "line 1: expected a header with landmark_id, images"),
        ("clean.csv", "landmark_id,images\n", "names no image"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(written: Written, name: str, text: str, message: str) -> None:
    path = written(name, text)
    with pytest.raises(InputError, match=message) as caught:
        read_reference([path])
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none.txt", tmp_path):
        with pytest.raises(InputError, match="no such file"):
            read_reference([path])


def test_checksums_of_another_length(written: Written) -> None:
    with pytest.raises(InputError, match="1 lines, expected 2"):
        read_reference([written("clean.txt", BOXED)], [written("clean.md5sum", f"{'a' * 32}\n")])


def test_checksums_for_only_one_of_two_parts(written: Written) -> None:
    files = [written("train.txt", BOXED), written("val.txt", BOXED)]
    with pytest.raises(InputError, match="2 references and 1 MD5 files"):
        read_reference(files, [written("train.md5sum", MD5S)])


def test_checksums_of_a_list_without_lines(written: Written) -> None:
    clean = written("train_clean.csv", "landmark_id,images\n7,a b\n")
    with pytest.raises(InputError, match="leave out --md5"):
        read_reference([clean], [written("clean.md5sum", MD5S)])


def test_two_kinds_are_not_one_reference(written: Written) -> None:
    clean = written("train_clean.csv", "landmark_id,images\n7,a b\n")
    with pytest.raises(InputError, match="compare them apart"):
        read_reference([clean, written("clean.txt", BOXED)])
