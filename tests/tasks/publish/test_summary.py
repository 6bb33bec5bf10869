"""The summary of a version: hosts that failed, classes in doubt, and what it says without a test set."""

import pyarrow as pa

from storage.tables.acquisition import SOURCES
from tasks.publish.summary import describe_summary, failing_hosts
from tests.tasks.publish.conftest import make_version


def dropped(rows):
    return pa.table({"row": [row for row, _ in rows], "reason": [reason for _, reason in rows]})


def test_hosts_that_failed_most_come_first_and_what_was_had_is_no_failure():
    urls = ["http://a.org/1", "http://b.org/1", "http://b.org/2", "http://b.org/3", "ftp:[nowhere"]
    rows = [{"row": n, "image_id": str(n), "landmark_id": "x", "url": url} for n, url in enumerate(urls)]
    sources = pa.Table.from_pylist(rows, SOURCES.schema)
    found = failing_hosts(
        sources, dropped([(0, "timeout"), (1, "http-error"), (2, "http-error"), (3, "too-small"), (4, "invalid-url")])
    )
    assert [tuple(row.values()) for row in found] == [("b.org", 3, 2, "http-error"), ("a.org", 1, 1, "timeout")]


def test_the_summary_names_reasons_and_test_sets():
    version = make_version({"tower": {"kept": 3, "http-error": 2, "test-copy": 1}})
    text = describe_summary(version.manifest, version.tables, "published", None, {"report": "file:///r/index.html"})
    assert text.strip().startswith("# 3 of 6 images kept, in ")
    assert "published · [report](file:///r/index.html)" in text
    assert "| http-error | 2 |" in text
    assert "**oxford5k**, 5,062 photographs: 1 image that shows the same dropped" in text
    assert "| photos.example.org | 6 | 2 | http-error |" in text
    bare = {**version.tables, "certificate": version.tables["certificate"].slice(0, 0)}
    assert "Compared with none" in describe_summary(version.manifest, bare, "published", None, {})
