import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.acquire.by_host import WELL, by_host

LOG = pd.DataFrame(
    [
        ("http://a.example/1", "fetched", 2_000_000, 1.0, 1),
        ("http://a.example/2", "unchanged", 0, 3.0, 1),
        ("https://a.example/3", "timeout", 0, 60.0, 3),
        ("http://b.example:8080/1", "http-error", 0, 0.5, 1),
        ("not an address", "invalid-url", 0, 0.0, 0),
    ],
    columns=["url", "outcome", "bytes", "seconds", "attempts"],
)


def test_each_host_has_its_sums():
    rows = by_host(LOG).to_dict("records")
    assert [row["host"] for row in rows] == ["a.example", "", "b.example:8080"]
    assert rows[0] == {
        "host": "a.example",
        "addresses": 3,
        "fetched": 2,
        "failed": 1,
        "failures": "timeout 1",
        "megabytes": 2.0,
        "tries": pytest.approx(1.67),
        "seconds": 3.0,
    }
    assert rows[2]["failures"] == "http-error 1"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([*WELL, "timeout", "too-small"])), min_size=1))
def test_every_address_is_counted_once_in_any_order(rows):
    log = pd.DataFrame(
        [(f"http://{host}.example/{n}", outcome, n, 0.1, 1) for n, (host, outcome) in enumerate(rows)],
        columns=LOG.columns,
    )
    hosts = by_host(log)
    assert hosts.addresses.sum() == len(rows)
    assert (hosts.fetched + hosts.failed == hosts.addresses).all()
    assert by_host(log.sample(frac=1, random_state=1)).equals(hosts)


def test_an_empty_log_has_no_hosts():
    assert by_host(LOG[:0]).empty
