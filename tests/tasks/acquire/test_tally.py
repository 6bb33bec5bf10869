import pytest

from tasks.acquire.tally import Tally

WELL = ("fetched",)


def filled() -> Tally:
    tally = Tally()
    tally.expect(["a"] * 6 + ["b"] * 2)
    for outcome in ("fetched", "timeout", "timeout"):
        tally.add("a", outcome, 10)
    tally.add("b", "fetched", 5)
    return tally


def test_all_hosts_together():
    whole = filled().total()
    assert (whole.rows, whole.done, whole.bytes) == (8, 4, 35)
    assert whole.outcomes == {"fetched": 2, "timeout": 2}


def test_failures_by_host():
    assert filled().failures(WELL) == {"a": 2}


def test_what_is_left_takes_at_least_as_long_as_the_host_with_most_of_it():
    assert filled().seconds_left(host_rate=0.5) == pytest.approx(6.0, abs=0.01)
    assert Tally().seconds_left(1.0) == 0
    assert filled().rate() > 0
