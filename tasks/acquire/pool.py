"""Connections for fetching: each passes the guard, and none outlives its deadline, whatever the other side drips."""

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NameResolutionError, NewConnectionError

from tasks.acquire.guard import Guard
from tasks.acquire.settings import AcquireSettings

_TICK = 0.1  # seconds between two looks at what is past its deadline
# What urllib3 finds odd in a stranger's headers is no news for the terminal; the outcome says what matters.
logging.getLogger("urllib3.connection").setLevel(logging.ERROR)
_current = threading.local()
"""`transfer`: the one that this thread is at."""


@dataclass(eq=False)
class Transfer:
    """A request under way: when it must have ended, and what it was sent on.

    The socket is kept beside the connection, which lets go of it where the answer is the last one on it; while TLS
    begins, when nobody has it, a copy of its handle is. `waited` is how many seconds it was kept from reading.
    """

    end: float
    connection: "_Counted | None" = None
    connected: socket.socket | None = None
    copy: socket.socket | None = None
    waited: float = 0.0

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Stops the clock of the transfer while the context is open."""
        begun, left = time.monotonic(), self.end - time.monotonic()
        self.end = float("inf")
        try:
            yield
        finally:
            self.waited += time.monotonic() - begun
            self.end = time.monotonic() + left

    @property
    def is_late(self) -> bool:
        """Whether it should have ended by now."""
        return time.monotonic() >= self.end

    @property
    def is_on_kept_connection(self) -> bool:
        """Whether it goes over a connection kept from an earlier one, which the host may close."""
        return self.connection is not None and self.connection.carried > 1

    def hang_up(self) -> None:
        """Ends it, whoever reads or writes."""
        for handle in (self.connected, self.copy):
            if handle is not None:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(handle, socket.SHUT_RDWR)


@dataclass
class Watchdog:
    """Ends transfers past their deadline, whatever part the other side drips: the head, a chunk's length, the body.

    A context manager: its thread ends with it.
    """

    _transfers: set[Transfer] = field(default_factory=set)
    _ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Watchdog":
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()

    @contextlib.contextmanager
    def over(self, seconds: float) -> Iterator[Transfer]:
        """Watches what this thread does in the context."""
        transfer = _current.transfer = Transfer(time.monotonic() + seconds)
        self._transfers.add(transfer)
        try:
            yield transfer
        finally:
            self._transfers.discard(transfer)
            if transfer.copy is not None:
                transfer.copy.close()

    def _watch(self) -> None:
        while not self._ended.wait(_TICK):
            for transfer in self._transfers.copy():  # one step for CPython, so no other thread comes between
                if transfer.is_late:
                    transfer.hang_up()


class _Counted(HTTPConnection):
    """Tells the transfer of this thread on which connection it is, and how many requests that has carried."""

    carried = 0

    def follow(self, connected: socket.socket | None, copy: socket.socket | None = None) -> None:
        """Called as soon as there is a socket."""
        transfer = getattr(_current, "transfer", None)
        if transfer:
            transfer.connection = self
            transfer.connected, transfer.copy = connected or transfer.connected, copy or transfer.copy

    def request(self, *args: Any, **kwargs: Any) -> None:
        self.carried += 1
        self.follow(self.sock)
        super().request(*args, **kwargs)
        self.follow(self.sock)


class GuardedPool(urllib3.PoolManager):
    """Connections that have passed the guard, so many kept to each host. Safe to share between threads."""

    def __init__(self, guard: Guard, connections: int) -> None:
        super().__init__(num_pools=256, maxsize=connections, retries=False)
        self.guard = guard


def open_pool(settings: AcquireSettings, connections: int = 1) -> GuardedPool:
    """Returns a pool under these settings that keeps so many connections to each host."""
    guard = Guard(settings.ports, settings.allowed_hosts)

    def dial(connection: HTTPConnection) -> socket.socket:
        try:
            return guard.connect(connection.host, connection.port, settings.connect_timeout)
        except TimeoutError as error:
            raise urllib3.exceptions.ConnectTimeoutError(connection, str(error)) from error
        except socket.gaierror as error:
            raise NameResolutionError(connection.host, connection, error) from error
        except OSError as error:
            raise NewConnectionError(connection, str(error)) from error

    class GuardedHTTPConnection(_Counted):
        def _new_conn(self) -> socket.socket:
            connected = dial(self)
            self.follow(connected)
            return connected

    class GuardedHTTPSConnection(_Counted, HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            connected = dial(self)
            self.follow(None, connected.dup())
            return connected

    class HTTPPool(HTTPConnectionPool):
        ConnectionCls = GuardedHTTPConnection

    class HTTPSPool(HTTPSConnectionPool):
        ConnectionCls = GuardedHTTPSConnection

    pool = GuardedPool(guard, connections)
    pool.pool_classes_by_scheme = {"http": HTTPPool, "https": HTTPSPool}
    return pool
