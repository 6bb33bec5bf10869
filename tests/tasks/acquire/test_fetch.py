import re
import socket
import ssl
import threading

import pytest
import urllib3

from storage.reasons import Reason
from tasks.acquire.fetch import Fetched, fetch, open_pool
from tasks.acquire.settings import AcquireSettings


def get(url: str, settings: AcquireSettings, pauses: list[float] | None = None) -> Fetched:
    waited: list[float] = [] if pauses is None else pauses
    return fetch(open_pool(settings), url, settings, sleep=waited.append)


def test_a_photograph_arrives_with_its_headers(site, impatient):
    found = get(f"{site.url}/photo.jpg", impatient)
    assert (found.reason, found.status, found.attempts, found.final_url) == (None, 200, 1, f"{site.url}/photo.jpg")
    assert found.body.startswith(b"\xff\xd8")
    assert (found.header("etag"), found.header("content-type")) == ('"v1"', "image/jpeg")
    assert found.header("absent") is None
    assert site.agents == {impatient.user_agent}


@pytest.mark.parametrize("status", [400, 403, 404, 410, 501])
def test_an_error_that_does_not_heal_is_asked_for_once(site, impatient, status):
    found = get(f"{site.url}/{status}", impatient)
    assert (found.reason, found.status, found.attempts, found.body) == (Reason.HTTP_ERROR, status, 1, b"")
    assert site.hits == {f"/{status}": 1}


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_an_error_that_may_heal_is_tried_again_and_given_up(site, impatient, status):
    pauses: list[float] = []
    found = get(f"{site.url}/{status}", impatient, pauses)
    assert (found.reason, found.status, found.attempts) == (Reason.HTTP_ERROR, status, 3)
    assert site.hits[f"/{status}"] == 3
    assert len(pauses) == 2
    assert all(0.005 <= pause <= 0.03 for pause in pauses)


def test_an_error_that_heals_ends_as_a_photograph(site, impatient):
    found = get(f"{site.url}/flaky/a", impatient)
    assert (found.reason, found.status, found.attempts) == (None, 200, 2)


@pytest.mark.parametrize(
    ("asked", "least", "most"), [("7", 7, 7), ("3600", 30, 30), ("soon", 0.005, 0.015), ("squared", 0.005, 0.015)]
)
def test_retry_after_is_heeded_within_reason(site, impatient, asked, least, most):
    pauses: list[float] = []
    found = get(f"{site.url}/wait/{asked}", impatient, pauses)
    assert (found.reason, found.attempts) == (None, 2)
    assert least <= pauses[0] <= most


def test_redirects_are_followed_up_to_the_limit(site, impatient):
    found = get(f"{site.url}/redirect/5", impatient)
    assert (found.reason, found.final_url) == (None, f"{site.url}/photo.jpg")
    assert get(f"{site.url}/redirect/6", impatient).reason is Reason.REDIRECT_LIMIT
    assert (
        get(f"{site.url}/redirect/1", impatient.model_copy(update={"max_redirects": 0})).reason is Reason.REDIRECT_LIMIT
    )


def test_a_redirect_circle_ends(site, impatient):
    found = get(f"{site.url}/loop", impatient)
    assert found.reason is Reason.REDIRECT_LIMIT
    assert site.hits["/loop"] == impatient.max_redirects + 1


def test_a_redirect_to_a_local_file_reads_nothing(site, impatient):
    found = get(f"{site.url}/to-file", impatient)
    assert (found.reason, found.body, found.final_url) == (Reason.INVALID_URL, b"", "file:///etc/passwd")


def test_a_redirect_inwards_is_blocked(site, impatient):
    found = get(f"{site.url}/to-neighbour", impatient)
    assert (found.reason, found.body, found.attempts) == (Reason.BLOCKED_ADDRESS, b"", 1)
    assert site.hits == {"/to-neighbour": 1}


def test_a_redirect_to_nonsense_is_an_invalid_url(site, impatient):
    assert get(f"{site.url}/to-nonsense", impatient).reason is Reason.INVALID_URL


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:{port}/photo.jpg", "http://localhost:{port}/", "http://[::1]:{port}/", "http://0.0.0.0:{port}/"],
)
def test_without_permission_this_machine_is_out_of_reach(site, impatient, url):
    port = site.url.rsplit(":", 1)[1]
    found = get(url.format(port=port), impatient.model_copy(update={"allowed_hosts": ()}))
    assert found.reason in (Reason.BLOCKED_ADDRESS, Reason.UNKNOWN_HOST)  # some machines know no ::1
    assert not site.hits


@pytest.mark.parametrize(
    "url",
    [
        "",
        "photo.jpg",
        "/etc/passwd",
        "file:///etc/passwd",
        "ftp://127.0.0.1/a.jpg",
        "http://",
        "http:///a.jpg",
        "http://[::1/a",
        "http://127.0.0.1:99999/",
    ],
)
def test_what_is_no_web_address_is_said_to_be_none(impatient, url):
    found = get(url, impatient)
    assert (found.reason, found.attempts) == (Reason.INVALID_URL, 1)


def test_an_unknown_host(impatient):
    assert get("http://nowhere.invalid/a.jpg", impatient).reason is Reason.UNKNOWN_HOST


def test_a_refused_connection(impatient):
    with socket.socket() as taken:  # bound but not listening: nobody else can have the port, and nobody answers
        taken.bind(("127.0.0.1", 0))
        found = get(f"http://127.0.0.1:{taken.getsockname()[1]}/a.jpg", impatient)
    assert found.reason is Reason.CONNECTION_FAILED


def test_a_host_that_hangs_up(site, impatient):
    found = get(f"{site.url}/hangup", impatient)
    assert (found.reason, found.status) == (Reason.CONNECTION_FAILED, None)


def test_a_host_that_speaks_no_tls(site, impatient):
    found = get(site.url.replace("http:", "https:") + "/photo.jpg", impatient)
    assert found.reason is Reason.CONNECTION_FAILED


def test_silence_is_a_timeout_and_tried_again(site, impatient):
    found = get(f"{site.url}/silence", impatient.model_copy(update={"read_timeout": 0.2, "attempts": 2}))
    assert (found.reason, found.attempts) == (Reason.TIMEOUT, 2)
    assert site.hits["/silence"] == 2


@pytest.mark.parametrize("path", ["/drip", "/drip-header", "/drip-line"])
def test_a_host_that_drips_is_left_at_the_deadline(site, impatient, path):
    found = get(site.url + path, impatient.model_copy(update={"attempts": 1}))
    assert (found.reason, found.body) == (Reason.TIMEOUT, b"")
    assert not site.finished  # the site had three seconds' worth to say


@pytest.mark.parametrize("path", ["/long", "/bomb"])
def test_a_body_over_the_limit_is_given_up(site, impatient, path):
    found = get(site.url + path, impatient)
    assert (found.reason, found.status, found.body, found.attempts) == (Reason.TOO_LARGE, 200, b"", 1)


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
    pool = open_pool(impatient.model_copy(update={"connections_per_host": 1}))
    small = impatient.model_copy(update={"max_bytes": 100_000})
    for _ in range(3):
        assert fetch(pool, f"{site.url}/long", small).reason is Reason.TOO_LARGE
        assert fetch(pool, f"{site.url}/404", small).status == 404
        assert fetch(pool, f"{site.url}/redirect/2", small).body.startswith(b"\xff\xd8")


def test_one_pool_serves_many_threads(site, impatient):
    pool, bodies = open_pool(impatient), []
    threads = [
        threading.Thread(target=lambda n=n: bodies.append((n, fetch(pool, f"{site.url}/seed/{n}", impatient).body)))
        for n in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({body for _, body in bodies}) == 12
    assert dict(bodies)[3] == get(f"{site.url}/seed/3", impatient).body


def test_the_pool_verifies_certificates():
    kind = open_pool(AcquireSettings()).connection_from_url("https://example.org").ConnectionCls
    assert issubclass(kind, urllib3.connection.HTTPSConnection)
    connection = kind("example.org")
    assert connection.cert_reqs in (None, ssl.CERT_REQUIRED)
    assert connection.assert_hostname is None


def test_failures_are_told_in_words(impatient):
    detail = get("http://nowhere.invalid/a.jpg", impatient).detail
    assert detail is not None
    assert re.search(r"nowhere\.invalid", detail)
    assert len(detail) <= 300
