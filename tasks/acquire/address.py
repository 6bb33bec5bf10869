"""Addresses, read as they are when they are connected to."""

from functools import lru_cache

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

_PORTS = {"http": 80, "https": 443}


@lru_cache(1024)  # of rows under way; it would else take 400 bytes of each that went by
def read_address(url: str) -> Url | None:
    """The parts of an http or https address; None of what is none."""
    try:
        parsed = parse_url(url)
    except (LocationParseError, ValueError):
        return None
    return parsed if parsed.scheme in _PORTS and parsed.host else None


def host_of(url: str) -> str:
    """The host of an address, with its port where that is not the scheme's own; empty where there is none."""
    parsed = read_address(url)
    if parsed is None:
        return ""
    return str(parsed.host) if parsed.port in (None, _PORTS[str(parsed.scheme)]) else f"{parsed.host}:{parsed.port}"


def host_and_port(url: str) -> str:
    """The host of an address with its port, be it the scheme's own; empty where there is none."""
    parsed = read_address(url)
    return f"{parsed.host}:{parsed.port or _PORTS[str(parsed.scheme)]}" if parsed else ""


def origin_of(url: str) -> str:
    """Scheme and host of an address; empty where there is none."""
    parsed = read_address(url)
    return f"{parsed.scheme}://{host_of(url)}" if parsed else ""
