import json

import pyarrow as pa

from storage.reasons import Reason
from storage.tables.acquisition import DROPS, PASSED_OVER
from tasks.publish.overview import check
from tasks.publish.passed_over import (
    count_reasons,
    sentence_of,
    tell_reasons,
    uncompared,
    with_unreadable,
    without_keypoints,
)

ROWS = [
    {"test_set": "paris", "path": "jpg", "reason": "linked-out", "detail": ""},
    {"test_set": "paris", "path": "louvre_000136.jpg", "reason": "known-corrupt", "detail": ""},
    {"test_set": "", "path": "notes.txt", "reason": "no-photograph", "detail": ""},
]
TABLE = pa.Table.from_pylist(ROWS, PASSED_OVER.schema)


def test_files_are_counted_and_told_what_may_be_missed_first():
    counts = count_reasons(TABLE)
    assert counts == {"": {"no-photograph": 1}, "paris": {"known-corrupt": 1, "linked-out": 1}}
    assert tell_reasons(counts) == [
        (True, "not compared of paris: 1 linked-out"),
        (False, "passed over: 1 no-photograph"),
        (False, "passed over of paris: 1 known-corrupt"),
    ]
    assert uncompared(TABLE) == ROWS[:1]
    assert tell_reasons({}) == []


def test_files_of_a_folder_that_could_not_be_read_count_too_and_what_shares_something_does_not():
    evidence = json.dumps({"url": "a.png", "found": "starts with b'<!'"})
    drops = [
        {"image_id": "a.png", "stage": "acquire", "reason": "not-an-image", "evidence": evidence},
        {"image_id": "b.png", "stage": "overlap", "reason": "test-copy", "evidence": "{}"},
    ]
    found = with_unreadable(TABLE, pa.Table.from_pylist(drops, DROPS.schema)).to_pylist()
    seen = {"test_set": "", "path": "a.png", "reason": "not-an-image", "detail": "starts with b'<!'"}
    assert found == [*ROWS, seen]


def test_images_that_have_no_keypoint_count_too_each_by_its_own_name():
    images = pa.table({"image_id": ["sky.jpg", "again.jpg", "tower.jpg"], "sha256": ["aa", "aa", "bb"]})
    masks = pa.table({"sha256": ["aa", "bb"], "detected": [0, 7]})
    found = without_keypoints(images, masks)
    assert [(row["test_set"], row["path"], row["reason"]) for row in uncompared(found)] == [
        ("", "sky.jpg", "no-keypoints"), ("", "again.jpg", "no-keypoints"),
    ]  # fmt: skip


def test_every_code_has_its_sentence():
    assert sentence_of("linked-out").startswith("A link that leads out")
    assert sentence_of("broken-image") == Reason.BROKEN_IMAGE.sentence


def test_a_version_of_which_test_photographs_were_not_compared_says_so_first(version_of):
    made = version_of({"Louvre": {"kept": 3}})
    assert (True, "0 files of test sets were not compared.") in check(made.tables)
    assert (False, "1 files of test sets were not compared.") in check({**made.tables, "passed_over": TABLE})
