import io
import json
import re
from itertools import pairwise

import pytest

from storage.errors import InputError
from storage.tables.annotations import ATTRIBUTES, IMAGE_DATA, OBJECTS, REGIONS, RELATIONSHIPS
from tasks.captions.formats import FORMATS, kind_of, spec_of
from tasks.captions.genome import GenomeFile
from tasks.captions.settings import ParseSettings

REGION = {"region_id": 7, "image_id": 1, "phrase": "a dog", "x": 1, "y": 2, "width": 3, "height": 4}
OBJECT = {"object_id": 7, "names": ["dog"], "synsets": [], "x": 1, "y": 2, "w": 3, "h": 4}


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind != "region_graphs"])
def test_both_formats_give_the_same_rows(annotations, read_genome, kind):
    old, new = (read_genome(kind, (annotations / f"{v}/{kind}.json").read_bytes()) for v in ("v1.0.0", "v1.2.0"))
    assert (old.records, new.records) == (7, 7)
    assert old.skipped == new.skipped == []
    only_new = {"attributes"} if kind == "attributes" else set()  # v1.2.0 leaves out empty lists
    for before, after in zip(old.rows, new.rows, strict=True):
        assert {n: v for n, v in before.items() if n not in {"synsets", *only_new}} == {
            n: v for n, v in after.items() if n not in {"synsets", *only_new}
        }


def test_a_region(annotations, read_genome):
    rows = read_genome("region_descriptions", (annotations / "v1.2.0/region_descriptions.json").read_bytes()).rows
    assert rows[1] == {
        "record": 0, "item": 1, "image_id": "1", "region_id": 101, "phrase": "zebra on a road", "synsets": [],
        "x1": 10.0, "y1": 5.0, "x2": 50.0, "y2": 35.0,
    }  # fmt: skip


def test_region_graphs_have_the_same_phrases_and_synsets(annotations, read_genome):
    graphs, plain = (
        read_genome(kind, (annotations / f"v1.2.0/{kind}.json").read_bytes()).rows
        for kind in ("region_graphs", "region_descriptions")
    )
    assert [{**row, "synsets": []} for row in graphs] == plain
    assert [row["synsets"] for row in graphs[:2]] == [["dog.n.01"], []]


def test_objects_attributes_relationships_and_images(annotations, read_genome):
    def rows(kind):
        return read_genome(kind, (annotations / f"v1.2.0/{kind}.json").read_bytes()).rows

    assert rows("objects")[2]["names"] == ["dog"]
    assert rows("objects")[2]["synsets"] == ["dog.n.01"]
    assert rows("attributes")[0]["attributes"] == ["small"]
    assert rows("attributes")[1]["attributes"] == []
    near = rows("relationships")[0]
    assert (near["predicate"], near["synsets"]) == ("near", ["near.r.01"])
    assert (near["subject_names"], near["object_names"]) == (["dog"], ["zebra"])
    assert rows("image_data")[0]["coco_id"] == 501
    assert rows("image_data")[1]["coco_id"] is None


def test_each_kind_has_its_table():
    assert [spec_of(kind) for kind in FORMATS] == [IMAGE_DATA, REGIONS, REGIONS, OBJECTS, ATTRIBUTES, RELATIONSHIPS]
    assert kind_of("objects_v1_2.json.zip") == "objects"
    assert kind_of("region_graphs.json") == "region_graphs"
    with pytest.raises(InputError, match=r"scene_graphs\.json: can't tell what it holds; .* region_descriptions"):
        kind_of("scene_graphs.json")


# What is malformed


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"phrase": None}, "phrase is None, expected text"),
        ({"phrase": 3}, "phrase is 3, expected text"),
        ({"phrase": ["a"]}, "phrase is \\['a'\\], expected text"),
        ({"phrase": "\ud83d"}, "phrase is '\\\\ud83d', expected text"),
        ({"region_id": "7"}, "region_id is '7', expected an id"),
        ({"region_id": -1}, "region_id is -1"),
        ({"region_id": True}, "region_id is True"),
        ({"region_id": 2**63}, "region_id is 9223372036854775808"),
        ({"x": "1"}, "box \\['1', 2, 3, 4\\], expected x, y, width and height"),
        ({"height": None}, "expected x, y, width and height"),
        ({"width": 10**400}, "expected x, y, width and height"),
        ({"image_id": 2}, "says that it is of image 2, its record of 1"),
        ({"synsets": ["dog.n.01"]}, "synsets is .*, expected a list of objects"),
    ],
)
def test_a_malformed_region_is_told_and_costs_no_other(read_genome, change, problem):
    genome = read_genome("region_descriptions", [{"id": 1, "regions": [REGION, {**REGION, **change}, REGION]}])
    assert [row["item"] for row in genome.rows] == [0, 2]
    [skipped] = genome.skipped
    assert (skipped["source"], skipped["record"], skipped["item"], skipped["offset"]) == (
        *("region_descriptions", 0, 1),
        1,
    )
    assert re.search(problem, skipped["problem"])


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        ({"regions": [REGION]}, "no image_id"),
        ({"image_id": 1, "id": 2, "regions": [REGION]}, "image_id and id differ"),
        ({"id": "one", "regions": [REGION]}, "id is 'one', expected an id"),
        ({"id": 1.0, "regions": [REGION]}, "id is 1.0"),
        ({"id": 1}, "regions is None, expected a list"),
        ({"id": 1, "regions": {"a": 1}}, "regions is .*, expected a list"),
        ({"id": 9, "regions": []}, "image 9 has a record already, 0"),
        ([REGION], "expected an object"),
    ],
)
def test_a_malformed_record_is_left_out_whole(read_genome, record, problem):
    first = {"id": 9, "regions": [{**REGION, "image_id": 9}]}
    genome = read_genome("region_descriptions", [first, record, {"id": 3, "regions": []}])
    assert [row["image_id"] for row in genome.rows] == ["9"]
    assert genome.records == 2
    [skipped] = genome.skipped
    assert (skipped["record"], skipped["item"]) == (1, -1)
    assert re.search(problem, skipped["problem"])


@pytest.mark.parametrize(
    ("kind", "entry", "problem"),
    [
        ("objects", {**OBJECT, "names": []}, "no name"),
        ("objects", {**OBJECT, "names": [1]}, "expected a list of texts"),
        ("objects", {**OBJECT, "synsets": "dog.n.01"}, "synsets is 'dog.n.01'"),
        ("objects", 3, "expected an object, found 3"),
        ("attributes", {**OBJECT, "attributes": [None]}, "attributes is"),
        ("relationships", {"relationship_id": 1, "predicate": "on", "subject": OBJECT}, "object is None"),
        ("relationships", {"relationship_id": 1, "subject": OBJECT, "object": OBJECT}, "predicate is None"),
    ],
)
def test_malformed_parts_of_other_kinds(read_genome, kind, entry, problem):
    genome = read_genome(kind, [{"image_id": 1, kind: [entry]}])
    assert genome.rows == []
    assert problem in genome.skipped[0]["problem"]


def test_image_data_with_a_size_that_is_none(read_genome):
    genome = read_genome("image_data", [{"image_id": 1, "width": 2**40, "height": 2}, {"image_id": 2}])
    assert [row["width"] for row in genome.rows] == [None]
    assert genome.skipped[0]["problem"] == "its size is no image's"


def test_more_than_the_limit_ends_it_and_names_the_first(read_genome):
    records = [{"id": 1, "regions": [{**REGION, "phrase": None}] * 5}]
    assert len(read_genome("region_descriptions", records, max_malformed=5).skipped) == 5
    said = r"region_descriptions\.json: more than 4 malformed records \(\[parse\] max_malformed\): "
    with pytest.raises(InputError, match=said + r"record 0, part 0 \(byte 1\): phrase is None"):
        read_genome("region_descriptions", records, max_malformed=4)


def test_a_file_that_is_cut_short_is_an_error_whatever_the_limit(read_genome):
    with pytest.raises(InputError, match=r"objects\.json: byte 1: it is cut short in record 0"):
        read_genome("objects", b'[{"image_id": 1, "objects": [', max_malformed=1000)


def test_parts_end_with_a_record(annotations):
    record = [{"id": n, "regions": [{**REGION, "image_id": n}] * 700} for n in range(200)]
    content = io.BytesIO(json.dumps(record).encode())
    parts = list(GenomeFile("region_descriptions", content, "x", ParseSettings()).tables())
    assert len(parts) > 1
    assert sum(part.num_rows for part in parts) == 140_000
    ends = [(part["record"][0].as_py(), part["record"][-1].as_py()) for part in parts]
    assert all(before[1] < after[0] for before, after in pairwise(ends))


# Real annotations


@pytest.mark.parametrize(
    ("file", "records", "rows", "skipped"),
    [
        ("official_v1.0.0/region_descriptions.json", 5, 1288, 0),
        ("official_v1.2.0/region_descriptions.json", 5, 1278, 0),
        ("official_v1.0.0/objects.json", 5, 224, 0),
        ("official_v1.2.0/objects.json", 5, 177, 0),
        ("official_v1.0.0/attributes.json", 5, 237, 0),
        ("official_v1.2.0/attributes.json", 5, 177, 0),
        ("official_v1.0.0/relationships.json", 5, 156, 0),
        ("official_v1.2.0/relationships.json", 5, 158, 0),
        ("official_v1.2.0/image_data.json", 5, 5, 0),
        ("slice_15/region_graphs.json", 15, 3028, 0),
        ("slice_15/objects.json", 15, 460, 0),
        ("slice_15/relationships.json", 49, 1606, 1),  # the fiftieth record has lost its id
    ],
)
def test_real_files_are_read_whole(shared_data, read_genome, file, records, rows, skipped):
    path = shared_data / "visual_genome" / file
    genome = read_genome(kind_of(path.name), path.read_bytes())
    assert (genome.records, len(genome.rows), len(genome.skipped)) == (records, rows, skipped)
