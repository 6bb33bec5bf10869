"""The pages that ask people about triplets, and the file that their answers go to."""

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from flows.serving.answer_sheet import COLUMNS, AnswerSheet
from flows.serving.questions import collecting_pages
from storage.errors import InputError
from tasks.evaluate.answers import read_answers
from tasks.evaluate.questions import Question, draw_questions, list_images


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    images = tmp_path / "images"
    images.mkdir()
    for number in range(4):
        Image.new("RGB", (30, 20), (60 * number, 90, 60)).save(images / f"{number}.jpg")
    (images / "broken.jpg").write_bytes(b"no picture")
    return images


def asking(folder: Path, out: Path, count: int = 5) -> TestClient:
    questions = draw_questions(list_images(folder), count, 0)
    pages = collecting_pages(folder, questions, AnswerSheet(out), ["127.0.0.1"])
    return TestClient(pages, base_url="http://127.0.0.1:4281")


def fields(page: str) -> dict[str, str]:
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))


def answers(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.open()))


def test_a_person_is_asked_every_question_once(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "answers.csv"
    client = asking(folder, out)
    assert "Your name" in client.get("/").text
    page = client.get("/", params={"person": " Ann  B. "}).text
    for number, chosen in enumerate(("left", "right", "tie", "left", "left"), 1):
        assert f"{number - 1} of 5 answered" in page
        left = re.findall(rf"/pictures/{number - 1}/([ab])\.jpg", page)[0]
        page = client.post("/answer", data={**fields(page), "answer": chosen}).text
        rows = answers(out)
        assert len(rows) == number  # on disk before the next question
        right = "b" if left == "a" else "a"
        assert (rows[-1]["answer"], rows[-1]["left"]) == ({"left": left, "right": right, "tie": "tie"}[chosen], left)
    assert "Thank you, Ann B." in page
    assert {row["person"] for row in rows} == {"Ann B."}
    assert len(read_answers(out)) == 5
    assert "0 of 5 answered" in client.get("/", params={"person": "Ben"}).text


def test_it_goes_on_where_it_was_and_counts_nothing_twice(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "answers.csv"
    first = asking(folder, out)
    page = first.get("/", params={"person": "Ann"}).text
    first.post("/answer", data={**fields(page), "answer": "left"})
    first.post("/answer", data={**fields(page), "answer": "right"})
    assert len(answers(out)) == 1
    second = asking(folder, out)
    assert "1 of 5 answered" in second.get("/", params={"person": "Ann"}).text
    other = second.get("/", params={"person": "Ben"}).text
    second.post("/answer", data={**fields(other), "answer": "tie"})
    assert "1 of 5 answered" in first.get("/", params={"person": "Ben"}).text


def test_no_other_page_can_answer_or_ask(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "answers.csv"
    client = asking(folder, out)
    form = {**fields(client.get("/", params={"person": "Ann"}).text), "answer": "left"}
    assert client.get("/", headers={"host": "evil.example"}).status_code == 400
    assert client.post("/answer", data=form, headers={"host": "evil.example"}).status_code == 400
    assert client.post("/answer", data={**form, "token": "guessed"}).status_code == 403
    assert client.post("/answer", data={name: form[name] for name in form if name != "token"}).status_code == 403
    assert client.get("/answer").status_code in (404, 405)
    assert answers(out) == []
    page = client.get("/", params={"person": "Ann"})
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"question": "5"}, 400),
        ({"question": "-1"}, 400),
        ({"question": "²"}, 400),
        ({"answer": "a"}, 400),
        ({"person": "=cmd()"}, 400),
        ({"person": "x" * 61}, 400),
        ({"person": "x" * 9000}, 413),
    ],
)
def test_an_answer_that_can_not_be_is_refused(
    folder: Path, tmp_path: Path, change: dict[str, str], status: int
) -> None:
    out = tmp_path / "answers.csv"
    client = asking(folder, out)
    form = {**fields(client.get("/", params={"person": "Ann"}).text), "answer": "left", **change}
    assert client.post("/answer", data=form).status_code == status
    assert answers(out) == []


def test_a_name_is_text_and_a_bad_one_is_told(folder: Path, tmp_path: Path) -> None:
    client = asking(folder, tmp_path / "answers.csv")
    page = client.get("/", params={"person": "<script>alert(1)</script>"}).text
    assert "<script>alert" not in page
    assert "A name begins with a letter" in page
    assert "O&#39;Brien" in client.get("/", params={"person": "O'Brien"}).text


def test_pictures_are_those_of_questions(folder: Path, tmp_path: Path) -> None:
    client = asking(folder, tmp_path / "answers.csv")
    found = [client.get(f"/pictures/{number}/{which}.jpg") for number in range(5) for which in ("query", "a", "b")]
    assert {answer.status_code for answer in found} == {200, 404}  # one is broken
    good = next(answer for answer in found if answer.status_code == 200)
    assert Image.open(io.BytesIO(good.content)).size == (30, 20)
    for path in (
        "/pictures/5/query.jpg",
        "/pictures/0/token.jpg",
        "/pictures/0/a.png",
        "/answers.csv",
        "/collect.html",
    ):
        assert client.get(path).status_code == 404
    assert client.get("/collect.js").headers["content-type"].startswith("text/javascript")


# The file


def test_another_file_is_never_written_to(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("id,url\n1,x\n")
    with pytest.raises(InputError, match=r"list\.csv: expected a file of answers, its first line query,a,b,person"):
        AnswerSheet(path)
    assert path.read_text() == "id,url\n1,x\n"
    with pytest.raises(InputError, match="give an --out that can be written"):
        AnswerSheet(tmp_path / "none/answers.csv")


def test_a_last_line_without_an_end_is_not_run_into(tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    path.write_text(",".join(COLUMNS) + '\n"q, ""1""",x,y,Ann,a,a,2026-01-01')
    sheet = AnswerSheet(path)
    question = Question('q, "1"', "x", "y")
    assert sheet.has("Ann", question)
    assert sheet.add("Ben", question, "tie", "b")
    assert not sheet.add("Ben", question, "a", "b")
    assert [(row["query"], row["person"], row["answer"]) for row in answers(path)] == [
        ('q, "1"', "Ann", "a"),
        ('q, "1"', "Ben", "tie"),
    ]


# The command


def test_the_command_tells_how_people_agree(cairn: Any, tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    path.write_text("query,a,b,person,answer\nq,x,y,Ann,a\nq,x,y,Ben,a\nr,x,y,Ann,a\nr,x,y,Ben,tie\ns,x,y,Ann,b\n")
    ended = cairn("triplets", "agree", path)
    assert ended.code == 0
    assert "3 triplets, 2 answered by several people, 1 of them alike" in ended.output
    assert re.search(r"Ben +2 +75\.0 %", ended.output)
    assert "agreement, each left out in turn: 75.0 %, ± 0.0 between people" in ended.output
    path.write_text("query,a,b,person,answer\nq,x,y,Ann,a\n")
    assert "it takes a triplet that two people answered" in cairn("triplets", "agree", path).output
    path.write_text("query,a,b,person,answer\nq,x,y,Ann,yes\n")
    ended = cairn("triplets", "agree", path)
    assert (ended.code, len(ended.errors.strip().splitlines())) == (2, 1)
    assert "answers.csv: row 1, column answer: 'yes' is no answer" in ended.errors
    ended = cairn("triplets", "collect", "--folder", tmp_path, "--out", path)
    assert (ended.code, "0 images in it; a triplet needs three" in ended.errors) == (2, True)
