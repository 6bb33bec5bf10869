import json

import pandas as pd
import pytest

from tasks.overlap.certificate import CheckedSet, certify

CHECKED = CheckedSet(photographs=7, sites=1, ground_truth=True, absent=0, ignored=0, not_compared=2, signature="ab")
COLUMNS = ["test_set", "images", "possible", "compared", "verified", "audited", "audit_found"]


def table(*rows: tuple[object, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=COLUMNS)


def mates(*rows: tuple[str, int, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["test_set", "mates_compared", "mates_verified"])


def found(*rows: tuple[str, str, str, str | None]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["test_set", "image_id", "landmark_id", "through"])


def drops(*rows: tuple[str, str, dict[str, str]]) -> pd.DataFrame:
    texts = [(landmark, reason, json.dumps(evidence)) for landmark, reason, evidence in rows]
    return pd.DataFrame(texts, columns=["landmark_id", "reason", "evidence"])


def test_packets_are_summed_and_the_missed_estimated():
    packets = table(("paris", 10, 1000, 200, 3, 40, 1), ("oxford", 10, 500, 100, 0, 20, 0),
                    ("paris", 20, 2000, 400, 1, 60, 1), ("oxford", 20, 1000, 200, 0, 40, 0))  # fmt: skip
    overlaps = found(("paris", "a", "x", None), ("paris", "a", "x", None), ("paris", "b", "y", None),
                     ("paris", "c", "x", "a"), ("paris", "c", "x", "a"))  # fmt: skip
    expansions = mates(("paris", 5, 1), ("paris", 7, 1))
    checked = dict.fromkeys(("paris", "oxford"), CHECKED)
    oxford, paris = certify(packets, expansions, overlaps, drops(), checked)
    assert [oxford["test_set"], paris["test_set"]] == ["oxford", "paris"]
    assert {name: paris[name] for name in COLUMNS[1:]} == {
        "images": 30, "possible": 3000, "compared": 600, "verified": 4, "audited": 100, "audit_found": 2,
    }  # fmt: skip
    names = ("images_found", "images_through", "classes_found", "mates_compared", "mates_verified")
    assert [[row[name] for name in names] for row in (oxford, paris)] == [[0, 0, 0, 0, 0], [3, 1, 2, 12, 2]]
    assert paris["missed"] == pytest.approx(2 / 100 * 2400)
    assert 0 < paris["missed_low"] < paris["missed"] < paris["missed_high"] < 2400
    assert (oxford["missed"], oxford["missed_low"]) == (0, 0)
    assert oxford["missed_high"] > 0


def test_what_was_dropped_is_told_by_the_test_set_that_it_was_dropped_for():
    whole = {"class_test_set": "paris", "class_site": "eiffel"}
    dropped = drops(
        ("tower", "test-landmark-class", whole),
        ("tower", "test-landmark-class", {**whole, "test_set": "oxford", "kind": "copy"}),  # the class outweighs
        ("tower 2", "test-landmark-class", whole),
        ("college", "test-copy", {"test_set": "oxford"}),
        ("college", "test-landmark", {"test_set": "oxford"}),
        ("college", "test-landmark", {"test_set": "paris"}),
        ("college", "not-an-image", {"status": 200}),
    )
    checked = dict.fromkeys(("oxford", "paris"), CHECKED)
    names = ("copies_dropped", "landmarks_dropped", "classes_dropped", "class_images_dropped")
    told = [tuple(row[name] for name in names) for row in certify(table(), mates(), found(), dropped, checked)]
    assert told == [(1, 1, 0, 0), (0, 1, 2, 3)]


def test_a_test_set_that_nothing_was_compared_with_has_a_row_all_the_same():
    (row,) = certify(table(), mates(), found(), drops(), {"paris": CHECKED})
    assert row["ground_truth"] is True
    assert (row["photographs"], row["images"], row["compared"], row["missed"]) == (7, 0, 0, 0)
