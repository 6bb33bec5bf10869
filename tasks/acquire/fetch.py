"""One request for one address: bounded in time, bytes and headers; whatever the other side does has its reason code."""

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from http.client import IncompleteRead
from typing import Any
from urllib.parse import urljoin

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
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
from urllib3.util import parse_url

from storage.reasons import Reason
from tasks.acquire.guard import BlockedAddressError, connect
from tasks.acquire.optout import opted_out
from tasks.acquire.settings import AcquireSettings

_CHUNK = 65_536
_HEALING_STATUS = {429, 500, 502, 503, 504}
_REDIRECTS = {301, 302, 303, 307, 308}
_CONDITIONS = {"If-None-Match", "If-Modified-Since"}
_TICK = 0.1  # seconds between two looks at what is past its deadline
# What urllib3 finds odd in a stranger's headers is no news for the terminal; the outcome says what matters.
logging.getLogger("urllib3.connection").setLevel(logging.ERROR)
_current = threading.local()
"""`transfer`: the one that this thread is at."""


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
        """The value of a header of the answer; `name` in lower case."""
        return dict(self.headers).get(name)


@dataclass(eq=False)
class _Transfer:
    """A request under way: when it must have ended, and what it was sent on.

    The socket is kept beside the connection, which lets go of it where the answer is the last one on it; while TLS
    begins, when nobody has it, a copy of its handle is.
    """

    end: float
    connection: "_Counted | None" = None
    connected: socket.socket | None = None
    copy: socket.socket | None = None

    def hang_up(self) -> None:
        for handle in (self.connected, self.copy):
            if handle is not None:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(handle, socket.SHUT_RDWR)


@dataclass
class Watchdog:
    """Ends transfers past their deadline, whatever part the other side drips: the head, a chunk's length, the body.

    A context manager: its thread ends with it.
    """

    _transfers: set[_Transfer] = field(default_factory=set)
    _ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Watchdog":
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()

    @contextlib.contextmanager
    def over(self, seconds: float) -> Iterator[float]:
        """Watches what this thread does in the context; yields the moment at which it must have ended."""
        transfer = _current.transfer = _Transfer(time.monotonic() + seconds)
        self._transfers.add(transfer)
        try:
            yield transfer.end
        finally:
            self._transfers.discard(transfer)
            if transfer.copy is not None:
                transfer.copy.close()

    def _watch(self) -> None:
        while not self._ended.wait(_TICK):
            now = time.monotonic()
            for transfer in self._transfers.copy():  # one step for CPython, so no other thread comes between
                if now > transfer.end:
                    transfer.hang_up()


class _Counted(HTTPConnection):
    """Tells the transfer of this thread on which connection it is, and how many requests that has carried."""

    carried = 0

    def tell(self, connected: socket.socket | None, copy: socket.socket | None = None) -> None:
        """Called as soon as there is a socket."""
        transfer = getattr(_current, "transfer", None)
        if transfer:
            transfer.connection = self
            transfer.connected, transfer.copy = connected or transfer.connected, copy or transfer.copy

    def request(self, *args: Any, **kwargs: Any) -> None:
        self.carried += 1
        self.tell(self.sock)
        super().request(*args, **kwargs)
        self.tell(self.sock)


def open_pool(settings: AcquireSettings, connections: int = 1) -> urllib3.PoolManager:
    """A pool that keeps so many connections to each host. Every one passes the guard. Safe to share between threads."""

    def dial(connection: HTTPConnection) -> socket.socket:
        try:
            return connect(connection.host, connection.port, settings.connect_timeout, settings.allowed_hosts)
        except TimeoutError as error:
            raise urllib3.exceptions.ConnectTimeoutError(connection, str(error)) from error
        except socket.gaierror as error:
            raise NameResolutionError(connection.host, connection, error) from error
        except OSError as error:
            raise NewConnectionError(connection, str(error)) from error

    class GuardedHTTPConnection(_Counted):
        def _new_conn(self) -> socket.socket:
            connected = dial(self)
            self.tell(connected)
            return connected

    class GuardedHTTPSConnection(_Counted, HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            connected = dial(self)
            self.tell(None, connected.dup())
            return connected

    class HTTPPool(HTTPConnectionPool):
        ConnectionCls = GuardedHTTPConnection

    class HTTPSPool(HTTPSConnectionPool):
        ConnectionCls = GuardedHTTPSConnection

    pool = urllib3.PoolManager(num_pools=256, maxsize=connections, retries=False)
    pool.pool_classes_by_scheme = {"http": HTTPPool, "https": HTTPSPool}
    return pool


def fetch_once(
    pool: urllib3.PoolManager,
    url: str,
    headers: Mapping[str, str],
    settings: AcquireSettings,
    watchdog: Watchdog,
    *,
    heed_opt_out: bool = True,
) -> Fetched:
    """Asks for an address once. Never raises for what the network does, and follows no redirect."""
    with watchdog.over(settings.deadline) as end:
        try:
            timeout = urllib3.Timeout(connect=settings.connect_timeout, read=settings.read_timeout)
            response = _send(pool, url, headers, timeout)
            answer = _read_answer(response, url, end, settings, heed_opt_out=heed_opt_out)
            if answer.is_unchanged and not headers.keys() & _CONDITIONS:
                answer = replace(answer, reason=Reason.HTTP_ERROR)
            if answer.reason is None and time.monotonic() > end:  # hung up on in its last bytes
                answer = replace(answer, body=b"", reason=Reason.TIMEOUT, detail=_late(settings), heals=True)
            if answer.reason or answer.location:
                _leave(response)
            return answer
        except (HTTPError, BlockedAddressError, OSError, ValueError) as error:
            late = time.monotonic() >= end
            reason = Reason.TIMEOUT if late else _reason_of(error)
            detail = _late(settings) if late else f"{type(error).__name__}: {error}"
            heals = reason is Reason.TIMEOUT or (reason is Reason.CONNECTION_FAILED and _was_stale())
            return Fetched(reason, final_url=url, detail=detail[:300], heals=heals)


def _send(
    pool: urllib3.PoolManager, url: str, headers: Mapping[str, str], timeout: urllib3.Timeout
) -> urllib3.BaseHTTPResponse:
    """Asks, and reads the head of the answer; what `pool.request` does, without what it does for other methods."""
    to = parse_url(url)
    connections = pool.connection_from_host(to.host, to.port, to.scheme)
    return connections.urlopen(
        "GET", to.request_uri, headers=headers, timeout=timeout, redirect=False, retries=False, preload_content=False
    )


def _leave(response: urllib3.BaseHTTPResponse) -> None:
    """Reads to the end of a short body that nobody wants, so that its connection can be used again; or closes it.

    What is left of a body must not be read as the next answer on its connection.
    """
    length = response.headers.get("Content-Length", "")
    if response.status != 200 and length.isdecimal() and len(length) <= 5 and int(length) <= _CHUNK:
        try:
            response.read(decode_content=False)
            return
        except (HTTPError, OSError):  # the answer is known already
            pass
    response.close()


def _late(settings: AcquireSettings) -> str:
    return f"not complete after {settings.deadline:g} s"


def _was_stale() -> bool:
    """Whether this thread's transfer went over a connection kept from an earlier one, which the host may close."""
    connection = _current.transfer.connection
    return connection is not None and connection.carried > 1


def _read_answer(
    response: urllib3.BaseHTTPResponse, url: str, end: float, settings: AcquireSettings, *, heed_opt_out: bool
) -> Fetched:
    headers = tuple((name.lower(), value) for name, value in response.headers.items())
    answer = Fetched(None, status=response.status, final_url=url, headers=headers)
    target = response.headers.get("Location")
    if response.status in _REDIRECTS and target:
        return replace(answer, location=urljoin(url, target))
    if response.status == 304:
        return answer
    if response.status != 200:
        heals = response.status in _HEALING_STATUS
        return replace(answer, reason=Reason.HTTP_ERROR, wait=_wait_of(response), heals=heals)
    directive = opted_out(response.headers.getlist("X-Robots-Tag"))
    if heed_opt_out and directive:
        return replace(answer, reason=Reason.OPTED_OUT, detail=f"X-Robots-Tag: {directive}")
    chunks: list[bytes] = []
    length = 0
    # read1 returns after each piece that arrives, so a server that drips can't hold the transfer past its deadline
    while chunk := response.read1(_CHUNK):
        chunks.append(chunk)
        length += len(chunk)
        if length > settings.max_bytes:
            return replace(answer, reason=Reason.TOO_LARGE, detail=f"more than {settings.max_bytes} bytes")
        if time.monotonic() > end:
            return replace(answer, reason=Reason.TIMEOUT, detail=_late(settings), heals=True)
    return replace(answer, body=b"".join(chunks))


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
