"""One request for one address: bounded in time, bytes and headers; whatever the other side does has its reason code."""

import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from http.client import IncompleteRead
from urllib.parse import urljoin

import urllib3
from urllib3.exceptions import (
    HTTPError,
    InvalidHeader,
    LocationParseError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
)
from urllib3.exceptions import (
    TimeoutError as Urllib3TimeoutError,
)

from storage.reasons import Reason
from tasks.acquire.address import read_address, read_location, without_userinfo
from tasks.acquire.budget import Claim
from tasks.acquire.guard import BlockedAddressError, Guard
from tasks.acquire.optout import opted_out
from tasks.acquire.pool import GuardedPool, Transfer, Watchdog
from tasks.acquire.settings import ROBOTS_BYTES, AcquireSettings

_CHUNK = 1 << 18  # most photographs, once they have arrived
_SHORT = 65_536  # what is sooner read to its end than a connection made anew
_ANSWERS = {200, 201, 203, 226}  # statuses with which hosts send what is at an address, as made, rewritten or changed
_HEALING_STATUS = {429, 500, 502, 503, 504}
_PATIENCE = 1.0  # seconds; a host that was kept waiting for longer may well have hung up for it
_BROKEN = {Reason.CONNECTION_FAILED, Reason.TRUNCATED_BODY}
_STEP = 1 << 20  # by which a body grows whose length nobody told
_REDIRECTS = {301, 302, 303, 307, 308}
_CONDITIONS = {"If-None-Match", "If-Modified-Since"}
_joining = threading.Lock()
"""Held by who puts a body together, which takes its memory twice."""


@dataclass(frozen=True)
class Fetched:
    """What came of an address: a body, another address to go on from, or the reason why there is neither.

    Attributes:
        location: where a redirect leads.
        wait: seconds for which the host asks to be left alone.
        heals: whether another try may end otherwise.
        started_at, seconds: of the first attempt's beginning, and from there to the end of the last.
    """

    reason: Reason | None
    body: bytes = b""
    status: int | None = None
    final_url: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    detail: str | None = None
    location: str | None = None
    wait: float | None = None
    heals: bool = False
    attempts: int = 1
    started_at: datetime | None = None
    seconds: float = 0.0

    @property
    def is_unchanged(self) -> bool:
        """Whether the host says that it still has what we have."""
        return self.reason is None and self.status == 304

    def header(self, name: str) -> str | None:
        """Returns the value of a header of the answer; `name` in lower case."""
        return dict(self.headers).get(name)

    @property
    def packing(self) -> str | None:
        """What the body is said to be packed by, where nothing here unpacks that: `br`, say."""
        named = (self.header("content-encoding") or "").lower().split(",")
        unread = {name.strip() for name in named} - {"", "identity", *urllib3.HTTPResponse.CONTENT_DECODERS}
        return ", ".join(sorted(unread)) or None


def fetch_once(
    pool: GuardedPool,
    url: str,
    headers: Mapping[str, str],
    settings: AcquireSettings,
    watchdog: Watchdog,
    claim: Claim,
    *,
    about_robots: bool = False,
) -> Fetched:
    """Asks for an address once. Never raises for what the network does, and follows no redirect.

    Args:
        claim: the share of memory that the body takes, made as large as it; to wait for more counts towards no limit.
        about_robots: of a robots.txt, whose opt-out concerns no image, and of which the first bytes count however long
            it is.
    """
    with watchdog.over(settings.deadline) as transfer:
        try:
            timeout = urllib3.Timeout(connect=settings.connect_timeout, read=settings.read_timeout)
            response = _send(pool, url, headers, timeout)
            answer = _read_answer(response, url, pool.guard, transfer, settings, claim, about_robots=about_robots)
            if answer.is_unchanged and not headers.keys() & _CONDITIONS:
                answer = replace(answer, reason=Reason.HTTP_ERROR)
            if answer.reason is None and transfer.is_late:  # hung up on in its last bytes
                answer = replace(answer, body=b"", reason=Reason.TIMEOUT, detail=_late(settings), heals=True)
            if answer.reason or answer.location:
                _leave(response)
            return answer
        except (HTTPError, BlockedAddressError, OSError, ValueError) as error:
            late = transfer.is_late
            reason = Reason.TIMEOUT if late else _reason_of(error)
            detail = _late(settings) if late else f"{type(error).__name__}: {error}"
            heals = reason is Reason.TIMEOUT or (reason in _BROKEN and transfer.waited > _PATIENCE)
            heals |= reason is Reason.CONNECTION_FAILED and transfer.is_on_kept_connection
            return Fetched(reason, final_url=url, detail=detail[:300], heals=heals)


def _send(
    pool: GuardedPool, url: str, headers: Mapping[str, str], timeout: urllib3.Timeout
) -> urllib3.BaseHTTPResponse:
    """Asks, and reads the head of the answer; what `pool.request` does, without what it does for other methods."""
    to = read_address(url)
    if to is None:
        raise LocationParseError(url)
    connections = pool.connection_from_host(to.host, to.port, to.scheme)
    return connections.urlopen(
        "GET", to.request_uri, headers=headers, timeout=timeout, redirect=False, retries=False, preload_content=False
    )


def _leave(response: urllib3.BaseHTTPResponse) -> None:
    """Reads to the end of a short body that nobody wants, so that its connection can be used again; or closes it.

    What is left of a body must not be read as the next answer on its connection.
    """
    length = response.headers.get("Content-Length", "")
    if response.status not in _ANSWERS and length.isdecimal() and len(length) <= 5 and int(length) <= _SHORT:
        try:
            response.read(decode_content=False)
            return
        except (HTTPError, OSError):  # the answer is known already
            pass
    response.close()


def _late(settings: AcquireSettings) -> str:
    return f"not complete after {settings.deadline:g} s"


def _read_answer(
    response: urllib3.BaseHTTPResponse,
    url: str,
    guard: Guard,
    transfer: Transfer,
    settings: AcquireSettings,
    claim: Claim,
    *,
    about_robots: bool,
) -> Fetched:
    headers = tuple((name.lower(), value) for name, value in response.headers.items())
    answer = Fetched(None, status=response.status, final_url=url, headers=headers)
    location = redirect_of(response, url)
    if location and not guard.lets_redirect(url, location):
        detail = "another host redirects there, and it is allowed to listed addresses alone"
        return replace(answer, reason=Reason.BLOCKED_ADDRESS, final_url=location, detail=detail)
    if location:
        return replace(answer, location=location)
    if response.status == 304:
        return answer
    if response.status not in _ANSWERS:
        heals = response.status in _HEALING_STATUS
        return replace(answer, reason=Reason.HTTP_ERROR, wait=_wait_of(response), heals=heals)
    directive = opted_out(response.headers.getlist("X-Robots-Tag"))
    if directive and not about_robots:
        return replace(answer, reason=Reason.OPTED_OUT, detail=f"X-Robots-Tag: {directive}")
    chunks: list[bytes] = []
    length = 0
    encoded = "Content-Encoding" in response.headers  # else urllib3 would copy each piece, twice
    told = _told_length(response)
    if told is not None:
        _take(claim, min(told, settings.max_bytes), transfer)
    # read1 returns after each piece that arrives, so a server that drips can't hold the transfer past its deadline
    while chunk := response.read1(_CHUNK, decode_content=encoded):
        chunks.append(chunk)
        length += len(chunk)
        if length > claim.size:
            _take(claim, length + _STEP, transfer)
        if about_robots and length > ROBOTS_BYTES:
            response.close()
            break
        if length > settings.max_bytes:
            return replace(answer, reason=Reason.TOO_LARGE, detail=f"more than {settings.max_bytes} bytes")
        if transfer.is_late:
            return replace(answer, reason=Reason.TIMEOUT, detail=_late(settings), heals=True)
    with _joining:
        body = b"".join(chunks)
        chunks.clear()
    return replace(answer, body=body)


def _take(claim: Claim, size: int, transfer: Transfer) -> None:
    with transfer.paused():
        claim.take(size)


def _told_length(response: urllib3.BaseHTTPResponse) -> int | None:
    """How long the host says that the body is; None where it says nothing, or it is not what will be kept."""
    told = response.headers.get("Content-Length", "")
    return int(told) if told.isdecimal() and len(told) < 12 and "Content-Encoding" not in response.headers else None


def redirect_of(response: urllib3.BaseHTTPResponse, url: str) -> str | None:
    """Returns where an answer leads on to, without a user name or password; None where it does not.

    Raises:
        ValueError: to no address.
    """
    target = response.headers.get("Location") if response.status in _REDIRECTS else None
    return without_userinfo(urljoin(url, read_location(target))) if target else None


def _wait_of(response: urllib3.BaseHTTPResponse) -> float | None:
    """Seconds until the moment of the header Retry-After; None where it has none that one can read."""
    value = response.headers.get("Retry-After", "")
    try:
        return urllib3.Retry(0).parse_retry_after(value) if value.isascii() and value else None
    except (InvalidHeader, ValueError, OverflowError):
        return None


def _reason_of(error: Exception) -> Reason:
    # urllib3 wraps what broke a connection; the last of its arguments is what did
    cause = error.args[-1] if isinstance(error, ProtocolError) and error.args else error
    if isinstance(cause, IncompleteRead):
        return Reason.TRUNCATED_BODY
    if isinstance(error, BlockedAddressError):
        return Reason.BLOCKED_ADDRESS
    if isinstance(error, NameResolutionError | socket.gaierror):
        return Reason.UNKNOWN_HOST
    if isinstance(error, Urllib3TimeoutError | TimeoutError) and not isinstance(error, NewConnectionError):
        return Reason.TIMEOUT
    if isinstance(error, LocationParseError) or not isinstance(error, HTTPError | OSError):
        return Reason.INVALID_URL
    return Reason.CONNECTION_FAILED
