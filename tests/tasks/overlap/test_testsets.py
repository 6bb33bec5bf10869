import json
import shutil
from pathlib import Path

import pytest

from storage.errors import InputError
from tasks.overlap.testsets import Photograph, read_test_set


def put(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return folder


@pytest.fixture
def folder(tmp_path):
    return put(
        tmp_path / "set", "b/eiffel_2.JPG", "b/eiffel_1.jfif", "louvre.png", "notes.txt", "b/deep/pantheon-7.webp"
    )


def test_all_photographs_below_a_plain_folder_sorted(folder):
    found = read_test_set("mine", folder)
    assert found.photographs == (
        Photograph("b/deep/pantheon-7.webp", "pantheon", "positive"),
        Photograph("b/eiffel_1.jfif", "eiffel", "positive"),
        Photograph("b/eiffel_2.JPG", "eiffel", "positive"),
        Photograph("louvre.png", "louvre", "positive"),
    )
    assert (found.ground_truth, found.skipped) == (False, ())


def test_a_photograph_needs_no_suffix_and_what_links_lead_out_to_is_told(folder, tmp_path):
    (folder / "tower_1").write_bytes(b"\xff\xd8\xff\xe0\0\x10JFIF")
    put(tmp_path / "real", "arc_1.jpg")
    (folder / "arc").symlink_to(tmp_path / "real")
    before = read_test_set("mine", folder)
    assert Photograph("tower_1", "tower", "positive") in before.photographs
    assert before.skipped == (("arc", "linked-out", ""),)
    (folder / "arc").unlink()
    assert read_test_set("mine", folder).digest() != before.digest()


def test_a_folder_of_nothing_but_links_that_lead_out_is_an_error(tmp_path):
    put(tmp_path / "real", "arc_1.jpg")
    (tmp_path / "set").mkdir()
    (tmp_path / "set/jpg").symlink_to(tmp_path / "real")
    with pytest.raises(InputError, match=r"no photographs below .*; not followed, since they lead out of it: jpg"):
        read_test_set("mine", tmp_path / "set")


def test_a_ground_truth_saved_elsewhere_is_read(tmp_path):
    cafe = "caf\u00e9_000001"  # as an editor composes it; the disk keeps letter and accent apart
    put(tmp_path, "jpg/cafe\u0301_000001.jpg", "jpg/tower_000001.jpg", "jpg/tower_000002.jpg")
    (tmp_path / "tower_10_query.txt").write_bytes(f"\ufeff{cafe} 1 2 3 4\r\n".encode())
    (tmp_path / "tower_10_good.txt").write_bytes(b"\xef\xbb\xbftower_000001\r\n\r\n")
    found = read_test_set("mine", tmp_path)
    assert [(photograph.site, photograph.role) for photograph in found.photographs] == [
        ("tower", "query"), ("tower", "positive"), ("tower", "distractor"),
    ]  # fmt: skip
    assert found.skipped == ()


def test_a_missing_folder_is_an_error_that_names_the_set(tmp_path):
    with pytest.raises(InputError, match=r"test set 'paris': no folder .*absent; give --test-set paris=FOLDER"):
        read_test_set("paris", tmp_path / "absent")


def test_a_file_is_no_folder(folder):
    with pytest.raises(InputError, match="no folder"):
        read_test_set("paris", folder / "louvre.png")


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(InputError, match="test set 'paris': no photographs below"):
        read_test_set("paris", tmp_path)


def test_the_digest_is_of_names_bytes_and_ground_truth_and_not_of_the_place(folder, tmp_path):
    before = read_test_set("mine", folder).digest()
    shutil.copytree(folder, tmp_path / "elsewhere")
    assert read_test_set("other", tmp_path / "elsewhere").digest() == before
    (folder / "notes.txt").write_text("changed")
    assert read_test_set("mine", folder).digest() == before
    (folder / "louvre.png").write_text("changed")
    changed = read_test_set("mine", folder).digest()
    assert changed != before
    (folder / "louvre.png").rename(folder / "louvre_1.png")
    renamed = read_test_set("mine", folder).digest()
    assert renamed not in (before, changed)
    (folder / "groundtruth.json").write_text(json.dumps({"louvre": {"junk": ["louvre_1.png"]}}))
    assert read_test_set("mine", folder).digest() != renamed


def test_what_a_ground_truth_does_not_name_is_a_distractor_and_what_is_missing_is_counted(folder):
    truth = {"tower": {"query": ["eiffel_1"], "good": ["eiffel_3.jpg"], "ok": [], "junk": ["louvre.png"]}}
    (folder / "groundtruth.json").write_text(json.dumps(truth))
    found = read_test_set("mine", folder)
    assert [(photograph.site, photograph.role) for photograph in found.photographs] == [
        ("pantheon", "distractor"), ("tower", "query"), ("eiffel", "distractor"), ("tower", "junk"),
    ]  # fmt: skip
    assert (found.ground_truth, found.skipped) == (True, (("eiffel_3", "absent", ""),))


def test_a_ground_truth_of_other_photographs_is_an_error(folder):
    (folder / "groundtruth.json").write_text(json.dumps({"pisa": {"good": ["pisa_1.jpg"]}}))
    with pytest.raises(InputError, match=r"'mine': its ground truth names 1 photographs, and none of them is below"):
        read_test_set("mine", folder)


def test_paris_files_that_are_known_to_be_corrupt_are_left_out_and_named(tmp_path):
    names = ("louvre/paris_louvre_000136.jpg", "louvre/paris_louvre_000137.jpg", "paris_eiffel_000004.jpg")
    found = read_test_set("paris6k", put(tmp_path, *names))
    assert found.skipped == (("louvre/paris_louvre_000136.jpg", "known-corrupt", ""),)
    assert [(photograph.path, photograph.site) for photograph in found.photographs] == [
        ("louvre/paris_louvre_000137.jpg", "louvre"), ("paris_eiffel_000004.jpg", "eiffel"),
    ]  # fmt: skip
    assert read_test_set("mine", tmp_path).skipped == ()


def test_paris_sites_are_named_alike_in_files_and_ground_truth(tmp_path):
    put(tmp_path, "paris_eiffel_000004.jpg", "paris_eiffel_000005.jpg", "paris_general_000001.jpg")
    put(tmp_path, "gt/eiffel_1_good.txt").joinpath("gt/eiffel_1_good.txt").write_text("paris_eiffel_000004\n")
    found = read_test_set("paris6k", tmp_path)
    assert [(photograph.site, photograph.role) for photograph in found.photographs] == [
        ("eiffel", "positive"), ("eiffel", "distractor"), ("general", "distractor"),
    ]  # fmt: skip


def test_a_holidays_file_says_its_group_and_whether_it_is_a_query(tmp_path):
    found = read_test_set("holidays", put(tmp_path, "100000.jpg", "100001.jpg", "100100.jpg", "view.jpg"))
    assert [(photograph.site, photograph.role) for photograph in found.photographs] == [
        ("1000", "query"), ("1000", "positive"), ("1001", "query"), ("view", "positive"),
    ]  # fmt: skip


def test_real_samples(shared_data):
    sets = {name: read_test_set(name, shared_data / "testsets" / name) for name in ("oxford5k", "paris6k", "holidays")}
    assert {name: len(found.photographs) for name, found in sets.items()} == {
        "oxford5k": 51,
        "paris6k": 40,
        "holidays": 3,
    }
    oxford = {photograph.path: photograph for photograph in sets["oxford5k"].photographs}
    assert sets["oxford5k"].ground_truth
    assert [entry.reason for entry in sets["oxford5k"].skipped].count("absent") > 400
    assert {photograph.site for photograph in sets["paris6k"].photographs} == {
        "eiffel", "louvre", "notredame", "sacrecoeur",
    }  # fmt: skip
    assert [photograph.role for photograph in sets["holidays"].photographs] == ["query", "positive", "positive"]
    assert {photograph.role for photograph in oxford.values()} >= {"query", "positive", "distractor"}
