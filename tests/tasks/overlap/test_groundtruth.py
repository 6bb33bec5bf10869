import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from bench.faults.mutants import read_mutants
from storage.errors import InputError
from tasks.overlap.groundtruth import Part, site_of
from tasks.overlap.groundtruth import read_ground_truth as read_files
from tasks.overlap.revisited import parse_revisited


def read_ground_truth(name: str, folder: Path) -> dict[str, Part] | None:
    return read_files(name, sorted(folder.rglob("*")))


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.txt").write_text(text)
    return folder


def test_nothing_is_no_ground_truth(tmp_path):
    (tmp_path / "notes_good.txt").write_text("a note")
    assert read_ground_truth("oxford5k", tmp_path) is None


def test_the_text_files_of_oxford_buildings(tmp_path):
    write(
        tmp_path,
        all_souls_1_query="oxc1_all_souls_000013 136.5 34.1 648.5 955.7\n",
        all_souls_1_good="all_souls_000026\noxford_002904\n",
        all_souls_1_ok="all_souls_000051\n\n",
        all_souls_1_junk="all_souls_000207\n",
        all_souls_2_query="oxc1_all_souls_000026 1 2 3 4",
        radcliffe_camera_1_good="all_souls_000207\nall_souls_000051",
    )
    assert read_ground_truth("oxford5k", tmp_path) == {
        "all_souls_000013": Part("query", "all_souls"),
        "all_souls_000026": Part("query", "all_souls"),
        "oxford_002904": Part("positive", "all_souls"),
        "all_souls_000051": Part("positive", "all_souls"),
        "all_souls_000207": Part("positive", "radcliffe_camera"),
    }


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a_1_query", "a_000001\n", "a_1_query.txt, line 1: 'a_000001'; expected a name and four numbers"),
        ("a_1_good", "a_000001\na b\n", "a_1_good.txt, line 2: 'a b'; expected a name"),
    ],
)
def test_a_malformed_text_file_is_named_with_its_line(tmp_path, name, text, expected):
    with pytest.raises(InputError) as raised:
        read_ground_truth("oxford5k", write(tmp_path, **{name: text}))
    assert expected in str(raised.value)


def test_a_text_file_of_an_old_editor_is_refused(tmp_path):
    (tmp_path / "a_12_junk.txt").write_bytes("café_000001".encode("latin-1"))
    with pytest.raises(InputError, match=r"a_12_junk\.txt: not UTF-8 text: .*; expected names of photographs"):
        read_ground_truth("oxford5k", tmp_path)


def test_a_set_may_have_queries_of_two_digits_alone(tmp_path):
    write(tmp_path, pisa_10_query="pisa_000001 1 2 3 4", pisa_10_ok="pisa_000002.jpg")
    assert read_ground_truth("mine", tmp_path) == {
        "pisa_000001": Part("query", "pisa"), "pisa_000002": Part("positive", "pisa"),
    }  # fmt: skip


def revisited(folder: Path, **changes: object) -> Path:
    """As scipy would write what the authors' Matlab file holds: cells of names, places that count from 1."""
    images = ["all_souls_000001", "oxford_000002", "all_souls_000003", "hertford_000004", "hertford_000005"]
    truths = [
        {"bbx": [1.0, 2, 3, 4], "easy": np.array([1, 2]), "hard": np.array([3]), "junk": np.array([4])},
        {"bbx": [1.0, 2, 3, 4], "easy": np.array([4, 5]), "hard": np.zeros(0), "junk": np.array([1, 2])},
    ]
    cells = {"imlist": images, "qimlist": ["oxford_003410", "hertford_000015"], "gnd": truths} | changes
    values = {name: np.array(value, object) for name, value in cells.items()}
    savemat(folder / "gnd_roxford5k.mat", values)
    return folder


def test_the_revisited_matlab_file_which_may_bear_another_name_than_the_set(tmp_path):
    (tmp_path / "gnd_roxford5k.pkl").write_bytes(b"")  # which nobody needs beside it
    assert read_ground_truth("my-oxford", revisited(tmp_path)) == {
        "oxford_003410": Part("query", "all_souls"),
        "hertford_000015": Part("query", "hertford"),
        "all_souls_000001": Part("positive", "all_souls"),
        "oxford_000002": Part("positive", "all_souls"),
        "all_souls_000003": Part("positive", "all_souls"),
        "hertford_000004": Part("positive", "hertford"),
        "hertford_000005": Part("positive", "hertford"),
    }


@pytest.mark.parametrize("changes", [{"qimlist": ["a"]}, {"imlist": ["a"]}, {"gnd": [{"easy": 0}, {"easy": 1}]}])
def test_a_matlab_file_that_does_not_fit_is_an_error(tmp_path, changes):
    with pytest.raises(InputError, match=r"gnd_roxford5k.mat: .*; expected the lists imlist and qimlist"):
        parse_revisited(revisited(tmp_path, **changes) / "gnd_roxford5k.mat")


def test_what_is_no_matlab_file_is_an_error(tmp_path):
    (tmp_path / "gnd_rparis6k.mat").write_bytes(b"<html>not found</html>" * 20)
    with pytest.raises(InputError, match=r"gnd_rparis6k.mat: .*expected the lists"):
        parse_revisited(tmp_path / "gnd_rparis6k.mat")


@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
def test_the_revisited_pickle_says_what_the_matlab_file_does(tmp_path, protocol):
    truths = [
        {"bbx": [1, 2.5, 3, 4], "easy": np.array([0, 1]), "hard": np.array([2]), "junk": [3]},
        {"bbx": np.array([1.0, 2, 3, 4]), "easy": [3, 4], "hard": np.zeros(0), "junk": np.array([0, 1], ">i4")},
    ]
    images = ["all_souls_000001", "oxford_000002", "all_souls_000003", "hertford_000004", "hertford_000005"]
    lists = {"imlist": images, "qimlist": ("oxford_003410", "hertford_000015"), "gnd": truths}
    (tmp_path / "gnd_roxford5k.pkl").write_bytes(pickle.dumps(lists, protocol))
    from_pickle = read_ground_truth("roxford5k", tmp_path)
    (tmp_path / "gnd_roxford5k.pkl").unlink()
    assert from_pickle == read_ground_truth("roxford5k", revisited(tmp_path))


def test_a_pickle_of_anything_else_is_refused_and_not_run(tmp_path):
    lists = {"imlist": [], "qimlist": [], "gnd": Path("x")}
    (tmp_path / "gnd_roxford5k.pkl").write_bytes(pickle.dumps(lists))
    with pytest.raises(InputError, match=r"gnd_roxford5k.pkl: refused, nothing of it was run: it names pathlib.*Path"):
        read_ground_truth("roxford5k", tmp_path)


def test_of_two_matlab_files_of_other_names_none_is_chosen(tmp_path):
    for name in ("gnd_roxford5k.mat", "gnd_rparis6k.mat"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputError, match=r"'mine': which is its ground truth, .*gnd_rparis6k\.mat\? Leave only"):
        read_ground_truth("mine", tmp_path)
    write(tmp_path, a_1_good="x_1")
    assert read_ground_truth("mine", tmp_path) == {"x_1": Part("positive", "a")}


def test_damaged_matlab_files_cost_nothing_but_an_error():
    outcomes = read_mutants(40)
    assert set(outcomes) == {"read", "refused"}
    assert outcomes["refused"] > 10


@pytest.mark.parametrize(
    "text",
    [
        *(
            "[]",
            "{",
            '{"a": {"best": []}}',
            '{"a": {"good": [1]}}',
            '{"a": {"good": 1}}',
            '{"a": {"query": "abc.jpg"}}',
        ),
        *("[" * 100_000, '{"\\ud800": {"good": []}}'),
    ],
)
def test_a_malformed_json_is_an_error_that_shows_the_form(tmp_path, text):
    (tmp_path / "groundtruth.json").write_text(text)
    with pytest.raises(InputError, match=r'groundtruth.json: .*; expected {"site": {"query": \["name.jpg"\]'):
        read_ground_truth("mine", tmp_path)


def test_the_json_goes_before_the_authors_files(tmp_path):
    write(tmp_path, a_1_good="x_1")
    (tmp_path / "groundtruth.json").write_text(json.dumps({"b": {"junk": ["x_1.jpg"]}}))
    assert read_ground_truth("oxford5k", tmp_path) == {"x_1": Part("junk", "b")}


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
    assert site_of(name) == site
