"""How addresses are read."""

import pytest

from tasks.acquire.address import host_and_port, host_of, origin_of, read_address


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
