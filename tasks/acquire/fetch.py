"""Fetching one address: bounded in time, bytes and redirects, with tries again for what can heal."""

import contextlib
import random
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from http.client import IncompleteRead
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    HTTPError,
    LocationParseError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
)
from urllib3.exceptions import (
    TimeoutError as Urllib3TimeoutError,
)

from storage.reasons import Reason
from tasks.acquire.guard import BlockedAddressError, connect
from tasks.acquire.settings import AcquireSettings

_CHUNK = 65_536
_HEALING_STATUS = {429, 500, 502, 503, 504}
_REDIRECTS = {301, 302, 303, 307, 308}
_LONGEST_WAIT = 30.0
_speaking = threading.local()
"""`connection`: the one that this thread has sent its last request on."""


@dataclass(frozen=True)
class Fetched:
    """What came of an address: a body, or the reason why there is none."""

    reason: Reason | None
    body: bytes = b""
    status: int | None = None
    final_url: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    detail: str | None = None
    attempts: int = 1
    wait: float | None = None

    def header(self, name: str) -> str | None:
        """The value of a header of the answer; `name` in lower case."""
        return dict(self.headers).get(name)


def open_pool(settings: AcquireSettings) -> urllib3.PoolManager:
    """A connection pool whose every connection passes the guard. Safe to share between threads."""

    def dial(connection: HTTPConnection) -> socket.socket:
        try:
            return connect(connection.host, connection.port, settings.connect_timeout, settings.allowed_hosts)
        except TimeoutError as error:
            raise urllib3.exceptions.ConnectTimeoutError(connection, str(error)) from error
        except socket.gaierror as error:
            raise NameResolutionError(connection.host, connection, error) from error
        except OSError as error:
            raise NewConnectionError(connection, str(error)) from error

    class GuardedHTTPConnection(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return dial(self)

        def request(self, *args: Any, **kwargs: Any) -> None:
            _speaking.connection = self
            super().request(*args, **kwargs)

    class GuardedHTTPSConnection(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return dial(self)

        def request(self, *args: Any, **kwargs: Any) -> None:
            _speaking.connection = self
            super().request(*args, **kwargs)

    class HTTPPool(HTTPConnectionPool):
        ConnectionCls = GuardedHTTPConnection

    class HTTPSPool(HTTPSConnectionPool):
        ConnectionCls = GuardedHTTPSConnection

    pool = urllib3.PoolManager(num_pools=256, maxsize=settings.connections_per_host, retries=False)
    pool.pool_classes_by_scheme = {"http": HTTPPool, "https": HTTPSPool}
    return pool


def fetch(
    pool: urllib3.PoolManager, url: str, settings: AcquireSettings, sleep: Callable[[float], Any] = time.sleep
) -> Fetched:
    """Fetches an address. Never raises for what the network does: each failure has its reason code."""
    for attempt in range(1, settings.attempts + 1):
        result = replace(_fetch_once(pool, url, settings), attempts=attempt)
        heals = result.reason is Reason.TIMEOUT or (
            result.reason is Reason.HTTP_ERROR and result.status in _HEALING_STATUS
        )
        if not heals or attempt == settings.attempts:
            return result
        pause = settings.backoff * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311 – jitter, not a secret
        sleep(min(max(pause, result.wait or 0.0), _LONGEST_WAIT))
    raise AssertionError("settings allow at least one attempt")


def _fetch_once(pool: urllib3.PoolManager, url: str, settings: AcquireSettings) -> Fetched:
    end = time.monotonic() + settings.deadline
    _speaking.connection = None
    watch = threading.Timer(settings.deadline, _hang_up, [_speaking.__dict__])
    watch.daemon = True
    watch.start()
    try:
        for _ in range(settings.max_redirects + 1):
            if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
                return Fetched(Reason.INVALID_URL, final_url=url, detail="not an http or https address")
            if time.monotonic() > end:
                return Fetched(Reason.TIMEOUT, final_url=url, detail=f"not complete after {settings.deadline:g} s")
            timeout = urllib3.Timeout(connect=settings.connect_timeout, read=settings.read_timeout)
            response = pool.request(
                "GET", url, headers={"User-Agent": settings.user_agent, "Accept": "image/*"}, timeout=timeout,
                redirect=False, preload_content=False,
            )  # fmt: skip
            answer = _read_answer(response, url, end, settings)
            if answer.reason:
                response.close()  # what is left of its body must not be read as the next answer on this connection
            target = answer.header("location")
            if answer.status not in _REDIRECTS or not target:
                return answer
            url = urljoin(url, target)
        return Fetched(Reason.REDIRECT_LIMIT, final_url=url, detail=f"more than {settings.max_redirects} redirects")
    except (HTTPError, BlockedAddressError, OSError, ValueError) as error:
        reason = Reason.TIMEOUT if time.monotonic() >= end else _reason_of(error)
        return Fetched(reason, final_url=url, detail=f"{type(error).__name__}: {error}"[:300])
    finally:
        watch.cancel()


def _hang_up(speaking: dict[str, Any]) -> None:
    """Ends a transfer past its deadline, whatever part of it the other side drips: its head, a chunk's, the body."""
    connection = speaking["connection"]
    if connection is not None and connection.sock is not None:
        with contextlib.suppress(OSError):
            socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)


def _read_answer(response: urllib3.BaseHTTPResponse, url: str, end: float, settings: AcquireSettings) -> Fetched:
    headers = tuple((name.lower(), value) for name, value in response.headers.items())
    answer = Fetched(None, status=response.status, final_url=url, headers=headers)
    if response.status != 200:
        wait = response.headers.get("Retry-After", "")
        return replace(
            answer, reason=Reason.HTTP_ERROR, wait=float(wait) if wait.isascii() and wait.isdigit() else None
        )
    chunks: list[bytes] = []
    length = 0
    # read1 returns after each piece that arrives, so a server that drips can't hold the transfer past its deadline
    while chunk := response.read1(_CHUNK):
        chunks.append(chunk)
        length += len(chunk)
        if length > settings.max_bytes:
            return replace(answer, reason=Reason.TOO_LARGE, detail=f"more than {settings.max_bytes} bytes")
        if time.monotonic() > end:
            return replace(answer, reason=Reason.TIMEOUT, detail=f"not complete after {settings.deadline:g} s")
    return replace(answer, body=b"".join(chunks))


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
