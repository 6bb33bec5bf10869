"""Scripts that find an image by its id or address, and those that show the strongest pair of one."""

import json

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from storage.tables.acquisition import IMAGES
from storage.tables.groups import PAIRS
from tasks.publish.best_pairs import BestPairs
from tasks.publish.lookup import lookup_files
from tests.rows import image_row, pair_row

keys = st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=5), min_size=1, max_size=30)


def read_keys(files, kind):
    """Every entry of a kind in the order of the scripts, with its page, and the first key of each script."""
    firsts = json.loads(files["lookup/index.js"].decode().removeprefix("const LOOKUP = ").rstrip(";\n"))[kind]
    entries = []
    for number in range(len(firsts)):
        call = files[f"lookup/{kind}-{number}.js"].decode()
        name, pages, own = json.loads("[" + call.removeprefix("lookupKeys(").removesuffix(");\n") + "]")
        assert name == f"{kind}-{number}"
        assert own[0][0] == firsts[number]
        entries += [(key, pages[index], *rest) for key, index, *rest in own]
    return entries


@given(keys)
def test_every_row_is_found_by_id_and_by_address_in_the_order_of_code_points(ids):
    rows = pa.table(
        {
            "image_id": ids,
            "url": [f"https://h.org/{key}" for key in ids],
            "row": list(range(len(ids))),
            "reason": ["kept"] * len(ids),
        }
    )
    files = dict(lookup_files(rows, ["a.html", "b.html"], np.arange(len(ids)) % 2))
    expected = [(key, "ab"[row % 2] + ".html", row, "kept") for row, key in enumerate(ids)]
    assert read_keys(files, "ids") == sorted(expected, key=lambda entry: (entry[0].encode(), entry[2]))
    assert sorted(read_keys(files, "urls")) == sorted((f"https://h.org/{key}", *rest, key) for key, *rest in expected)


def test_two_hundred_thousand_rows_are_many_small_scripts():
    numbers = np.arange(200_000)
    rows = pa.table(
        {
            "image_id": [f"{number:016x}" for number in numbers],
            "url": [f"https://photos.example.org/{number}.jpg" for number in numbers],
            "row": numbers,
            "reason": ["kept"] * len(numbers),
        }
    )
    files = dict(lookup_files(rows, [f"classes/{page}.html" for page in range(2000)], numbers // 100))
    assert len(files) == 201
    assert max(map(len, files.values())) < 300_000


def test_the_strongest_pair_of_kept_images_is_shown_from_either_side():
    images = pa.Table.from_pylist([image_row(name, "a") for name in ("a1", "a2", "a3", "a4")], IMAGES.schema)
    points = [10.2, 20.0, 30.0, 40.7]
    found = [("a1", "a2", 9), ("a1", "a3", 30), ("a2", "a4", 99)]
    pairs = [pair_row("a", a, b, inliers=count, points=points) for a, b, count in found]
    best = BestPairs(pa.Table.from_pylist(pairs, PAIRS.schema), images, pa.array(["a1", "a2", "a3"]))
    told = json.loads(best.script(["a1", "a2", "a3", "a4"]).decode().removeprefix("bestPairs(").rstrip(");\n"))
    assert {name: (pair["id"], pair["inliers"]) for name, pair in told.items()} == {
        "a1": ("a3", 30),
        "a2": ("a1", 9),
        "a3": ("a1", 30),
    }
    assert (told["a1"]["points"], told["a3"]["points"]) == ([[10, 20, 30, 41]], [[30, 41, 10, 20]])
    assert told["a1"]["own"][1:] == [640, 480]


def test_an_image_without_a_pair_is_shown_alone():
    images = pa.Table.from_pylist([image_row("a1", "a")], IMAGES.schema)
    best = BestPairs(PAIRS.schema.empty_table(), images, pa.array(["a1"]))
    assert b'"other"' not in best.script(["a1"])
    assert b'"own"' in best.script(["a1"])
