import json

import pytest

from storage.compare import compare_versions

BOX = (1.0, 2.0, 30.0, 40.0)


@pytest.fixture
def compare(local_root, tables_of, publish):
    """Publishes two versions, each of reasons and boxes, and compares them."""

    def run(before, after, boxes_before=None, boxes_after=None):
        versions = [
            publish(local_root, tables_of(reasons, boxes))
            for reasons, boxes in ((before, boxes_before), (after, boxes_after))
        ]
        return compare_versions(local_root, *versions)

    return run


def changes(found) -> list[tuple[str, str, str, str]]:
    assert list(found.columns) == ["image_id", "landmark_id", "change", "before", "after", "evidence", "sha256"]
    return [(row.image_id, row.change, row.before, row.after) for row in found.itertuples()]


def test_a_version_does_not_differ_from_itself(compare):
    assert changes(compare({"a": "kept", "b": "timeout"}, {"a": "kept", "b": "timeout"}, {"a": BOX}, {"a": BOX})) == []


def test_images_come_and_go_and_change_their_verdict(compare):
    found = compare(
        {"a": "kept", "b": "timeout", "c": "no-match", "d": "kept"},
        {"b": "kept", "c": "smaller-group", "d": "kept", "e": "timeout"},
    )
    assert changes(found) == [
        ("a", "removed", "kept", "–"),
        ("b", "verdict", "timeout", "kept"),
        ("c", "verdict", "no-match", "smaller-group"),
        ("e", "added", "–", "timeout"),
    ]


def test_the_evidence_is_the_later_ones_where_there_is_one(compare):
    found = compare({"x": "timeout", "gone": "timeout", "b": "timeout"}, {"b": "kept"})
    evidence = dict(zip(found.image_id, map(json.loads, found.evidence), strict=True))
    assert evidence == {"x": {"row": 0}, "gone": {"row": 1}, "b": {"row": 0}}


def test_moved_boxes_of_images_kept_in_both(compare):
    moved = (1.0, 2.0, 30.0, 44.5)
    found = compare(
        {"a": "kept", "b": "kept", "c": "kept"},
        {"a": "kept", "b": "kept", "d": "kept"},
        {"a": BOX, "b": BOX, "c": BOX},
        {"a": moved, "b": BOX, "d": BOX},
    )
    assert changes(found) == [
        ("a", "box", "1.0 2.0 30.0 40.0", "1.0 2.0 30.0 44.5"),
        ("c", "removed", "kept", "–"),
        ("d", "added", "–", "kept"),
    ]
    assert json.loads(found.evidence[0]) == {"supports": 2}


def test_repeated_rows_have_no_say(compare):
    found = compare(
        {"a": "kept", "a#2": "duplicate-row"},
        {"a": "kept", "a#2": "duplicate-row", "a#3": "duplicate-row", "b": "kept"},
    )
    assert changes(found) == [("b", "added", "–", "kept")]


def test_another_position_in_the_list_is_no_change(compare):
    assert changes(compare({"a": "kept", "b": "timeout"}, {"b": "timeout", "a": "kept"})) == []


def test_there_and_back_are_mirror_images(compare):
    first, second = {"a": "kept", "b": "timeout"}, {"b": "kept", "c": "kept"}
    there, back = compare(first, second), compare(second, first)
    assert list(there.before) == list(back.after)
    assert list(there.after) == list(back.before)
