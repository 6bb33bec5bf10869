"""Whose turn it is, by a clock that the tests move."""

import threading
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.acquire.hosts import Hosts
from tasks.acquire.settings import PoliteSettings


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def hosts_of(clock: Clock, **settings: float) -> Hosts[str]:
    return Hosts(PoliteSettings(**{"host_rate": 1.0, "host_connections": 2, **settings}), clock)


def ready(hosts: Hosts[str]) -> list[str]:
    """All that may go now."""
    return [f"{turn.host}/{turn.item}{'!' if turn.given_up else ''}" for turn in iter(hosts.take_now, None)]


def test_a_host_is_asked_at_its_pace_after_a_burst(clock):
    hosts = hosts_of(clock)
    for item in "abcd":
        hosts.put("h", item)
    assert ready(hosts) == ["h/a", "h/b"]
    hosts.done("h", failed=False)
    hosts.done("h", failed=False)
    assert ready(hosts) == []
    clock.now += 1
    assert ready(hosts) == ["h/c"]
    clock.now += 100
    assert ready(hosts) == ["h/d"]


def test_a_host_has_no_more_requests_at_once_than_it_may(clock):
    hosts = hosts_of(clock, host_rate=1000)
    for item in "abc":
        hosts.put("h", item)
    clock.now += 10
    assert ready(hosts) == ["h/a", "h/b"]
    clock.now += 10
    assert ready(hosts) == []
    hosts.done("h", failed=False)
    assert ready(hosts) == ["h/c"]


def test_hosts_do_not_wait_for_each_other(clock):
    hosts = hosts_of(clock)
    for host in ("slow", "fast"):
        for item in "abc":
            hosts.put(host, item)
    assert sorted(ready(hosts)) == ["fast/a", "fast/b", "slow/a", "slow/b"]
    hosts.done("fast", failed=False)
    clock.now += 1
    assert ready(hosts) == ["fast/c"]


def test_what_is_tried_again_waits_and_what_was_redirected_goes_first(clock):
    hosts = hosts_of(clock, host_rate=1000, host_connections=1)
    hosts.put("h", "a")
    hosts.put("h", "again", delay=8)
    hosts.put("h", "redirected", first=True)
    seen = []
    for _ in range(3):
        clock.now += 3
        seen += ready(hosts)
        hosts.done("h", failed=False)
    assert seen == ["h/redirected", "h/a", "h/again"]


def test_a_sooner_request_is_not_held_up_by_a_later_one(clock):
    hosts = hosts_of(clock)
    hosts.put("h", "later", delay=60)
    hosts.put("h", "now")
    assert ready(hosts) == ["h/now"]


def test_a_host_that_asks_for_it_is_left_alone(clock):
    hosts = hosts_of(clock)
    hosts.put("h", "a")
    hosts.put("h", "b")
    hosts.put("h", "c")
    ready(hosts)
    hosts.done("h", failed=True, wait=20)
    clock.now += 19
    assert ready(hosts) == []
    clock.now += 1
    assert ready(hosts) == ["h/c"]


def test_a_failing_host_is_left_alone_then_tried_by_one_request_and_at_last_given_up(clock):
    hosts = hosts_of(clock, host_rate=1000, host_connections=1, host_failures=3, breaker_seconds=30, breaker_trips=2)
    for n in range(20):
        hosts.put("h", str(n))
    for _ in range(3):
        clock.now += 1
        assert len(ready(hosts)) == 1
        hosts.done("h", failed=True)
    for pause in (30, 60):
        clock.now += pause - 2
        assert ready(hosts) == []
        clock.now += 2
        assert len(ready(hosts)) == 1
        hosts.done("h", failed=True)
    rest = ready(hosts)
    assert rest
    assert all(item.endswith("!") for item in rest)


def test_a_host_that_is_well_again_is_asked_as_before(clock):
    hosts = hosts_of(clock, host_rate=1000, host_failures=1, breaker_seconds=30)
    for n in range(6):
        hosts.put("h", str(n))
    assert len(ready(hosts)) == 2
    hosts.done("h", failed=True)
    hosts.done("h", failed=True)
    clock.now += 30
    assert len(ready(hosts)) == 1
    hosts.done("h", failed=False)
    clock.now += 1
    assert len(ready(hosts)) == 2


def test_what_a_given_up_host_has_waiting_is_handed_out_with_the_reason(clock):
    hosts = hosts_of(clock)
    for n in range(5):
        hosts.put("h", str(n))
    hosts.put("h", "later", delay=500)
    hosts.give_up("h", "it asked for it")
    turn = hosts.take_now()
    assert turn
    assert turn.given_up == "it asked for it"
    assert len(ready(hosts)) == 5
    hosts.put("h", "one more")
    assert ready(hosts) == ["h/one more!"]


def test_a_crawl_delay_lowers_the_pace_and_forbids_bursts(clock):
    hosts = hosts_of(clock)
    hosts.slow_down("h", 10)
    for item in "ab":
        hosts.put("h", item)
    assert ready(hosts) == ["h/a"]
    hosts.done("h", failed=False)
    clock.now += 9.9
    assert ready(hosts) == []
    clock.now += 0.1
    assert ready(hosts) == ["h/b"]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 3), st.booleans()), min_size=1, max_size=60),
    st.integers(1, 4),
    st.sampled_from([0.5, 1.0, 4.0]),
)
def test_whatever_comes_every_request_goes_once_and_no_window_has_more_than_the_limit(steps, connections, rate):
    clock = Clock()
    hosts = hosts_of(clock, host_rate=rate, host_connections=connections, host_failures=1000)
    gone: dict[str, list[float]] = {"a": [], "b": [], "c": []}
    running: Counter[str] = Counter()

    def step() -> None:
        for item in ready(hosts):
            gone[item[0]].append(clock.now)
            running[item[0]] += 1
            assert running[item[0]] <= connections

    for n, (host, pause, failed) in enumerate(steps):
        hosts.put(host, str(n), delay=pause if failed else 0.0)
        step()
        clock.now += pause
        for name in [name for name in running if running[name]]:
            running[name] -= 1
            hosts.done(name, failed=failed)
    while sum(map(len, gone.values())) < len(steps):
        step()
        clock.now += 0.25
        for name in [name for name in running if running[name]]:
            running[name] -= 1
            hosts.done(name, failed=False)
    for moments in gone.values():
        for first in range(len(moments)):
            for last in range(first, len(moments)):
                window = moments[last] - moments[first]
                assert last - first + 1 <= connections + rate * window + 1e-6


def test_threads_that_wait_are_let_go():
    hosts: Hosts[str] = Hosts(PoliteSettings())
    taken: list[object] = []
    threads = [threading.Thread(target=lambda: taken.append(hosts.take())) for _ in range(4)]
    for thread in threads:
        thread.start()
    hosts.close()
    for thread in threads:
        thread.join(5)
    assert taken == [None] * 4


def test_many_threads_take_each_request_once():
    hosts: Hosts[int] = Hosts(PoliteSettings(host_rate=100_000, host_connections=4))
    taken: list[int] = []
    lock, enough = threading.Lock(), threading.Event()

    def work() -> None:
        while turn := hosts.take():
            with lock:
                taken.append(turn.item)
                if len(taken) == 400:
                    enough.set()
            hosts.done(turn.host, failed=False)

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for n in range(400):
        hosts.put(f"h{n % 7}", n)
    assert enough.wait(20)
    hosts.close()
    for thread in threads:
        thread.join(5)
    assert sorted(taken) == list(range(400))
