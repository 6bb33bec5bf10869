"""How addresses are read."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.acquire.address import flaw_of, host_and_port, host_of, origin_of, read_address, read_location


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://A.example/x", "a.example"),
        ("https://user@a.example:8443/x", "a.example:8443"),
        ("http://[::1]:80/", "[::1]"),
        ("https://a.example:80/x", "a.example:80"),
        ("ftp://a/x", ""),
        ("http://[nowhere", ""),
        ("photo.jpg", ""),
    ],
)
def test_the_host_of_an_address(url, host):
    assert host_of(url) == host


def test_the_origin_is_the_scheme_and_the_host():
    assert origin_of("HTTPS://user@A.example:8443/x?y") == "https://a.example:8443"
    assert origin_of("http://a.example:80/x") == "http://a.example"


def test_a_host_may_be_named_with_its_port_whatever_it_is():
    assert host_and_port("HTTPS://user@A.example/x") == "a.example:443"
    assert host_and_port("http://[::1]/x") == "[::1]:80"
    assert host_and_port("http://a.example:8080/x") == "a.example:8080"
    assert host_and_port("ftp://a/x") == ""


@pytest.mark.parametrize("url", ["ftp://a/x", "http://[nowhere", "http://", "photo.jpg", ""])
def test_what_is_no_address_has_neither_parts_nor_an_origin(url):
    assert read_address(url) is None
    assert origin_of(url) == ""


@pytest.mark.parametrize(
    ("path", "asked_for"),
    [
        ("/caf%C3%A9_100%.jpg", "/caf%C3%A9_100%25.jpg"),
        ("/50%_sale/%E2%98%83.jpg", "/50%25_sale/%E2%98%83.jpg"),
        ("/café_100%.jpg", "/caf%C3%A9_100%25.jpg"),
        ("/a%2fb?of=100%&in=%c3%a9#100%", "/a%2Fb?of=100%25&in=%C3%A9"),
        ("/%", "/%25"),
        ("/%4", "/%254"),
        ("/%zz%41", "/%25zz%41"),
        ("?%", "/?%25"),
    ],
)
def test_what_is_encoded_stays_so_and_the_rest_is_encoded(path, asked_for):
    address = read_address(f"http://a.example{path}")
    assert address is not None
    assert address.request_uri == asked_for


@given(st.lists(st.sampled_from(["%C3%A9", "%25", "%", "%4", "é", "☃", " ", "/", "a", "?", "%%41"]), max_size=8))
def test_no_encoded_byte_is_encoded_again(parts):
    path = "/" + "".join(parts)
    first = read_address(f"http://a.example{path}")
    assert first is not None
    assert re.fullmatch(r"(?:[!-$&-~]|%[0-9A-F]{2})+", first.request_uri)
    again = read_address(f"http://a.example{first.request_uri}")
    assert again is not None
    assert again.request_uri == first.request_uri


def test_a_zone_keeps_its_percent_sign():
    address = read_address("http://[fe80::1%eth0]/100%")
    assert address is not None
    assert (address.host, address.request_uri) == ("[fe80::1%eth0]", "/100%25")


@pytest.mark.parametrize(
    ("header", "read"),
    [
        ("/caf\xc3\xa9.jpg", "/café.jpg"),
        ("/caf\xe9 %C3%A9\n.jpg", "/caf%E9 %C3%A9\n.jpg"),
        ("http://m\xc3\xbcnster.example/", "http://münster.example/"),
        ("/100%", "/100%"),
    ],
)
def test_a_location_is_read_by_its_bytes(header, read):
    assert read_location(header) == read


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://☃.example/a.jpg", "the host's name can't be written in IDNA: Name '☃'"),
        ("http://" + "ä" * 70 + ".example/", "can't be written in IDNA"),
        ("http://h:port/a.jpg", "no address: 'h:port' is not a valid host or port"),
        ("ftp://a.example/a.jpg", "not an http or https address"),
        ("", "not an http or https address"),
    ],
)
def test_what_is_wrong_with_an_address_is_told(url, said):
    assert read_address(url) is None
    assert said in flaw_of(url)
