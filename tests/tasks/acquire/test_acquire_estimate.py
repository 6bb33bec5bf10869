"""What a list asks for, by hand and by law."""

from random import Random
from urllib.parse import urlsplit

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.tables.acquisition import SOURCES
from tasks.acquire.estimate import (
    Host,
    blocked_hosts,
    class_sizes,
    different_images,
    fetch_seconds,
    hosts_of,
    polite_seconds,
)
from tasks.acquire.guard import Guard
from tasks.acquire.settings import PoliteSettings

POLITE = PoliteSettings(host_rate=4.0)
ROWS = [
    ("a-1", "http://One.example/1.jpg", "a"),
    ("a-2", "https://one.example:8080/2.jpg", "a"),
    ("b-1", "https://me:secret@one.example/3.jpg?size=l", "b"),
    ("a-1", "http://One.example/1.jpg", "a"),
    ("b-2", "ftp://one.example/4.jpg", "b"),
    ("b-3", "http:///5.jpg", "b"),
]


def listed(rows: list[tuple[str, str, str]]) -> pa.Table:
    ids, urls, classes = zip(*rows, strict=True)
    columns = {"row": range(len(rows)), "image_id": ids, "url": urls, "landmark_id": classes}
    return pa.table({name: columns.get(name, [None] * len(rows)) for name in SOURCES.schema.names}, SOURCES.schema)


def seconds(rows: list[tuple[str, str, str]]) -> float:
    return fetch_seconds(hosts_of(different_images(listed(rows))["url"]), POLITE)


def test_repeated_rows_are_one_image() -> None:
    images = different_images(listed(ROWS))
    assert sorted(images["image_id"].to_pylist()) == ["a-1", "a-2", "b-1", "b-2", "b-3"]
    assert class_sizes(images).tolist() == [2, 3]


def test_hosts_are_those_of_http_and_https() -> None:
    hosts = hosts_of(different_images(listed(ROWS))["url"])
    assert hosts == [Host("one.example", 2), Host("one.example:8080", 1)]


def test_hosts_that_will_be_blocked_are_seen_without_asking_for_a_name() -> None:
    urls = [
        "http://127.0.0.1:8765/1.jpg",
        "HTTP://127.0.0.1:8765/2.jpg",
        "https://10.1.2.3/1.jpg",
        "http://[::1]/1.jpg",
    ]
    urls += ["http://localhost/1.jpg", "http://2130706433/1.jpg", "http://8.8.8.8/1.jpg", "http://intern.invalid/1.jpg"]
    urls += ["ftp://127.0.0.1/1.jpg", "not an address"]
    expected = ["10.1.2.3:443", "2130706433:80", "[::1]:80", "localhost:80"]
    hosts = [Host("127.0.0.1:8765", 2), *(Host(name, 1) for name in expected)]
    none, some = Guard((80, 443), ()), Guard((80, 443, 8080), ("127.0.0.1:8765", "localhost"))
    assert blocked_hosts(pa.chunked_array([urls]), none) == hosts
    assert blocked_hosts(pa.chunked_array([urls]), some) == [Host(name, 1) for name in expected[:3]]
    assert blocked_hosts(pa.chunked_array([], pa.string()), none) == []
    ports = pa.chunked_array([["http://one.example:8080/1.jpg", "https://one.example:22/1.jpg"]])
    assert blocked_hosts(ports, some) == [Host("one.example:22", 1)]


def test_a_host_takes_its_images_and_its_robots_txt() -> None:
    assert polite_seconds(Host("one.example", 399), POLITE) == 100.0


def test_the_slowest_host_sets_the_time() -> None:
    assert fetch_seconds([Host("one.example", 399), Host("two.example", 7)], POLITE) == 100.0
    assert fetch_seconds([], POLITE) == 0.0


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example",
        "HTTPS://A.Example/x@y",
        "https://a.example?x",
        "http://u:p@a.example:1#f",
        "http://[::1]:8/x",
    ],
)
def test_host_is_the_one_that_is_asked(url: str) -> None:
    assert [host.name for host in hosts_of(pa.chunked_array([[url]]))] == [urlsplit(url.lower()).netloc.split("@")[-1]]


rows_of_images = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 30)), min_size=1, max_size=40).map(
    lambda drawn: [(f"{host}{number}", f"http://{host}/{number}", "xyz"[number % 3]) for host, number in drawn]
)


@given(rows_of_images, rows_of_images)
def test_more_rows_never_take_less_time(rows: list[tuple[str, str, str]], more: list[tuple[str, str, str]]) -> None:
    assert seconds(rows + more) >= seconds(rows)


@given(rows_of_images, st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_matter(rows: list[tuple[str, str, str]], random: Random) -> None:
    shuffled = [*rows, rows[0]]
    random.shuffle(shuffled)
    assert seconds(shuffled) == seconds(rows)
    images, others = different_images(listed(rows)), different_images(listed(shuffled))
    assert hosts_of(images["url"]) == hosts_of(others["url"])
    assert class_sizes(images).tolist() == class_sizes(others).tolist()
