"""The memory that bodies share: its bound, whose turn it is, and that nobody waits for ever."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.acquire.budget import Budget, Claim


def start(take: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    return thread


def waits(thread: threading.Thread) -> bool:
    thread.join(0.1)
    return thread.is_alive()


def test_what_fits_is_taken_and_given_back():
    budget = Budget(100)
    first, second = budget.claim(), budget.claim()
    first.take(60)
    second.take(40)
    first.take(10)
    second.take(90)
    assert (first.size, second.size) == (10, 90)


def test_one_may_go_beyond_and_the_next_waits_until_it_is_done():
    budget = Budget(100)
    long, longer, short = budget.claim(), budget.claim(), budget.claim()
    long.take(90)
    longer.take(500)
    waiting = start(lambda: short.take(50))
    assert waits(waiting)
    long.take(0)
    assert waits(waiting)
    longer.take(700)
    longer.take(0)
    waiting.join(5)
    assert short.size == 50


def test_the_oldest_goes_first_and_nobody_overtakes():
    budget, order = Budget(100), list[int]()
    holder, beyond = budget.claim(), budget.claim()
    holder.take(100)
    beyond.take(1)
    claims = [budget.claim() for _ in range(3)]

    def take(claim: Claim, size: int) -> None:
        claim.take(size)
        order.append(claim.number)

    threads = [start(lambda claim=claim: take(claim, 80)) for claim in reversed(claims)]  # type: ignore[misc]
    small = budget.claim()
    threads.append(start(lambda: take(small, 5)))
    assert all(map(waits, threads))
    holder.take(0)
    for claim in claims:
        while claim.size == 0:
            threads[0].join(0.01)
        claim.take(0)
    for thread in threads:
        thread.join(5)
    assert order == sorted(order)


def test_what_is_usual_is_expected():
    budget = Budget(10_000)
    for _ in range(100):
        claim = budget.claim()
        claim.settle(1000)
        claim.take(0)
    claim = budget.claim()
    claim.expect()
    assert claim.size == pytest.approx(1000, abs=5)


def test_who_waits_is_let_go_at_the_end():
    budget = Budget(100)
    for _ in range(2):
        budget.claim().take(100)
    waiting = start(lambda: budget.claim().take(100))
    assert waits(waiting)
    budget.close()
    waiting.join(5)
    assert not waiting.is_alive()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(1, 300), min_size=1, max_size=4), min_size=1, max_size=12))
def test_all_get_through_and_never_take_more_than_the_budget_and_one_body(bodies):
    """Bodies grow step by step, more of them than there is room for."""
    budget, held, most, lock = Budget(400), dict[int, int](), [0], threading.Lock()

    def grow(number: int, steps: list[int]) -> None:
        claim, size = budget.claim(), 0
        for step in steps:
            size += step
            claim.take(size)
            with lock:
                held[number] = size
                most[0] = max(most[0], sum(held.values()))
        with lock:
            held[number] = 0
        claim.take(0)

    with ThreadPoolExecutor(len(bodies)) as threads:
        list(threads.map(grow, range(len(bodies)), bodies, timeout=30))
    assert most[0] <= 400 + max(map(sum, bodies))
