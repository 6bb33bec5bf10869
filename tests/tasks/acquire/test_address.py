"""How addresses are read."""

import re
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.acquire.address import (
    SECRETS,
    flaw_of,
    host_and_port,
    host_of,
    origin_of,
    read_address,
    read_location,
    redact,
    without_userinfo,
)


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


# What is cut off


@pytest.mark.parametrize(
    ("url", "cut"),
    [
        ("http://user:secret@h.example/x.jpg", "http://h.example/x.jpg"),
        ("https://user@h.example:8443/x.jpg?y=a@b", "https://h.example:8443/x.jpg?y=a@b"),
        ("http://us%40er:se@cret@h/x", "http://h/x"),
        ("//user:secret@h/x", "//h/x"),
        ("ftp://user:secret@h/x", "ftp://h/x"),
        ("user:secret@h/x", "h/x"),
        ("http:/user:secret@h/x", "http:/h/x"),
        ("http://h/~user@home/x.jpg", "http://h/~user@home/x.jpg"),
        ("http://h?x@y", "http://h?x@y"),
        ("http://[::1]:80/a@b", "http://[::1]:80/a@b"),
        ("photo@2x.jpg", "photo@2x.jpg"),
        ("None", "None"),
    ],
)
def test_user_names_and_passwords_are_cut_off(url, cut):
    assert without_userinfo(url) == cut


WORD = st.text("abcxyzABC019._~-", min_size=1, max_size=12)
SECRET = st.text("QRSTUVW56789", min_size=8, max_size=20)


@given(
    host=st.sampled_from(["h.example", "[2001:db8::1]", "10.0.0.1"]),
    port=st.sampled_from(["", ":8443"]),
    rest=st.text("abc/@:.%?&=;#", max_size=20),
    user=WORD,
    password=SECRET | st.text("Q@:%!$'()*+,;=", max_size=9),
)
def test_cutting_never_changes_where_an_address_leads(host, port, rest, user, password):
    bare, full = f"http://{host}{port}/{rest}", f"http://{user}:{password}@{host}{port}/{rest}"
    assert without_userinfo(full) == without_userinfo(bare) == bare
    with_it, without = read_address(full), read_address(bare)
    assert (with_it is None) == (without is None)
    if with_it and without:
        assert with_it._replace(auth=None) == without


# What is shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://h/x.jpg?token=abc&w=640", "http://h/x.jpg?token=redacted&w=640"),
        ("http://h/x.jpg?w=640;Token=a;b?c", "http://h/x.jpg?w=640;Token=redacted"),
        ("http://h/x?X-Amz-Signature=0f&X-Amz-Date=1#top", "http://h/x?X-Amz-Signature=redacted&X-Amz-Date=1#top"),
        ("http://h/x?to%6ben=abc", "http://h/x?to%6ben=redacted"),
        ("http://h/x?keyword=abc&monkey=1", "http://h/x?keyword=abc&monkey=1"),
        ("http://h/x?key=", "http://h/x?key="),
        (
            "http://p/?url=http%3A%2F%2Fh%2Fx%3Fsig%3Dabc%26y&w=1",
            "http://p/?url=http%3A%2F%2Fh%2Fx%3Fsig%3Dredacted&w=1",
        ),
        ("http://p/?url=http%3A%2F%2Fu%3Apw%40h%2Fx", "http://p/?url=http%3A%2F%2Fh%2Fx"),
        ("http://p/?url=http://h/x?sig=abc", "http://p/?url=http://h/x?sig=redacted"),
        ("Failed to parse: http://u:pw@h/x?sig=abc d", "Failed to parse: http://h/x?sig=redacted"),
        ("http://h//@user/x.jpg", "http://h//@user/x.jpg"),
        ("a sentence of an e-mail to a@b", "a sentence of an e-mail to a@b"),
    ],
)
def test_what_lets_in_whoever_knows_it_is_not_shown(text, shown):
    assert redact(text) == shown


@given(name=st.sampled_from(SECRETS), secret=SECRET, before=st.text("ab=?&;#/%", max_size=8), nesting=st.integers(0, 3))
def test_a_secret_never_shows_however_deep_it_stands(name, secret, before, nesting):
    address = f"http://user:{secret}@h.example/x?{before}&{name}={secret}"
    for _ in range(nesting):
        address = f"https://proxy.example/?w=640&url={quote(address, safe='')}"
    shown = redact(address)
    assert secret not in shown
    assert redact(shown) == shown
    assert urlsplit(shown).hostname == urlsplit(address).hostname
    assert urlsplit(shown).path == urlsplit(address).path


@given(text=st.text("abtoken=&?#;/:@% 3D2F5kys", max_size=40))
def test_what_was_redacted_stays_as_it_is(text):
    shown = redact(text)
    assert redact(shown) == shown


def test_a_text_of_nothing_but_separators_takes_no_time():
    assert len(redact("?=%3D%2F//" * 20_000)) == 200_000
    assert redact("?token=a" * 20_000) == "?token=redacted"
