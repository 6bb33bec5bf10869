"""Addresses, read as they are when they are connected to, and as they are shown."""

import re
from collections.abc import Collection
from functools import lru_cache
from urllib.parse import quote_from_bytes, unquote

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

SECRETS = (
    "token", "access_token", "refresh_token", "id_token", "auth_token", "auth", "authorization", "bearer", "jwt",
    "sig", "signature", "hmac", "key", "apikey", "api_key", "api-key", "x-api-key", "access_key", "subscription-key",
    "secret", "client_secret", "password", "passwd", "pwd", "pass", "session", "sessionid", "session_id", "sid",
    "credential", "credentials", "ticket", "policy", "key-pair-id", "awsaccesskeyid", "googleaccessid",
    "x-amz-signature", "x-amz-credential", "x-amz-security-token", "x-goog-signature", "x-goog-credential",
)  # fmt: skip
"""Names of query parameters that let in whoever knows their value; in lower case."""
REDACTED = "redacted"

_PORTS = {"http": 80, "https": 443}
_HEAD = re.compile(r"(?:[a-zA-Z][a-zA-Z0-9+.-]*://)?[^\\/?#]*")
"""Scheme and host, where a percent sign has rules of its own."""
_BARE_PERCENT = re.compile("%(?![0-9a-fA-F]{2})")
_ASCII = bytes(range(128))
_USERINFO = re.compile(r"^((?:[a-zA-Z][a-zA-Z0-9+.-]*:)?[\\/]+|(?=[^\\/?#@]*:))[^\\/?#]*@")
_USERINFO_WITHIN = re.compile(
    r"((?<![^\s:=(<'\"])//)[^\\/?#\s]*@"
    # and likewise in an address that is a parameter of another, encoded as often as one likes
    r"|(%(?:25)*3A(?:%(?:25)*2F){2})(?:(?!%(?:25)*(?:2F|3F|23))[^\\/?#&\s])*%(?:25)*40",
    re.IGNORECASE,
)
_EQUALS = re.compile(r"=|%(?:25)*3D", re.IGNORECASE)
_LONGEST_NAME = 80  # characters of a parameter's name, encoded
_LAST_WORD = re.compile(r"[\w.-]*$")
_VALUE_END = re.compile(r"[&#]|$")


@lru_cache(1024)  # of rows under way; it would else take 400 bytes of each that went by
def read_address(url: str) -> Url | None:
    """Returns the parts of an http or https address, encoded as they are asked for; None of what is none."""
    try:
        parsed = _parse(url)
    except (LocationParseError, ValueError):
        return None
    return parsed if parsed.scheme in _PORTS and parsed.host else None


def flaw_of(url: str) -> str:
    """Returns why an address that can't be read is none, in words."""
    try:
        _parse(url)
    except (LocationParseError, ValueError) as error:
        said = str(error).removeprefix("Failed to parse: ")
        return f"the host's name can't be written in IDNA: {said}" if "IDNA" in said else f"no address: {said}"
    return "not an http or https address"


def _parse(url: str) -> Url:
    """By urllib3, which takes an address with one bare percent sign for one in which nothing is encoded yet.

    What is encoded stays so, and the bare sign is encoded before it sees it.
    """
    head = _HEAD.match(url)
    assert head
    return parse_url(head[0] + encode_percents(url[head.end() :]))


def encode_percents(text: str) -> str:
    """Returns the text with those percent signs encoded that begin no encoded byte."""
    return _BARE_PERCENT.sub("%25", text)


def read_location(header: str) -> str:
    """Returns the address in a header Location, whose bytes come as Latin-1.

    Bytes beyond ASCII are UTF-8 where they can be, and are else encoded as they are: a host knows its own.
    """
    raw = header.encode("latin-1")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return quote_from_bytes(raw, safe=_ASCII)


def host_of(url: str) -> str:
    """Returns the host of an address, with its port where that is not the scheme's own; empty where there is none."""
    parsed = read_address(url)
    if parsed is None:
        return ""
    return str(parsed.host) if parsed.port in (None, _PORTS[str(parsed.scheme)]) else f"{parsed.host}:{parsed.port}"


def host_and_port(url: str) -> str:
    """Returns the host of an address with its port, be it the scheme's own; empty where there is none."""
    parsed = read_address(url)
    return f"{parsed.host}:{parsed.port or _PORTS[str(parsed.scheme)]}" if parsed else ""


def origin_of(url: str) -> str:
    """Returns scheme and host of an address; empty where there is none."""
    parsed = read_address(url)
    return f"{parsed.scheme}://{host_of(url)}" if parsed else ""


def without_userinfo(url: str) -> str:
    """Returns an address without the user name and password before its host, which are never sent."""
    return _USERINFO.sub(r"\1", url, count=1) if "@" in url else url


def redact(text: str, secrets: Collection[str] = SECRETS) -> str:
    """Returns an address, or a sentence with addresses in it, as it may be shown.

    The values of query parameters that let in whoever knows them become `redacted`, also in addresses that are
    parameters of others, however they are encoded; user names and passwords are cut off.

    Args:
        secrets: the names of such parameters, in lower case.
    """
    shown, done = "", 0
    for equals in _EQUALS.finditer(text):
        if equals.start() >= done and _name_before(text, equals.start()) in secrets:
            end = _VALUE_END.search(text, equals.end())
            assert end, "every text has an end"
            shown += text[done : equals.end()] + (REDACTED if end.start() > equals.end() else "")
            done = end.start()
    return _USERINFO_WITHIN.sub(lambda found: found[1] or found[2], shown + text[done:])


def _name_before(text: str, end: int) -> str:
    """The name of the parameter that ends there, decoded, in lower case."""
    name, encoded = text[max(0, end - _LONGEST_NAME) : end], ""
    while name != encoded:
        name, encoded = unquote(name), name
    last = _LAST_WORD.search(name)
    return last[0].lower() if last else ""
