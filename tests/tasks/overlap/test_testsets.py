import shutil

import pytest

from storage.errors import InputError
from tasks.overlap import testsets


@pytest.fixture
def folder(tmp_path):
    for name in ("b/eiffel_2.JPG", "b/eiffel_1.jpg", "louvre.png", "notes.txt", "b/deeper/pantheon-7.webp"):
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path / "set"


def test_all_photographs_below_the_folder_sorted(folder):
    found = testsets.test_photographs("paris", folder)
    assert [file.relative_to(folder).as_posix() for file in found] == [
        "b/deeper/pantheon-7.webp",
        "b/eiffel_1.jpg",
        "b/eiffel_2.JPG",
        "louvre.png",
    ]


def test_a_missing_folder_is_an_error_that_names_the_set(tmp_path):
    with pytest.raises(InputError, match=r"test set 'paris': no folder .*absent; give --test-set paris=FOLDER"):
        testsets.test_photographs("paris", tmp_path / "absent")


def test_a_file_is_no_folder(folder):
    with pytest.raises(InputError, match="no folder"):
        testsets.test_photographs("paris", folder / "louvre.png")


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(InputError, match="test set 'paris': no photographs below"):
        testsets.folder_digest("paris", tmp_path)


def test_the_digest_is_of_names_and_bytes_and_not_of_the_place(folder, tmp_path):
    before = testsets.folder_digest("paris", folder)
    shutil.copytree(folder, tmp_path / "elsewhere")
    assert testsets.folder_digest("other", tmp_path / "elsewhere") == before
    (folder / "notes.txt").write_text("changed")
    assert testsets.folder_digest("paris", folder) == before
    (folder / "louvre.png").write_text("changed")
    changed = testsets.folder_digest("paris", folder)
    assert changed != before
    (folder / "louvre.png").rename(folder / "louvre_1.png")
    assert testsets.folder_digest("paris", folder) not in (before, changed)


@pytest.mark.parametrize(
    ("name", "site"),
    [
        ("paris_eiffel_000004.jpg", "paris_eiffel"),
        ("all_souls_000013.jpg", "all_souls"),
        ("100000.jpg", "100000"),
        ("pantheon-7.webp", "pantheon"),
        ("tower.of.pisa_2.png", "tower.of.pisa"),
        ("louvre", "louvre"),
        ("_7.jpg", "_7"),
    ],
)
def test_the_site_is_the_name_without_its_number(name, site):
    assert testsets.site_of(name) == site
