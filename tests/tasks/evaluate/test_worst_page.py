"""The page of the worst queries shows them, the worst first, and says of each result whether it is an answer."""

import io
import re

import numpy as np
from PIL import Image

from tasks.evaluate.page import Ranked, render_worst
from tasks.evaluate.protocol import CLASSIC
from tasks.evaluate.results import grade, score_all
from tasks.evaluate.truth import Query, Truth
from tasks.index.page import Picture

NAMES = ["a", "b", "c", "d"]
PICTURES = [Picture(name, 100, 80) for name in NAMES]


def photograph(picture: Picture) -> bytes:
    sink = io.BytesIO()
    Image.new("RGB", (picture.width, picture.height), "teal").save(sink, "JPEG")
    return sink.getvalue()


def named(**grades: str) -> dict[str, frozenset[str]]:
    return {grade: frozenset(names.split()) for grade, names in grades.items()}


TRUTH = Truth(
    CLASSIC,
    (
        Query("easy one", "a", None, named(good="a")),
        Query("<b>hard</b>", "b", (10.0, 10.0, 50.0, 60.0), named(good="d", junk="c")),
        Query("hopeless", "c", None, named(junk="a")),
    ),
)
RANKINGS = [np.array([0, 1, 2, 3]), np.array([2, 0, 3, 1]), np.array([0, 1, 2, 3])]


def render(most: int) -> dict[str, bytes]:
    scores, (grades, _) = score_all(TRUTH, RANKINGS, NAMES)["classic"], grade(TRUTH, NAMES)
    ranked = Ranked(PICTURES, PICTURES[:3], RANKINGS)
    made = render_worst("oxford5k, classic", TRUTH, CLASSIC["classic"], scores, grades, ranked, most, photograph)
    return {"index.html": made.html, **{f"pictures/{name}": jpeg for name, jpeg in made.pictures.items()}}


def test_the_worst_query_comes_first_and_one_without_answers_not_at_all():
    text = render(5)["index.html"].decode()
    found = re.findall(r"<h2><bdi>(.*?)</bdi> <b>(.*?)</b></h2>", text)
    assert found == [
        ("&lt;b&gt;hard&lt;/b&gt;", "0.250; 1 answer, the first at rank 2"),  # junk does not count
        ("easy one", "1.000; 1 answer, the first at rank 1"),
    ]


def test_each_result_is_judged_and_the_query_has_its_box():
    files = render(1)
    text = files["index.html"].decode()
    assert re.findall(r"<b>(\d)</b> ([a-z ]+)</figcaption>", text) == [
        ("1", "left out"), ("2", "wrong"), ("3", "answer"), ("4", "wrong"),
    ]  # fmt: skip
    assert '<rect class="located" x="10.0" y="10.0" width="40.0" height="50.0"' in text
    assert {name for name in files if name.startswith("pictures/")} == {f"pictures/{name}.jpg" for name in NAMES}
