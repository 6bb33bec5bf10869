"""What is told of a list before its addresses are asked."""

import pyarrow as pa
import pytest

from storage.tables.acquisition import SOURCES
from tasks.acquire.estimate import Host
from tasks.acquire.remarks import contact_hint, odd_rows
from tasks.acquire.settings import PoliteSettings
from tasks.acquire.sources import SourceList

TABLE = pa.Table.from_pylist(
    [{"row": n, "image_id": f"i{n}", "url": "u", "landmark_id": "" if n < 5 else "a"} for n in range(2000)],
    SOURCES.schema,
)


def test_a_list_in_which_nothing_is_odd():
    assert list(odd_rows(SourceList(TABLE.slice(5)))) == []


def test_rows_without_a_class_are_counted_and_the_first_are_named():
    [told] = odd_rows(SourceList(TABLE, {f"i{n}": (f"line {n + 2}", "None") for n in range(5)}))
    assert told.startswith("5 of 2,000 rows have no class (line 2: 'None', line 3: 'None', line 4: 'None', …): ")
    assert "no-class" in told


def test_user_names_and_passwords_are_counted():
    [told] = odd_rows(SourceList(TABLE.slice(5), {}, 1234))
    assert told.startswith("1,234 addresses have a user name or password")


@pytest.mark.parametrize(
    ("host", "is_hinted"),
    [
        ("upload.wikimedia.org", True),
        ("de.wikipedia.org:443", True),
        ("wikimedia.org", True),
        ("notwikimedia.org", False),
        ("wikimedia.org.example", False),
    ],
)
def test_hosts_that_want_to_know_whom_to_turn_to(host, is_hinted):
    hosts = [Host("live.example", 90), Host(host, 1200)]
    hint = contact_hint(hosts, PoliteSettings())
    assert (hint is not None) == is_hinted
    assert not hint or (host in hint and "1,200 images" in hint and "--contact" in hint)
    assert contact_hint(hosts, PoliteSettings(contact="me@example.org")) is None
