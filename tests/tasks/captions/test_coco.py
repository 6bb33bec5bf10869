"""COCO's files of captions: what becomes rows, and what of a hostile one is left out or refused."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from storage.errors import InputError
from tasks.captions.coco import CocoFile, caption_tables, coco_kind, image_tables
from tasks.captions.pictures import find_pictures
from tasks.captions.settings import ParseSettings

IMAGE = {"id": 7, "width": 40, "height": 30, "coco_url": "http://images.example/7.jpg"}
CAPTION = {"image_id": 7, "id": 1, "caption": "A dog."}


def file_of(content: Any, kind: str = "captions_made", most: int = 100) -> CocoFile:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return CocoFile(kind, io.BytesIO(data), f"{kind}.json", ParseSettings(max_malformed=most))


def read(*files: CocoFile) -> list[list[dict[str, Any]]]:
    """Rows of `image_data`, and of `regions`."""
    return [[row for part in tables(files) for row in part.to_pylist()] for tables in (image_tables, caption_tables)]


def test_two_files_become_the_same_tables(annotations: Path) -> None:
    paths = [annotations / f"coco/captions_{name}2017.json" for name in ("train", "val")]
    images, captions = read(*(file_of(path.read_bytes(), path.stem) for path in paths))
    assert [(row["record"], row["image_id"]) for row in images] == list(enumerate(("1", "2", "3", "4", "5", "6", "16")))
    url = "http://images.example/train2017/000000000001.jpg"
    assert images[0] == {
        "record": 0, "image_id": "1", "width": 640, "height": 480, "url": url, "coco_id": 1, "flickr_id": None,
    }  # fmt: skip
    assert [row["record"] for row in captions] == list(range(12))
    assert captions[0] == {
        "record": 0, "item": 0, "image_id": "1", "region_id": 100, "phrase": "a running dog", "synsets": [],
        "x1": 0.0, "y1": 0.0, "x2": 640.0, "y2": 480.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("lists", "problem"),
    [
        ({"annotations": [CAPTION, {**CAPTION, "caption": None}]}, "caption is None, expected text"),
        ({"annotations": [CAPTION, {**CAPTION, "caption": "\ud83d"}]}, "expected text"),
        ({"annotations": [CAPTION, {**CAPTION, "image_id": 8}]}, "image 8 is not among the images of the file"),
        ({"annotations": [CAPTION, {**CAPTION, "image_id": True}]}, "image_id is True, expected an id"),
        ({"annotations": [CAPTION, {**CAPTION, "id": -1}]}, "id is -1, expected an id"),
        ({"annotations": [CAPTION, [1]]}, "expected an object"),
        ({"images": [IMAGE, {**IMAGE, "width": 9}]}, "image 7 has a record already"),
        ({"images": [IMAGE, {"id": 9, "width": 4}]}, "no width and height"),
        ({"images": [IMAGE, {**IMAGE, "id": 9, "height": 2**40}]}, "its size is no image's"),
        ({"images": [IMAGE, {**IMAGE, "id": 2**63}]}, "expected an id"),
        ({"images": [IMAGE, {**IMAGE, "id": 9, "coco_url": 3}]}, "coco_url is 3, expected text"),
    ],
)
def test_what_is_malformed_is_told_and_costs_no_other(lists: dict[str, Any], problem: str) -> None:
    content = {"images": [IMAGE], "annotations": [CAPTION], **lists}
    file = file_of(content)
    images, captions = read(file)
    assert ([row["image_id"] for row in images], [row["phrase"] for row in captions]) == (["7"], ["A dog."])
    [skipped] = file.skipped
    assert skipped["source"] == f"captions_made {next(iter(lists))}"
    assert (skipped["record"], skipped["item"]) == (1, -1)
    assert problem in skipped["problem"]
    data = json.dumps(content).encode()
    assert data[skipped["offset"] - 2 : skipped["offset"]] == b", "


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[]", r"captions_made\.json: byte 0: expected a JSON object with a list `images`"),
        (b"{}", "the object ends without a list `images`"),
        (b'{"images": {}}', "byte 11: expected a list as `images`"),
        (b'{"images": [], "images": []}', "a second `images`"),
        (b'{"info": {"a": [', r"it is cut short in a value"),
        (b'{"licenses": [{"a": 1}', "after record 0"),
        (b'{"images": [] "annotations": []}', "expected a comma or the end of the object"),
        (b'{"images", []}', "expected a colon after a name"),
        (b'{"images": []} {}', "expected nothing after the object"),
        (b'{"images": [1, 2, 3, 4]}', r"more than 3 malformed records .* record 0 \(byte 12\)"),
    ],
)
def test_what_is_no_such_file_is_refused_with_its_place(content: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read(file_of(content, most=3))


def test_what_stands_beside_the_lists_is_passed_over() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    lists = json.dumps({"images": [IMAGE], "annotations": [CAPTION]}).encode()
    content = b'{"type": "captions", "n": 1.5e3, "none": null, "deep": {"images": ' + deep + b"}, " + lists[1:]
    assert [len(rows) for rows in read(file_of(content))] == [1, 1]


def test_an_image_of_two_files_ends_it() -> None:
    content = {"images": [IMAGE], "annotations": []}
    with pytest.raises(InputError, match=r"captions_b\.json: image 7 is in captions_a\.json too"):
        read(file_of(content, "captions_a"), file_of(content, "captions_b"))
    lists = {"images": [{**IMAGE, "id": 8}], "annotations": [CAPTION]}
    other = file_of(lists, "captions_c")
    read(file_of(content, "captions_a"), other)
    assert "image 7 is not among the images of the file" in other.skipped[0]["problem"]


def test_files_are_known_by_their_names() -> None:
    assert coco_kind("captions_val2017.json") == "captions_val2017"
    assert coco_kind("captions_train2014.json.zip") == "captions_train2014"
    assert [coco_kind(name) for name in ("instances_val2017.json", "captions_.json", "captions_a.csv")] == [None] * 3


def test_pictures_are_found_by_ids_with_zeros_before_them(tmp_path: Path) -> None:
    for name in ("000000000139.jpg", "COCO_val2014_000000000285.jpg", "0005.jpg", "abbey-3.jpg"):
        (tmp_path / name).touch()
    found = find_pictures(tmp_path, {"139", "285", "0005", "3"})
    assert {image_id: path.name for image_id, path in found.items()} == {
        "139": "000000000139.jpg", "285": "COCO_val2014_000000000285.jpg", "0005": "0005.jpg",
    }  # fmt: skip
