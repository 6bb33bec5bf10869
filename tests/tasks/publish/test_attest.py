from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from storage.manifest import Certificate
from storage.tables.spec import TableRef
from storage.tables.versions import CERTIFICATE_TABLES
from tasks.publish.attest import certificate_page, found_images, render_certificate
from tasks.publish.passed_over import count_reasons
from tests.rows import drop_row, image_row, overlap_row

HOSTILE = '<script>alert("x")</script>'


def pair(name: str, test_image: str = "t.jpg", landmark: str = "tower", **changes: Any) -> dict[str, Any]:
    found = {"inliers": 12, "false_alarms": -12.3, "affine": [1.0, 0, 5, 0, 1, -3.25], "points": [1.0, 2, 3, 4]}
    return overlap_row(name, landmark, test_image=test_image, putative=40, **{**found, **changes})


def tables(**rows: list[dict[str, Any]]) -> dict[str, pa.Table]:
    return {spec.name: pa.Table.from_pylist(rows.get(spec.name, []), spec.schema) for spec in CERTIFICATE_TABLES}


@pytest.fixture
def made() -> Certificate:
    refs = {spec.name: TableRef(path=f"{spec.name}.parquet", digest="ab" * 32, rows=0) for spec in CERTIFICATE_TABLES}
    return Certificate(
        subject="folder snaps", name="snaps", test_sets={"paris": 3}, settings={"match": {"ratio": 0.8}},
        software={"python": "3.11"}, passed_over={}, crashed_pictures=0, digest="cd" * 32, tables=refs,
        created_at=datetime(2026, 3, 4, tzinfo=UTC),
    )  # fmt: skip


def pages(made: Certificate, content: dict[str, pa.Table]) -> dict[str, str]:
    return {path: page.decode() for path, page in render_certificate(made, content)}


def test_images_come_by_class_and_strength_with_their_pairs_and_the_reason():
    found = found_images(
        tables(
            images=[image_row("a"), image_row("b"), image_row("c", "abbey")],
            overlaps=[pair("a", inliers=9), pair("b", "u.jpg", inliers=30), pair("b", inliers=99),
                      pair("c", landmark="abbey"), pair("b", "v.jpg", kind="copy", inliers=20)],
            drops=[drop_row("b")],
        )
    )  # fmt: skip
    assert [(one["image_id"], one["sha256"], one["reason"]) for one in found] == [
        ("c", "sha-c", None), ("b", "sha-b", "test-copy"), ("a", "sha-a", None),
    ]  # fmt: skip
    # A copy comes first, as in the drawing and the verdict.
    assert [row["test_image"] for row in found[1]["pairs"]] == ["v.jpg", "t.jpg", "u.jpg"]


def test_a_page_says_all_of_a_pair(made):
    content = tables(images=[image_row("a")], overlaps=[pair("a", mirrored=True), pair("a", "u.jpg", inliers=5)])
    page = pages(made, content)["index.html"]
    for words in ("pictures/overlap-sha-a.jpg", "paris: t.jpg", "eiffel, query", "landmark, mirrored", "12 of 40",
                  "10^-12.3", "1 0 5; 0 1 -3.25", "paris: u.jpg", "1 of 1 images", "1 more pair<"):  # fmt: skip
        assert words in page


def test_what_was_found_through_another_image_says_so(made):
    named = pair("near", through="met"), pair("near", "u.jpg", through="met too", inliers=5)
    content = tables(images=[image_row("near"), image_row("met")], overlaps=[pair("met"), *named])
    page = pages(made, content)["index.html"]
    for words in ("2 of 2 images share something", "1 of them through another image", "met, of its class",
                  "landmark through <bdi>met too</bdi>", "keypoints of the image and another of its class",
                  "keypoints of the image and the test photograph"):  # fmt: skip
        assert page.count(words) == 1


def test_nothing_shared(made):
    page = pages(made, tables(images=[image_row("a")]))["index.html"]
    assert "✓ nothing shared" in page
    assert "0 of 1 images" in page
    assert "not compared" not in page


def test_what_was_not_compared_is_no_clean_certificate_and_is_named_with_its_reason(made):
    rows = [("paris", "arc", "linked-out"), ("paris", "eiffel_9", "absent"), ("", "b.png", "not-an-image"),
            ("", "notes.txt", "no-photograph")]  # fmt: skip
    told = [{"test_set": test_set, "path": path, "reason": reason, "detail": ""} for test_set, path, reason in rows]
    content = tables(images=[image_row("a")], passed_over=told)
    page = pages(made.model_copy(update={"passed_over": count_reasons(content["passed_over"])}), content)["index.html"]
    assert "✓" not in page
    for words in ("✗ nothing found", "not compared of paris: 1 absent, 1 linked-out", "not compared: 1 not-an-image",
                  "passed over: 1 no-photograph", ">arc<", ">eiffel_9<", ">b.png<", "leads out of the given folder",
                  "Files that were not compared <b>3</b>"):  # fmt: skip
        assert words in page
    assert "notes.txt" not in page


def test_a_picture_that_killed_its_detector_is_no_clean_certificate(made):
    update = {"crashed_pictures": 1, "passed_over": {"": {"no-keypoints": 1}}}
    page = pages(made.model_copy(update=update), tables(images=[image_row("a")]))["index.html"]
    assert "✗ nothing found" in page
    assert "1 pictures killed their detector" in page


def test_a_file_that_only_is_no_photograph_leaves_a_certificate_clean(made):
    harmless = {"": {"no-photograph": 4}, "paris": {"known-corrupt": 20, "linked-loop": 1}}
    assert made.model_copy(update={"passed_over": harmless}).uncompared == 0
    assert made.model_copy(update={"passed_over": {**harmless, "oxford": {"absent": 2}}}).uncompared == 2


def test_what_others_named_is_text(made):
    drop = {"image_id": HOSTILE, "stage": "acquire", "reason": "not-an-image", "evidence": "{}"}
    named = {"landmark_id": HOSTILE, "test_set": HOSTILE, "site": HOSTILE, "spelling": HOSTILE}
    content = tables(
        images=[image_row(HOSTILE, HOSTILE)],
        overlaps=[pair(HOSTILE, HOSTILE, HOSTILE, site=HOSTILE, test_set=HOSTILE, through=HOSTILE)],
        passed_over=[{"test_set": HOSTILE, "path": HOSTILE, "reason": "absent", "detail": HOSTILE}],
        drops=[drop],
        namesakes=[{**named, "images": 3, "images_found": 0}],
    )
    made = made.model_copy(update={"passed_over": count_reasons(content["passed_over"])})
    page = pages(made, content)["index.html"]
    assert "&lt;script&gt;" in page
    assert "<script" not in page


def test_many_images_are_spread_over_pages(made):
    names = [f"{number:03}" for number in range(130)]
    content = tables(images=[image_row(name) for name in names], overlaps=[pair(name) for name in names])
    written = pages(made, content)
    assert [certificate_page(number) for number in range(3)] == ["index.html", "index-p2.html", "index-p3.html"]
    shown = [sum(f"overlap-sha-{name}.jpg" in written[certificate_page(n)] for name in names) for n in range(3)]
    assert shown == [60, 60, 10]
    assert "Test sets" in written["index.html"]
    assert 'href="index-p3.html"' in written["index-p2.html"]
