"""robots.txt as RFC 9309 has it: what is allowed, what a host without an answer means, that it is asked once."""

import threading
import time

import pytest

from storage.reasons import Reason
from tasks.acquire.fetch import Fetched
from tasks.acquire.robots import Robots, Rules
from tasks.acquire.settings import ROBOTS_BYTES

RULES = b"""
User-agent: *
Disallow: /private/
Allow: /private/open*.jpg$

User-agent: cairn
Disallow: /*.gif$
Crawl-delay: 2.5
"""


@pytest.mark.parametrize(
    ("url", "allowed"),
    [("http://a/x.jpg", True), ("http://a/x.gif", False), ("http://a/x.gif?y", True), ("http://a/private/x.jpg", True)],
)
def test_our_own_rules_take_the_place_of_everyones(url, allowed):
    assert Rules(RULES).allows(url) is allowed
    assert Rules(RULES).interval == 2.5


def test_everyones_rules_are_ours_where_we_have_none():
    rules = Rules(RULES.replace(b"cairn", b"another"))
    assert not rules.allows("http://a/private/x.jpg")
    assert rules.allows("http://a/private/open1.jpg")
    assert rules.interval == 0


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00garbage", b"<!doctype html><p>Not found", b"Disallow: /\n"])
def test_what_are_no_rules_forbids_nothing(content):
    assert Rules(content).allows("http://a/x.jpg")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_the_first_line(encoding):
    rules = Rules("User-agent: *\nDisallow: /private\n".encode(encoding))
    assert not rules.allows("http://a/private/x.jpg")
    assert rules.allows("http://a/x.jpg")


def test_of_long_rules_the_first_500_kib_count_to_their_last_whole_line():
    head = b"User-agent: *\nDisallow: /private\n"
    filler = b"# so be it\n" * (1 + ROBOTS_BYTES // 11)
    cut = b"Disallow: /\nAllow: /open\n"  # of which half the second line would allow all
    before = head + filler[: ROBOTS_BYTES - len(head) - len(cut) + len("open\n") - 1] + b"\n" + cut
    assert not Rules(head + filler * 3).allows("http://a/private/x.jpg")
    assert Rules(head + filler * 3).allows("http://a/x.jpg")
    assert len(before) > ROBOTS_BYTES
    assert not Rules(before).allows("http://a/x.jpg")


@pytest.mark.parametrize("url", ["http://a/100%.jpg", "http://a/100%25.jpg"])
@pytest.mark.parametrize("rule", ["/100%.jpg", "/100%25.jpg"])
def test_rules_and_addresses_may_be_encoded_differently(rule, url):
    assert not Rules(f"User-agent: *\nDisallow: {rule}".encode()).allows(url)
    assert not Rules(f"User-agent: *\nDisallow: /%C3%A9{rule}".encode()).allows(url.replace("/100", "/é/100"))


def answering(*answers: Fetched) -> tuple[Robots, list[str]]:
    asked: list[str] = []

    def request(url: str) -> Fetched:
        asked.append(url)
        return answers[min(len(asked), len(answers)) - 1]

    return Robots(request), asked


def test_a_host_is_asked_once_and_the_turn_is_spent():
    robots, asked = answering(Fetched(None, b"User-agent: *\nDisallow: /no", status=200))
    assert robots.may_fetch("http://a", "http://a/x.jpg").spent
    assert robots.may_fetch("http://a", "http://a/x.jpg") == (False, None)
    refused = robots.may_fetch("http://a", "http://a/no.jpg")
    assert refused.refusal is not None
    assert refused.refusal.reason is Reason.ROBOTS_DISALLOWED
    assert asked == ["http://a/robots.txt"]


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_host_without_rules_allows_everything(status):
    robots, _ = answering(Fetched(Reason.HTTP_ERROR, status=status))
    assert robots.may_fetch("http://a", "http://a/x.jpg") == (True, None)
    assert robots.may_fetch("http://a", "http://a/x.jpg") == (False, None)


@pytest.mark.parametrize(
    "failure",
    [
        Fetched(Reason.HTTP_ERROR, status=500),
        Fetched(Reason.HTTP_ERROR, status=429),
        Fetched(Reason.TIMEOUT, heals=True),
    ],
)
def test_a_host_that_does_not_answer_allows_nothing_for_now(failure):
    robots, asked = answering(failure, Fetched(Reason.HTTP_ERROR, status=404))
    decision = robots.may_fetch("http://a", "http://a/x.jpg")
    assert decision.refusal is not None
    assert (decision.refusal.reason, decision.refusal.heals) == (failure.reason, failure.heals)
    assert robots.may_fetch("http://a", "http://a/x.jpg").refusal is None
    assert len(asked) == 2


def test_the_pace_that_a_host_wants_is_reported_before_anyone_may_fetch():
    robots, _ = answering(Fetched(None, RULES, status=200))
    delays: list[float] = []
    robots.may_fetch("http://a", "http://a/x.jpg", delays.append)
    assert delays == [2.5]
    robots.may_fetch("http://a", "http://a/x.jpg", delays.append)
    assert delays == [2.5]


def test_redirects_lead_to_the_rules():
    robots, asked = answering(
        Fetched(None, status=301, location="http://www.a/robots.txt"), Fetched(None, b"User-agent: *\nDisallow: /")
    )
    robots.may_fetch("http://a", "http://a/x.jpg")
    assert robots.may_fetch("http://a", "http://a/x.jpg").refusal is not None
    assert asked == ["http://a/robots.txt", "http://www.a/robots.txt"]


def test_redirects_in_a_circle_end():
    robots, asked = answering(Fetched(None, status=301, location="http://a/robots.txt"))
    assert robots.may_fetch("http://a", "http://a/x.jpg").refusal is None
    assert len(asked) == 6


def test_those_who_wait_for_the_rules_wait_for_their_next_turn_too():
    release = threading.Event()

    def request(url: str) -> Fetched:
        release.wait(5)
        return Fetched(Reason.HTTP_ERROR, status=404)

    robots, decisions = Robots(request), []
    threads = [
        threading.Thread(target=lambda: decisions.append(robots.may_fetch("http://a", "http://a/x.jpg")))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    release.set()
    for thread in threads:
        thread.join(5)
    assert [decision.spent for decision in decisions] == [True] * 3


def test_an_error_of_ours_keeps_nobody_waiting():
    begun, release = threading.Event(), threading.Event()

    def request(url: str) -> Fetched:
        begun.set()
        release.wait(5)
        raise MemoryError

    robots, raised = Robots(request), []

    def ask() -> None:
        try:
            robots.may_fetch("http://a", "http://a/x.jpg")
        except MemoryError as error:
            raised.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
        begun.wait(5)
    release.set()
    for thread in threads:
        thread.join(5)
    assert len(raised) == 3
