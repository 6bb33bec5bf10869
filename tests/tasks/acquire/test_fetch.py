import re
import socket

import pytest
import urllib3

from storage.reasons import Reason
from tasks.acquire.budget import Budget
from tasks.acquire.fetch import Fetched, fetch_once
from tasks.acquire.pool import Watchdog, open_pool
from tasks.acquire.settings import AcquireSettings


def get(url: str, settings: AcquireSettings, pool: urllib3.PoolManager | None = None, **headers: str) -> Fetched:
    with Watchdog() as watchdog:
        return fetch_once(
            pool or open_pool(settings),
            url,
            {"User-Agent": "tests", **headers},
            settings,
            watchdog,
            Budget(10**9).claim(),
        )


def test_a_photograph_arrives_with_its_headers(site, impatient):
    found = get(f"{site.url}/photo.jpg", impatient)
    assert (found.reason, found.status, found.final_url) == (None, 200, f"{site.url}/photo.jpg")
    assert found.body.startswith(b"\xff\xd8")
    assert (found.header("etag"), found.header("content-type")) == ('"v1"', "image/jpeg")
    assert found.header("absent") is None
    assert site.agents == {"tests"}


@pytest.mark.parametrize("status", [400, 403, 404, 410, 501])
def test_an_error_that_does_not_heal(site, impatient, status):
    found = get(f"{site.url}/{status}", impatient)
    assert (found.reason, found.status, found.heals, found.body) == (Reason.HTTP_ERROR, status, False, b"")


def test_an_error_page_that_breaks_off_is_still_that_error(site, impatient):
    found = get(f"{site.url}/cut-error", impatient)
    assert (found.reason, found.status) == (Reason.HTTP_ERROR, 404)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_an_error_that_may_heal(site, impatient, status):
    found = get(f"{site.url}/{status}", impatient)
    assert (found.reason, found.status, found.heals) == (Reason.HTTP_ERROR, status, True)


@pytest.mark.parametrize(("asked", "wait"), [("7", 7), ("3600", 3600), ("soon", None), ("squared", None), ("", None)])
def test_how_long_a_host_wants_to_be_left_alone(site, impatient, asked, wait):
    assert get(f"{site.url}/wait/{asked}", impatient).wait == wait


def test_until_when_a_host_wants_to_be_left_alone(site, impatient):
    assert get(f"{site.url}/wait-until/20", impatient).wait == pytest.approx(20, abs=2)
    assert get(f"{site.url}/wait-until/-20", impatient).wait == 0


def test_a_redirect_is_told_and_not_followed(site, impatient):
    found = get(f"{site.url}/redirect/2", impatient)
    assert (found.reason, found.location) == (None, f"{site.url}/redirect/1")
    assert site.hits == {"/redirect/2": 1}


def test_user_names_and_passwords_are_neither_sent_nor_taken_from_a_redirect(site, impatient):
    bare = site.url.removeprefix("http://")
    assert get(f"http://me:secret@{bare}/photo.jpg", impatient).reason is None
    assert get(f"{site.url}/redirect-with-password", impatient).location == f"http://{bare}/photo.jpg"
    assert site.authorizations == {None}


def test_what_has_not_changed_is_not_sent(site, impatient):
    found = get(f"{site.url}/kept", impatient, **{"If-None-Match": '"v1"'})
    assert (found.reason, found.is_unchanged, found.body) == (None, True, b"")
    assert not get(f"{site.url}/kept", impatient).is_unchanged


@pytest.mark.parametrize(
    ("tag", "reason"), [("noai", Reason.OPTED_OUT), ("nofollow", None), ("otherbot:+noai", None), ("all", None)]
)
def test_an_image_that_is_not_to_be_used_is_not_taken(site, impatient, tag, reason):
    found = get(f"{site.url}/tagged/{tag}", impatient)
    assert (found.reason, bool(found.body)) == (reason, reason is None)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:{port}/photo.jpg", "http://localhost:{port}/", "http://[::1]:{port}/", "http://0.0.0.0:{port}/"],
)
def test_without_permission_this_machine_is_out_of_reach(site, impatient, url):
    port = site.url.rsplit(":", 1)[1]
    found = get(url.format(port=port), impatient.model_copy(update={"allowed_hosts": ()}))
    assert found.reason in (Reason.BLOCKED_ADDRESS, Reason.UNKNOWN_HOST)  # some machines know no ::1
    assert not site.hits


def test_an_unknown_host(impatient):
    assert get("http://nowhere.invalid/a.jpg", impatient).reason is Reason.UNKNOWN_HOST


def test_a_refused_connection(impatient):
    with socket.socket() as taken:  # bound but not listening: nobody else can have the port, and nobody answers
        taken.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{taken.getsockname()[1]}"
        found = get(f"http://{nobody}/a.jpg", impatient.model_copy(update={"allowed_hosts": (nobody,)}))
    assert found.reason is Reason.CONNECTION_FAILED


def test_a_host_that_hangs_up(site, impatient):
    found = get(f"{site.url}/hangup", impatient)
    assert (found.reason, found.status) == (Reason.CONNECTION_FAILED, None)


def test_a_host_that_speaks_no_tls(site, impatient):
    found = get(site.url.replace("http:", "https:") + "/photo.jpg", impatient)
    assert found.reason is Reason.CONNECTION_FAILED


def test_silence_is_a_timeout_and_may_heal(site, impatient):
    found = get(f"{site.url}/silence", impatient.model_copy(update={"read_timeout": 0.2}))
    assert (found.reason, found.heals) == (Reason.TIMEOUT, True)


@pytest.mark.parametrize("path", ["/drip", "/drip-header", "/drip-line"])
def test_a_host_that_drips_is_left_at_the_deadline(site, impatient, path):
    found = get(site.url + path, impatient)
    assert (found.reason, found.body) == (Reason.TIMEOUT, b"")
    assert not site.finished  # the site had three seconds' worth to say


@pytest.mark.parametrize("path", ["/long", "/bomb"])
def test_a_body_over_the_limit_is_given_up(site, impatient, path):
    found = get(site.url + path, impatient)
    assert (found.reason, found.status, found.body, found.heals) == (Reason.TOO_LARGE, 200, b"", False)


def test_a_body_of_just_the_limit_is_accepted(site, impatient):
    size = len(get(f"{site.url}/photo.jpg", impatient).body)
    assert get(f"{site.url}/photo.jpg", impatient.model_copy(update={"max_bytes": size})).reason is None
    assert get(f"{site.url}/photo.jpg", impatient.model_copy(update={"max_bytes": size - 1})).reason is Reason.TOO_LARGE


@pytest.mark.parametrize("path", ["/short", "/short-chunk"])
def test_a_body_shorter_than_announced_is_truncated(site, impatient, path):
    found = get(site.url + path, impatient)
    assert (found.reason, found.body) == (Reason.TRUNCATED_BODY, b"")


def test_html_under_an_image_name_arrives_as_it_is(site, impatient):
    assert get(f"{site.url}/page.jpg", impatient).body.startswith(b"<!doctype")


def test_a_failure_does_not_spoil_the_next_answer_of_its_connection(site, impatient):
    pool, small = open_pool(impatient), impatient.model_copy(update={"max_bytes": 100_000})
    for _ in range(3):
        assert get(f"{site.url}/long", small, pool).reason is Reason.TOO_LARGE
        assert get(f"{site.url}/404", small, pool).status == 404
        assert get(f"{site.url}/redirect/2", small, pool).location
        assert get(f"{site.url}/photo.jpg", small, pool).body.startswith(b"\xff\xd8")


def test_a_connection_that_the_host_closed_meanwhile_heals(site, impatient):
    pool = open_pool(impatient)
    assert get(f"{site.url}/photo.jpg", impatient, pool).reason is None
    stale = get(f"{site.url}/hangup", impatient, pool)
    fresh = get(f"{site.url}/hangup", impatient)
    assert (stale.reason, stale.heals) == (Reason.CONNECTION_FAILED, True)
    assert (fresh.reason, fresh.heals) == (Reason.CONNECTION_FAILED, False)


def test_failures_are_told_in_words(impatient):
    detail = get("http://nowhere.invalid/a.jpg", impatient).detail
    assert detail is not None
    assert re.search(r"nowhere\.invalid", detail)
    assert len(detail) <= 300
