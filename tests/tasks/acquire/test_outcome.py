"""What came of an address, as rows for those who name it."""

import json

import pytest

from storage.reasons import Reason
from tasks.acquire.fetch import Fetched
from tasks.acquire.inspect import Picture, Rejected
from tasks.acquire.outcome import inspect_anew, settle, settle_again
from tasks.acquire.resume import PriorOutcome, SourceRow

HEADERS = (("content-type", "image/jpeg"), ("etag", '"2"'), ("retry-after", "5"))
SOURCE = SourceRow("i", "u", "c", None)


def picture(sha256: str = "a") -> Picture:
    facts = {"width": 9, "height": 8, "format": "JPEG", "mode": "RGB", "orientation": 1, "frames": 1}
    return Picture(
        sha256=sha256, md5="m", bytes=7, pixel_hash="x", phash="y", licence=None, author="A. Nobody", **facts
    )


def known(sha256: str = "a") -> PriorOutcome:
    fetched = Fetched(None, b"1234567", status=200, final_url="v", headers=(("etag", '"1"'), ("last-modified", "then")))
    outcome = settle("u", fetched, picture(sha256), "p")
    return PriorOutcome(outcome.log, outcome.image, None)


def test_a_picture_has_its_facts_and_where_it_came_from():
    outcome = settle("u", Fetched(None, b"1234567", status=200, final_url="v", headers=HEADERS), picture(), "p")
    image, log = outcome.image_row(SOURCE), outcome.log_row(SOURCE)
    assert image is not None
    assert (image["image_id"], image["landmark_id"], image["path"], image["final_url"]) == ("i", "c", "p", "v")
    assert (image["author"], image["md5_matches"]) == ("A. Nobody", None)
    assert (log["outcome"], log["etag"], log["retry_after"], log["bytes"], log["detail"]) == (
        "fetched",
        '"2"',
        "5",
        7,
        None,
    )
    assert outcome.drop_row(SOURCE) is None


@pytest.mark.parametrize(("md5", "outcome", "matches"), [("m", "fetched", True), ("n", "md5-mismatch", False)])
def test_a_promised_checksum_is_compared_row_by_row(md5, outcome, matches):
    found, source = settle("u", Fetched(None, b"1234567"), picture(), "p"), SOURCE._replace(md5=md5)
    image = found.image_row(source)
    assert image is not None
    assert (found.log_row(source)["outcome"], image["md5_matches"]) == (outcome, matches)


@pytest.mark.parametrize(
    ("fetched", "found", "reason", "evidence"),
    [
        (Fetched(Reason.HTTP_ERROR, status=404, final_url="v"), None, "http-error",
         {"url": "u", "status": 404, "final_url": "v"}),
        (Fetched(Reason.TIMEOUT, detail="late"), None, "timeout", {"url": "u", "found": "late"}),
        (Fetched(None, b"x", status=200), Rejected(Reason.TOO_SMALL, "1×1 pixels"), "too-small",
         {"url": "u", "status": 200, "found": "1×1 pixels"}),
    ],
)  # fmt: skip
def test_a_failure_has_its_reason_and_evidence(fetched, found, reason, evidence):
    outcome = settle("u", fetched, found, None)
    drop = outcome.drop_row(SOURCE)
    assert drop is not None
    assert (drop["reason"], json.loads(drop["evidence"]), outcome.log["outcome"]) == (reason, evidence, reason)
    assert outcome.image_row(SOURCE) is None


@pytest.mark.parametrize(
    ("declared", "detail"),
    [("image/jpeg", None), ("image/jpg; x=y", None), ("", None), ("image/pjpeg", "declared image/pjpeg, is JPEG"),
     ("text/html", "declared text/html, is JPEG")],
)  # fmt: skip
def test_a_declared_type_is_compared_with_what_it_is(declared, detail):
    fetched = Fetched(None, b"x", headers=(("content-type", declared),))
    assert settle("u", fetched, picture(), "p").log["detail"] == detail


def test_what_has_not_changed_stays_with_the_validators_it_had():
    fetched = Fetched(None, status=304)
    outcome = settle_again(known(), fetched, settle("u", fetched, None, None))
    assert outcome.image == known().image
    assert (outcome.log["outcome"], outcome.log["etag"], outcome.log["last_modified"]) == ("unchanged", '"1"', "then")


def test_the_same_bytes_sent_again_are_unchanged_with_the_new_validators():
    fetched = Fetched(None, b"1234567", status=200, final_url="elsewhere", headers=HEADERS)
    outcome = settle_again(known(), fetched, settle("u", fetched, picture("a"), "p"))
    assert (outcome.image, outcome.log["outcome"], outcome.log["etag"]) == (known().image, "unchanged", '"2"')


def test_other_bytes_take_the_place_of_the_old():
    fetched = Fetched(None, b"1234567", status=200)
    outcome = settle_again(known(), fetched, settle("u", fetched, picture("b"), "q"))
    assert outcome.image is not None
    assert (outcome.image["sha256"], outcome.log["outcome"]) == ("b", "fetched")


@pytest.mark.parametrize("reason", [Reason.HTTP_ERROR, Reason.TIMEOUT, Reason.HOST_UNAVAILABLE])
def test_an_address_that_has_died_leaves_its_image(reason):
    fetched = Fetched(reason)
    outcome = settle_again(known(), fetched, settle("u", fetched, None, None))
    assert (outcome.image, outcome.drop, outcome.log["outcome"]) == (known().image, None, str(reason))
    assert outcome.log["etag"] == '"1"'


@pytest.mark.parametrize("reason", [Reason.OPTED_OUT, Reason.ROBOTS_DISALLOWED])
def test_an_image_that_is_withdrawn_goes(reason):
    fetched = Fetched(reason)
    outcome = settle_again(known(), fetched, settle("u", fetched, None, None))
    assert outcome.image is None
    assert outcome.drop is not None
    assert outcome.drop["reason"] == str(reason)


def test_stored_bytes_under_other_settings():
    kept = inspect_anew(known(), picture("a"))
    assert kept.image is not None
    assert (kept.image["path"], kept.image["final_url"]) == ("p", "v")
    refused = inspect_anew(known(), Rejected(Reason.TOO_SMALL, "9×8 pixels"))
    drop = refused.drop_row(SOURCE)
    assert drop is not None
    assert (drop["reason"], json.loads(drop["evidence"])["found"]) == ("too-small", "9×8 pixels")
    assert (refused.image_row(SOURCE), refused.log_row(SOURCE)["outcome"]) == (None, "too-small")
    again = inspect_anew(PriorOutcome(refused.log, refused.image, refused.drop), picture("a"))
    assert (again, again.log_row(SOURCE)["outcome"]) == (kept, "fetched")  # the picture is stored, and not forgotten


@pytest.mark.parametrize("fetched", [Fetched(None, status=304), Fetched(Reason.TIMEOUT)])
def test_a_refused_picture_that_is_asked_for_anew_stays_refused(fetched):
    refused = inspect_anew(known(), Rejected(Reason.TOO_SMALL, "9×8 pixels"))
    before = PriorOutcome(refused.log, refused.image, refused.drop)
    outcome = settle_again(before, fetched, settle("u", fetched, None, None))
    assert (outcome.image, outcome.drop) == (refused.image, refused.drop)
    assert outcome.is_refused
