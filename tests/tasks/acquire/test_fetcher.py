"""Many addresses side by side, on real sockets: retries, redirects, robots, hosts that fail, and limits that hold."""

import threading
import time
from collections.abc import Callable

import pytest

from storage.reasons import Reason
from tasks.acquire.fetch import Fetched
from tasks.acquire.fetcher import Fetcher
from tasks.acquire.settings import AcquireSettings, PoliteSettings


def get_all(urls: list[str], settings: AcquireSettings, polite: PoliteSettings) -> list[Fetched]:
    with Fetcher(settings, polite) as fetcher:
        found = dict(fetcher.fetch(urls, lambda index, fetched, deliver: deliver((index, fetched))))
    return [found[index] for index in range(len(urls))]


def get(url: str, settings: AcquireSettings, polite: PoliteSettings) -> Fetched:
    return get_all([url], settings, polite)[0]


def with_names(settings: AcquireSettings, **changes: object) -> AcquireSettings:
    """Settings that also reach the site by its other names."""
    [own] = settings.allowed_hosts
    names = tuple(own.replace("127.0.0.1", f"127.0.0.{n}") for n in range(1, 9))
    return settings.model_copy(update={"allowed_hosts": names, **changes})


def named(site, number: int) -> str:
    return site.url.replace("127.0.0.1", f"127.0.0.{number}")


def test_a_photograph_arrives_at_the_first_try(site, impatient, hasty):
    found = get(f"{site.url}/photo.jpg", impatient, hasty)
    assert (found.reason, found.attempts, found.final_url) == (None, 1, f"{site.url}/photo.jpg")
    assert found.started_at is not None
    assert 0 < found.seconds < 5
    assert site.agents == {hasty.user_agent}
    assert site.robots == {"127.0.0.1": 1}


@pytest.mark.parametrize(("status", "tries"), [(404, 1), (403, 1), (429, 3), (500, 3), (503, 3)])
def test_what_may_heal_is_tried_again_and_given_up(site, impatient, hasty, status, tries):
    found = get(f"{site.url}/{status}", impatient, hasty)
    assert (found.reason, found.status, found.attempts) == (Reason.HTTP_ERROR, status, tries)
    assert site.hits[f"/{status}"] == tries


def test_an_error_that_heals_ends_as_a_photograph(site, impatient, hasty):
    found = get(f"{site.url}/flaky/a", impatient, hasty)
    assert (found.reason, found.status, found.attempts) == (None, 200, 2)


def test_silence_is_tried_again(site, impatient, hasty):
    found = get(f"{site.url}/silence", impatient.model_copy(update={"read_timeout": 0.2, "attempts": 2}), hasty)
    assert (found.reason, found.attempts) == (Reason.TIMEOUT, 2)


def test_retry_after_is_obeyed_for_the_whole_host(site, impatient, hasty):
    begun = time.monotonic()
    first, second = get_all(
        [f"{site.url}/wait/1", f"{site.url}/seed/5"], impatient, hasty.model_copy(update={"host_connections": 1})
    )
    assert (first.reason, first.attempts, second.reason) == (None, 2, None)
    assert time.monotonic() - begun >= 1


def test_a_host_that_wants_to_be_left_alone_for_long_is_given_up(site, impatient, hasty):
    alone = hasty.model_copy(update={"host_connections": 1})
    first, second = get_all([f"{site.url}/wait/3600", f"{site.url}/seed/5"], impatient, alone)
    assert (first.reason, first.status, first.attempts) == (Reason.HTTP_ERROR, 503, 1)
    assert (second.reason, second.attempts, second.started_at) == (Reason.HOST_UNAVAILABLE, 0, None)
    assert "3600" in str(second.detail)
    assert site.hits == {"/wait/3600": 1}


def test_redirects_are_followed_up_to_the_limit(site, impatient, hasty):
    found = get(f"{site.url}/redirect/5", impatient, hasty)
    assert (found.reason, found.final_url, found.attempts) == (None, f"{site.url}/photo.jpg", 1)
    assert get(f"{site.url}/redirect/6", impatient, hasty).reason is Reason.REDIRECT_LIMIT
    none = impatient.model_copy(update={"max_redirects": 0})
    assert get(f"{site.url}/redirect/1", none, hasty).reason is Reason.REDIRECT_LIMIT


def test_a_redirect_circle_ends(site, impatient, hasty):
    assert get(f"{site.url}/loop", impatient, hasty).reason is Reason.REDIRECT_LIMIT
    assert site.hits["/loop"] == impatient.max_redirects + 1


@pytest.mark.parametrize("path", ["/to-file", "/to-nonsense"])
def test_a_redirect_to_no_web_address_is_an_invalid_url(site, impatient, hasty, path):
    found = get(f"{site.url}{path}", impatient, hasty)
    assert (found.reason, found.body) == (Reason.INVALID_URL, b"")


def test_a_redirect_inwards_is_blocked(site, impatient, hasty):
    found = get(f"{site.url}/to-neighbour", impatient, hasty)
    assert (found.reason, found.body, found.attempts) == (Reason.BLOCKED_ADDRESS, b"", 1)
    assert site.hits == {"/to-neighbour": 1}


@pytest.mark.parametrize(
    "url",
    ["", "photo.jpg", "/etc/passwd", "file:///etc/passwd", "ftp://127.0.0.1/a.jpg", "http://", "http:///a.jpg",
     "http://[::1/a", "http://127.0.0.1:99999/", "http//photos/a.jpg", "//[", "http://h:port/a.jpg"],
)  # fmt: skip
def test_what_is_no_web_address_is_said_to_be_none(impatient, hasty, url):
    found = get(url, impatient, hasty)
    assert (found.reason, found.attempts) == (Reason.INVALID_URL, 0)


def test_robots_txt_is_asked_for_once_and_heeded(site, impatient, hasty):
    site_2 = named(site, 2)
    found = get_all([f"{site_2}/seed/{n}" for n in (1, 2, 3, 4)] * 3, with_names(impatient), hasty)
    assert [fetched.reason for fetched in found] == [Reason.ROBOTS_DISALLOWED, None, None, None] * 3
    assert site.robots == {"127.0.0.2": 1}
    assert "/seed/1" not in site.hits


def test_robots_txt_may_be_left_unread(site, impatient, hasty):
    found = get(f"{named(site, 2)}/seed/1", with_names(impatient, robots=False), hasty)
    assert found.reason is None
    assert not site.robots


def test_no_other_host_redirects_to_one_that_is_allowed(site, impatient, hasty):
    urls = [f"{named(site, 2)}/photo.jpg", f"{site.url}/to-neighbour"]
    listed, led = get_all(urls, with_names(impatient), hasty)
    assert (listed.reason, led.reason, led.final_url) == (None, Reason.BLOCKED_ADDRESS, f"{named(site, 2)}/photo.jpg")
    assert led.detail == "another host redirects there, and it is allowed to listed addresses alone"
    assert site.hits == {"/photo.jpg": 1, "/to-neighbour": 1}


def test_a_redirect_is_subject_to_the_rules_of_where_it_leads(site, impatient, hasty):
    found = get(f"{named(site, 2)}/to-forbidden", with_names(impatient), hasty)
    assert (found.reason, found.final_url) == (Reason.ROBOTS_DISALLOWED, f"{named(site, 2)}/seed/1")
    assert site.robots == {"127.0.0.2": 1}


def test_a_host_that_cannot_give_its_rules_is_not_asked_for_more(site, impatient, hasty):
    found = get(f"{named(site, 4)}/photo.jpg", with_names(impatient), hasty)
    assert (found.reason, found.status, found.attempts) == (Reason.HTTP_ERROR, 503, 3)
    assert "robots.txt" in str(found.detail)
    assert not site.hits


def test_a_crawl_delay_is_kept(site, impatient, hasty):
    begun = time.monotonic()
    found = get_all([f"{named(site, 3)}/seed/{n}" for n in range(3)], with_names(impatient), hasty)
    assert {fetched.reason for fetched in found} == {None}
    assert time.monotonic() - begun >= 0.6


def test_a_dead_host_costs_a_few_requests_not_one_for_each_address(impatient, hasty):
    wary = hasty.model_copy(update={"host_failures": 3, "breaker_seconds": 0.05, "breaker_trips": 2})
    nobody = impatient.model_copy(update={"allowed_hosts": ("127.0.0.1:1",)})
    found = get_all([f"http://127.0.0.1:1/{n}.jpg" for n in range(40)], nobody, wary)
    reasons = [fetched.reason for fetched in found]
    assert set(reasons) == {Reason.CONNECTION_FAILED, Reason.HOST_UNAVAILABLE}
    assert reasons.count(Reason.CONNECTION_FAILED) < 15
    assert "left alone 2 times" in str(next(f for f in found if f.reason is Reason.HOST_UNAVAILABLE).detail)


def test_no_host_is_asked_faster_or_wider_than_it_may_be(site, impatient, hasty):
    slow = PoliteSettings(host_rate=20, host_connections=2, connections=16)
    urls = [f"{named(site, host)}/slow-seed/{n}" for n in range(12) for host in (5, 6)]
    begun = time.monotonic()
    found = get_all(urls, with_names(impatient), slow)
    assert {fetched.reason for fetched in found} == {None}
    assert time.monotonic() - begun >= (13 - 2) / 20  # twelve and robots.txt; two may come at once
    assert max(site.most_at_once.values()) == 2
    assert set(site.most_at_once) == {"127.0.0.5", "127.0.0.6"}


def test_a_slow_host_does_not_hold_up_the_others(site, impatient, hasty):
    moments: dict[str, float] = {}
    urls = [f"{named(site, 7)}/slow-seed/{n}" for n in range(30)] + [f"{named(site, 8)}/seed/{n}" for n in range(30)]

    def note(index: int, fetched: Fetched, deliver: Callable[[None], None]) -> None:
        moments[urls[index]] = time.monotonic()
        deliver(None)

    with Fetcher(with_names(impatient), hasty.model_copy(update={"host_connections": 2})) as fetcher:
        list(fetcher.fetch(urls, note))
    slow, fast = (max(moments[url] for url in urls if f".{host}:" in url) for host in (7, 8))
    assert fast < slow


def test_callers_share_hosts_and_get_what_they_asked_for(site, impatient, hasty):
    found: dict[int, list[bytes]] = {}
    with Fetcher(impatient, hasty) as fetcher:

        def ask(caller: int) -> None:
            urls = [f"{site.url}/seed/{caller}{n}" for n in range(6)]
            bodies = fetcher.fetch(urls, lambda n, fetched, deliver: deliver((n, fetched.body)))
            found[caller] = [body for _, body in sorted(bodies)]

        threads = [threading.Thread(target=ask, args=(caller,)) for caller in range(1, 5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found[2] == [get(f"{site.url}/seed/2{n}", impatient, hasty).body for n in range(6)]
    assert len({body for bodies in found.values() for body in bodies}) == 24


def test_an_error_of_the_caller_reaches_the_caller_and_ends_its_requests(site, impatient, hasty):
    def fail(index: int, _: Fetched, deliver: Callable[[None], None]) -> None:
        raise OSError("the disk is full")

    one_by_one = hasty.model_copy(update={"connections": 1})
    with Fetcher(impatient, one_by_one) as fetcher:
        with pytest.raises(OSError, match="disk is full"):
            list(fetcher.fetch([f"{site.url}/seed/{n}" for n in range(50)], fail))
        photo = [f"{site.url}/photo.jpg"]
        assert list(fetcher.fetch(photo, lambda _, fetched, deliver: deliver(fetched.status))) == [200]
    assert sum(site.hits.values()) < 50


def test_long_bodies_wait_for_each_other_and_all_arrive(site, impatient, hasty):
    """Eight of 4 MB without a length, where there is room for half a one: they go one by one."""
    tight = hasty.model_copy(update={"bytes_under_way": 2_000_000})
    patient = impatient.model_copy(update={"max_bytes": 5_000_000, "deadline": 5.0})
    arrived, most, lock = [0], [0], threading.Lock()

    def keep(index: int, fetched: Fetched, deliver: Callable[[int], None]) -> None:
        with lock:
            arrived[0] += len(fetched.body)
            most[0] = max(most[0], arrived[0])
        time.sleep(0.05)
        with lock:
            arrived[0] -= len(fetched.body)
        deliver(len(fetched.body))

    with Fetcher(patient, tight) as fetcher:
        lengths = list(fetcher.fetch([f"{site.url}/long?{n}" for n in range(8)], keep))
    assert lengths == [64 * 65536] * 8
    assert most[0] == 64 * 65536
