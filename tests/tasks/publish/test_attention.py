"""Which classes are to be looked at first, and why."""

import pyarrow as pa
import pytest

from storage.tables.groups import CLASS_GROUPS, CLASS_PAIRS
from storage.tables.overlap import NAMESAKES
from tasks.publish.attention import classes_to_look_at, warnings_of
from tests.tasks.publish.conftest import make_version


def look_at(plan, **tables):
    return {doubt.landmark_id: doubt.why for doubt in classes_to_look_at({**make_version(plan).tables, **tables})}


def groups(*rows):
    own = {"images": 9, "photographs": 9, "weight": 1, "first_image": "a", "kept": True}
    named = [
        {"landmark_id": name, "group": group, "margin": lead, "pinned": pinned} for name, group, lead, pinned in rows
    ]
    return pa.Table.from_pylist([own | row for row in named], CLASS_GROUPS.schema)


def test_a_class_that_keeps_many_raises_no_doubt():
    assert look_at({"sound": {"kept": 9}}) == {}


@pytest.mark.parametrize(
    ("lead", "pinned", "why"),
    [
        (0, False, ("two groups are as large",)),
        (1, False, ("its group leads by 1",)),
        (2, False, None),
        (0, True, None),
    ],
)
def test_a_group_that_hardly_leads(lead, pinned, why):
    found = look_at({"a": {"kept": 9}}, class_groups=groups(("a", 0, lead, False), ("a", 1, lead, pinned)))
    assert found.get("a") == why


def test_a_lead_over_single_photographs_is_none():
    assert look_at({"a": {"kept": 9}}, class_groups=groups(("a", 0, 1, False))) == {}


def test_few_and_none_kept():
    found = look_at({"few": {"kept": 4}, "none": {"no-match": 6}, "small": {"no-match": 4}, "gone": {"http-error": 9}})
    assert found == {"few": ("keeps 4",), "none": ("keeps none of 6 compared",)}


def test_relations_and_names_and_those_with_most_reasons_first():
    pair = dict.fromkeys(CLASS_PAIRS.schema.names) | {"putative": 9, "inliers": 9, "false_alarms": -9.0}
    pair |= {"image_a": "x", "image_b": "y", "affine": [], "points": []}
    ends = [("a", "b"), ("a", "b"), ("a", "c")]
    pairs = pa.Table.from_pylist([pair | {"landmark_a": a, "landmark_b": b} for a, b in ends], CLASS_PAIRS.schema)
    named = {"landmark_id": "b", "spelling": "big ben", "test_set": "oxford5k", "site": "ben", "images": 3}
    names = pa.Table.from_pylist([named | {"images_found": 0}], NAMESAKES.schema)
    plan = {name: {"kept": 9} for name in "abc"}
    found = look_at(plan, class_pairs=pairs, namesakes=names)
    assert list(found) == ["b", "a", "c"]
    assert found["b"] == ("shows what another class shows", "named like big ben of oxford5k")
    assert found["a"] == ("shows what 2 other classes show",)


def test_images_that_rest_on_single_pairs():
    boxes = make_version({"a": {"kept": 9}}).tables["boxes"]
    single = boxes.set_column(boxes.schema.get_field_index("supports"), "supports", pa.array([1] * 9, pa.int32()))
    assert look_at({"a": {"kept": 9}}, boxes=single) == {"a": ("most images match one other alone",)}


def test_what_is_to_be_known_before_a_version_is_used():
    assert warnings_of(make_version({"a": {"kept": 1}}).manifest) == []
    (told,) = warnings_of(make_version({"a": {"kept": 1}}, test_sets={}).manifest)
    assert told.startswith("no test set was given")
