"""Where a fetch may connect to: public addresses only, checked on the address that is connected to."""

import ipaddress
import socket
import time
from collections.abc import Iterable
from typing import NamedTuple

from storage.errors import InputError
from tasks.acquire.address import host_and_port, host_of, read_address

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
"""All that is handed out of IPv6; what lies outside is local, for documents, or IPv4 in another dress."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_INWARD = [
    ipaddress.ip_network(network)
    for network in (
        "168.63.129.16/32",  # Azure's inner services, which look public
        "161.26.0.0/16", "166.8.0.0/14",  # those of IBM's cloud
        # What the IANA keeps for protocols and documents, and not every Python knows
        "192.0.0.0/24", "192.88.99.0/24", "2001::/23", "3fff::/20",
    )
]  # fmt: skip
_ISATAP = {0x00005EFE, 0x02005EFE}
"""What stands before an IPv4 address in one of IPv6 that tunnels to it (RFC 5214, 6.1)."""


class BlockedAddressError(Exception):
    """The host leads to an address that is not public. No OSError: urllib3 would call it a broken connection."""


def is_public(address: str) -> bool:
    """Returns whether an IP address belongs to the open internet.

    IPv4 inside IPv6 (mapped, 6to4, NAT64) is judged as the IPv4 address that it reaches.
    """
    ip = ipaddress.ip_address(address.split("%", 1)[0])
    if isinstance(ip, ipaddress.IPv6Address):
        translated = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None
        inner = ip.ipv4_mapped or ip.sixtofour or translated
        if inner is not None:
            return is_public(str(inner))
        if ip not in _GLOBAL_UNICAST or int(ip) >> 32 & 0xFFFFFFFF in _ISATAP:
            return False
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _INWARD)


class Opening(NamedTuple):
    """A host that may be reached wherever it leads, at one port or, where that is None, at those for all hosts."""

    host: str
    port: int | None


def read_opening(text: str) -> Opening:
    """Reads HOST, HOST:PORT or [IPV6]:PORT.

    Raises:
        InputError: it is something else.
    """
    address = read_address(f"http://{text}")
    if address is None or address.auth or address.path or address.query is not None or address.fragment is not None:
        raise InputError(f"{text!r}: expected a host to allow as HOST or HOST:PORT, such as mirror.lan:8080")
    return Opening(_bare(str(address.host)), address.port)


class Guard:
    """What a fetch may connect to: public addresses at some ports, and hosts that are allowed besides.

    Args:
        ports: the ports.
        allowed: hosts to be reached although their addresses are not public, or at other ports; see `read_opening`.
    """

    def __init__(self, ports: Iterable[int], allowed: Iterable[str]) -> None:
        self._ports, self._openings = frozenset(ports), frozenset(map(read_opening, allowed))

    def allows(self, host: str, port: int) -> bool:
        """Returns whether a host was allowed by its name."""
        openings, name = self._openings, _bare(host)
        return Opening(name, port) in openings or (port in self._ports and Opening(name, None) in openings)

    def forbids(self, host: str, port: int) -> bool:
        """Returns whether a host is seen to be out of reach without asking a name server for it."""
        return not self.allows(host, port) and (port not in self._ports or _leads_inwards(_bare(host)))

    def lets_redirect(self, url: str, location: str) -> bool:
        """Returns whether an address may redirect to another one: from no other host to one that was allowed.

        Permission is for what the user lists, and not for what strangers make of it.
        """
        if host_of(url) == host_of(location) or not (there := host_and_port(location)):
            return True
        host, _, port = there.rpartition(":")
        return not self.allows(host, int(port))

    def connect(self, host: str, port: int, timeout: float) -> socket.socket:
        """Opens a TCP connection to a host, looking only at addresses that may be reached.

        The name is resolved once, here, and the connection goes to the address that was checked: a name that answers
        otherwise the second time gains nothing.

        Args:
            timeout: seconds for all addresses of the host together, each of which gets its share of what is left.

        Raises:
            socket.gaierror: the name does not resolve.
            BlockedAddressError: none of its addresses is public, or the port is none of those for all hosts, and the
                host is not allowed; the text says what would allow it.
            OSError: no address answered.
        """
        end, is_allowed = time.monotonic() + timeout, self.allows(host, port)
        remedy = f"--allow-host {f'[{host}]' if ':' in host else host}:{port} opens it"
        if not is_allowed and port not in self._ports:
            ports = " and ".join(map(str, sorted(self._ports)))
            raise BlockedAddressError(f"only ports {ports} are connected to; {remedy}")
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        usable = [entry for entry in found if is_allowed or is_public(str(entry[4][0]))]
        if not usable:
            raise BlockedAddressError(f"it leads to {found[0][4][0]}, which is not a public address; {remedy}")
        failure: OSError = TimeoutError(f"{host}: not resolved within {timeout:g} s")
        for left in range(len(usable), 0, -1):
            family, kind, protocol, _, address = usable[-left]
            remaining = end - time.monotonic()
            if remaining <= 0:
                break
            connection = socket.socket(family, kind, protocol)
            connection.settimeout(remaining / left)
            try:
                connection.connect(address)
                connection.settimeout(timeout)
                return connection
            except OSError as error:
                connection.close()
                failure = error
        raise failure


def _leads_inwards(name: str) -> bool:
    """Whether a host is `localhost`, or an IP address that is not public, in whatever way it is written."""
    if name.lower() == "localhost" or name.lower().endswith(".localhost"):
        return True
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):  # a name
        return False
    return not any(is_public(str(entry[4][0])) for entry in found)


def _bare(host: str) -> str:
    """A host as connections name it: IPv6 without its brackets, no dot at the end."""
    return host.strip("[]").rstrip(".")
