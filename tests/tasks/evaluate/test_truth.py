"""Ground truths in all their forms ask the same questions; a set of one's own is two CSV files."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from storage.errors import InputError
from tasks.evaluate.protocol import CLASSIC, HOLIDAYS, OWN, REVISITED
from tasks.evaluate.truth import Query, Truth
from tasks.evaluate.truth import read_truth as read_files


def read_truth(name: str, folder: Path) -> Truth:
    return read_files(name, sorted(folder.rglob("*")))


def named(**grades: str) -> dict[str, frozenset[str]]:
    return {grade: frozenset(names.split()) for grade, names in grades.items()}


def own(folder: Path, queries: str = "", answers: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "queries.csv").write_text(f"query,image,x1,y1,x2,y2\n{queries}")
    (folder / "answers.csv").write_text(f"query,image,grade\n{answers}")
    return folder


def test_two_csv_files_are_a_test_set(tmp_path):
    own(
        tmp_path,
        queries="tower,a/1.jpg,10,20,110.5,220\ngate,g.png,,,,\n",
        answers="tower,2.jpg,positive\ngate, 4.jpg ,positive\ntower,3.jpg,junk\n",
    )
    assert read_truth("mine", tmp_path) == Truth(
        OWN,
        (
            Query("gate", "g", None, named(query="g", positive="4", junk="")),
            Query("tower", "1", (10.0, 20.0, 110.5, 220.0), named(query="1", positive="2", junk="3")),
        ),
    )


@pytest.mark.parametrize(
    ("queries", "answers", "said"),
    [
        ("a,1.jpg,1,2\n", "", r"queries.csv, line 2: too many or too few fields; expected a first line query,image,x1"),
        ("a,1.jpg,1,2,x,4\n", "", r"queries.csv, line 2: box '1,2,x,4'; expected 0 <= x1 < x2"),
        ("a,1.jpg,5,2,3,4\n", "", r"queries.csv, line 2: box '5,2,3,4'; expected"),
        ("a,1.jpg,0,0,inf,4\n", "", r"queries.csv, line 2: box '0,0,inf,4'; expected"),
        ("a,1.jpg,,,,\na,2.jpg,,,,\n", "", r"queries.csv, line 3: query 'a' stands there twice"),
        (",1.jpg,,,,\n", "", r"queries.csv, line 2: query or image is empty"),
        ("a,1.jpg,,,,\n", "b,1.jpg,junk\n", r"answers.csv, line 2: query 'b' is none of queries.csv"),
        ("a,1.jpg,,,,\n", "a,1.jpg,good\n", r"answers.csv, line 2: grade 'good'; expected positive or junk"),
        ("a,1.jpg,,,,\n", "a,2.jpg,junk\na,2,positive\n", r"answers.csv, line 3: '2' is both positive and junk"),
        ('a,"1.jpg', "", r"queries.csv: not CSV in UTF-8: unexpected end of data"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, queries, answers, said):
    with pytest.raises(InputError, match=said):
        read_truth("mine", own(tmp_path, queries, answers))


def test_other_columns_and_a_missing_file_are_told(tmp_path):
    own(tmp_path)
    (tmp_path / "answers.csv").write_text("query,photo,grade\n")
    with pytest.raises(InputError, match=r"answers.csv, line 1: 'query,photo,grade'; expected a first line query"):
        read_truth("mine", tmp_path)
    (tmp_path / "answers.csv").unlink()
    with pytest.raises(InputError, match=r"queries.csv and answers.csv belong together, and one is missing"):
        read_truth("mine", tmp_path)


def test_the_text_files_of_oxford_give_queries_with_boxes(tmp_path):
    files = {
        "all_souls_1_query": "oxc1_all_souls_000013 136.5 34.1 648.5 955.7\n",
        "all_souls_1_good": "all_souls_000026\noxford_002904\n",
        "all_souls_1_ok": "all_souls_000051\n",
        "all_souls_1_junk": "",
    }
    for name, text in files.items():
        (tmp_path / f"{name}.txt").write_text(text)
    grades = named(query="", good="all_souls_000026 oxford_002904", ok="all_souls_000051", junk="")
    expected = Query("all_souls_1", "all_souls_000013", (136.5, 34.1, 648.5, 955.7), grades)
    assert read_truth("oxford5k", tmp_path) == Truth(CLASSIC, (expected,))
    (tmp_path / "all_souls_1_query.txt").unlink()
    with pytest.raises(InputError, match=r"all_souls_1_query\.txt is missing beside it"):
        read_truth("oxford5k", tmp_path)


def test_the_revisited_pickle_gives_grades_apart_from_its_queries(tmp_path):
    truth = {"bbx": np.array([1.0, 2, 3, 4]), "easy": np.array([0]), "hard": [1, 2], "junk": []}
    lists = {"imlist": ["a_1", "a_2", "b_1"], "qimlist": ["q_1"], "gnd": [truth]}
    (tmp_path / "gnd_roxford5k.pkl").write_bytes(pickle.dumps(lists))
    expected = Query("q_1", "q_1", (1.0, 2.0, 3.0, 4.0), named(easy="a_1", hard="a_2 b_1", junk=""))
    assert read_truth("roxford5k", tmp_path) == Truth(REVISITED, (expected,), apart=True)


def test_each_query_of_a_site_asks_for_its_answers(tmp_path):
    (tmp_path / "groundtruth.json").write_text(json.dumps({"s": {"query": ["q2.jpg", "q1.jpg"], "ok": ["a.jpg"]}}))
    grades = named(ok="a")
    expected = (Query("s_1", "q1", None, grades), Query("s_2", "q2", None, grades))
    assert read_truth("mine", tmp_path) == Truth(CLASSIC, expected)


def test_of_holidays_the_names_say_all(tmp_path):
    for name in ("100000", "100001", "100002", "100100", "100101", "100201"):
        (tmp_path / f"{name}.jpg").write_bytes(b"")
    assert read_truth("holidays", tmp_path) == Truth(
        HOLIDAYS,
        (
            Query("1000", "100000", None, named(query="100000", positive="100001 100002")),
            Query("1001", "100100", None, named(query="100100", positive="100101")),
        ),
    )


def test_no_ground_truth_is_an_error_that_tells_what_to_put_there(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"")
    with pytest.raises(InputError, match=r"test set 'mine': no ground truth in its folder; put .* queries\.csv and"):
        read_truth("mine", tmp_path)
