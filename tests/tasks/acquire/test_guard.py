import ipaddress
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.errors import InputError
from tasks.acquire.guard import BlockedAddressError, Guard, is_public, read_opening

PRIVATE_NETWORKS = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "161.26.0.0/16",
    "166.8.0.0/14",
    "168.63.129.16/32",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
]

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

WRAPPINGS = {
    "mapped": lambda v4: (0xFFFF << 32) | v4,
    "compatible": lambda v4: v4,
    "translated": lambda v4: (0xFFFF << 48) | v4,
    "6to4": lambda v4: (0x2002 << 112) | (v4 << 80),
    "NAT64": lambda v4: (0x0064FF9B << 96) | v4,
    "local NAT64": lambda v4: (0x0064FF9B0001 << 80) | v4,
    "Teredo client": lambda v4: (0x20010000 << 96) | (0x08080808 << 64) | (v4 ^ 0xFFFFFFFF),
    "Teredo server": lambda v4: (0x20010000 << 96) | (v4 << 64) | 0x08080808,
}

PRIVATE_V6_NETWORKS = [
    "::/8",
    "100::/64",
    "100:0:0:1::/64",
    "2001::/23",
    "2001:db8::/32",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
]

private_v4 = st.sampled_from(PRIVATE_NETWORKS).flatmap(lambda network: st.ip_addresses(v=4, network=network))


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001:80b::200e"]
)
def test_public_addresses_pass(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "169.254.169.254",
        "10.0.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "100.100.100.200",
        "2606:4700::5efe:7f00:1",
        "2606:4700::200:5efe:808:808",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
        "2001:db8::1",
    ],
)
def test_internal_addresses_do_not(address):
    assert not is_public(address)


@settings(max_examples=300)
@given(private_v4)
def test_no_private_v4_passes(address):
    assert not is_public(str(address))


@settings(max_examples=300)
@given(st.sampled_from(PRIVATE_V6_NETWORKS).flatmap(lambda network: st.ip_addresses(v=6, network=network)))
def test_no_v6_that_is_not_handed_out_passes(address):
    assert not is_public(str(address)) or address.ipv4_mapped or address in NAT64


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@settings(max_examples=100)
@given(address=private_v4)
def test_no_private_v4_passes_inside_v6(wrapping, address):
    assert not is_public(str(ipaddress.IPv6Address(WRAPPINGS[wrapping](int(address)))))


@given(st.ip_addresses(v=4))
def test_a_mapped_v4_is_judged_as_itself(address):
    assert is_public(f"::ffff:{address}") == is_public(str(address))


@settings(max_examples=300)
@given(st.ip_addresses())
def test_every_address_has_a_verdict_and_no_unroutable_one_passes(address):
    if is_public(str(address)):
        reached = address.sixtofour if address.version == 6 else None  # of 6to4 itself Pythons think differently
        assert (reached or address).is_global
        assert not address.is_multicast
        assert not address.is_loopback


@pytest.fixture
def port() -> Iterator[int]:
    """Of a server on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("allowed", ["127.0.0.1:{}", "127.0.0.1"])
def test_an_allowed_host_is_reached(port, allowed):
    with Guard([port], [allowed.format(port)]).connect("127.0.0.1", port, 1) as connection:
        assert connection.getpeername() == ("127.0.0.1", port)
        assert connection.gettimeout() == 1


def test_a_host_is_allowed_at_one_port_or_at_those_of_all(port):
    assert Guard([80], [f"127.0.0.1:{port}"]).allows("127.0.0.1", port)
    for opened in ("127.0.0.1", f"127.0.0.1:{port - 1}"):
        with pytest.raises(BlockedAddressError, match=rf"only ports 80 and 443 .* 127.0.0.1:{port} opens it"):
            Guard([80, 443], [opened]).connect("127.0.0.1", port, 1)


def test_a_public_host_is_not_asked_at_other_ports():
    with pytest.raises(BlockedAddressError, match=r"only ports 80 and 443 .* --allow-host 8\.8\.8\.8:22 opens it"):
        Guard([80, 443], []).connect("8.8.8.8", 22, 1)


def test_permission_is_for_the_host_by_its_name_alone(port):
    said = rf"leads to .* not a public address; --allow-host localhost:{port} opens it"
    with pytest.raises(BlockedAddressError, match=said):
        Guard([port], ["127.0.0.1"]).connect("localhost", port, 1)


@pytest.mark.parametrize(
    "host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1.", "[::1]", "::ffff:127.0.0.1"]
)
def test_other_spellings_of_this_machine_are_not_reached(host, port):
    with pytest.raises((BlockedAddressError, socket.gaierror)):
        Guard([port], []).connect(host, port, 1)


def test_a_refusal_stays_an_os_error():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = taken.getsockname()[1]
        with pytest.raises(ConnectionRefusedError):
            Guard([], [f"127.0.0.1:{nobody}"]).connect("127.0.0.1", nobody, 1)


def test_an_unknown_name_is_told_as_such():
    with pytest.raises(socket.gaierror):
        Guard([80], []).connect("nowhere.invalid", 80, 1)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("Mirror.LAN", "mirror.lan", None),
        ("mirror.lan.:8080", "mirror.lan", 8080),
        ("mirror.lan:80", "mirror.lan", 80),
        ("[::1]:8080", "::1", 8080),
        ("münster.lan", "xn--mnster-3ya.lan", None),
    ],
)
def test_a_host_to_allow_is_read_as_it_is_connected_to(text, host, port):
    assert read_opening(text) == (host, port)


@pytest.mark.parametrize("text", ["", "http://a.lan:8080", "a.lan/a", "me@a.lan", "::1", "a:b", "a?", "a#"])
def test_what_is_no_host_is_no_host_to_allow(text):
    with pytest.raises(InputError, match=r"expected a host to allow as HOST or HOST:PORT"):
        read_opening(text)


@pytest.mark.parametrize(
    ("url", "location", "lets"),
    [
        ("http://mirror.lan:8080/a", "http://mirror.lan:8080/b", True),
        ("http://nas.lan/a", "https://nas.lan/a", True),
        ("http://a.example/a", "http://b.example/a", True),
        ("http://mirror.lan:8080/a", "http://a.example/a", True),
        ("http://a.example/a", "file:///etc/passwd", True),  # which is refused for what it is
        ("http://a.example/a", "http://mirror.lan:8080/a", False),
        ("http://a.example/a", "http://MIRROR.lan.:8080/a", False),
        ("http://a.example/a", "https://me@nas.lan/a", False),
        ("http://nas.lan/a", "http://mirror.lan:8080/a", False),
        ("http://mirror.lan:9090/a", "http://mirror.lan:8080/a", False),
        ("http://a.example/a", "http://[::1]:8080/a", False),
    ],
)
def test_no_other_host_leads_to_one_that_is_allowed(url, location, lets):
    guard = Guard([80, 443], ["mirror.lan:8080", "nas.lan", "[::1]:8080"])
    assert guard.lets_redirect(url, location) is lets
