"""Whose turn it is: requests wait for their hosts, and each host is asked no faster than it may be."""

import heapq
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Generic, NamedTuple, TypeVar

from tasks.acquire.settings import PoliteSettings

_T = TypeVar("_T")


class Turn(NamedTuple, Generic[_T]):
    """A request whose time has come, or one of a host that was given up, for the reason that `given_up` says."""

    host: str
    item: _T
    given_up: str | None


@dataclass
class _Host(Generic[_T]):
    """Times are those of the clock.

    Attributes:
        due: when the last request would have gone at an even pace (GCRA).
        failures: in a row. trips: of its breaker, since a request last went well.
        paused_until: when its breaker is half open, or the time that it asked for itself is over.
    """

    name: str
    interval: float
    burst: int
    waiting: deque[_T] = field(default_factory=deque)
    later: list[tuple[float, int, _T]] = field(default_factory=list)
    running: int = 0
    due: float = 0.0
    failures: int = 0
    trips: int = 0
    paused_until: float = 0.0
    given_up: str | None = None
    listed: float | None = None


class Hosts(Generic[_T]):
    """The requests of a process, queued by host; threads take those whose turn it is.

    A host is asked `host_rate` times a second in the long run and has `host_connections` requests at once. A
    circuit breaker guards each: `host_failures` failures in a row trip it, and while it is open the host is asked
    nothing; half open it lets a single request through, which closes it again or trips it for twice as long. After
    `breaker_trips` trips the host is given up: what waits for it is handed out to be dropped.
    """

    def __init__(self, settings: PoliteSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._clock = settings, clock
        self._hosts: dict[str, _Host[_T]] = {}
        self._ready: list[tuple[float, int, _Host[_T]]] = []
        self._order = count()
        lock = threading.Lock()
        # One idle thread watches the clock, the others sleep until it has something to do: none wakes for nothing.
        self._watcher, self._idle, self._watched = threading.Condition(lock), threading.Condition(lock), False
        self._closed = False

    def put(self, host: str, item: _T, *, delay: float = 0.0, first: bool = False) -> None:
        """Queues a request, as the host's next where it is `first`, or not before `delay` seconds have passed."""
        with self._watcher:
            own = self._host(host)
            if delay:
                heapq.heappush(own.later, (self._clock() + delay, next(self._order), item))
            elif first:
                own.waiting.appendleft(item)
            else:
                own.waiting.append(item)
            self._list(own)

    def take(self) -> Turn[_T] | None:
        """Waits for the next request; None when there will be none, since this is closed."""
        with self._watcher:
            while not self._closed:
                turn = self._take_now()
                if turn:
                    self._idle.notify()
                    return turn
                if self._watched:
                    self._idle.wait()
                else:
                    self._watched = True
                    self._watcher.wait(self._ready[0][0] - self._clock() if self._ready else None)
                    self._watched = False
            return None

    def take_now(self) -> Turn[_T] | None:
        """Returns the next request; None where it is no host's turn yet."""
        with self._watcher:
            return self._take_now()

    def done(self, host: str, *, failed: bool, wait: float = 0.0) -> None:
        """Notes that a request has ended.

        `failed`: by the host's fault; `wait`: seconds for which it asks to be left alone.
        """
        with self._watcher:
            own, now = self._hosts[host], self._clock()
            own.running -= 1
            if not failed:
                own.failures = own.trips = 0
            elif now >= own.paused_until:  # what was under way when the breaker opened tells nothing new
                own.failures += 1
                if own.failures >= self._settings.host_failures:
                    self._trip(own, now)
            own.paused_until = max(own.paused_until, now + wait)
            self._list(own)

    def give_up(self, host: str, reason: str) -> None:
        """Asks a host nothing more from now on."""
        with self._watcher:
            own = self._host(host)
            own.given_up = own.given_up or reason
            self._list(own)

    def slow_down(self, host: str, interval: float) -> None:
        """Leaves at least so many seconds between requests to a host, as its robots.txt asks."""
        with self._watcher:
            own = self._host(host)
            if interval > own.interval:
                own.interval, own.burst = interval, 1

    def close(self) -> None:
        """Lets every thread that waits go."""
        with self._watcher:
            self._closed = True
            self._watcher.notify_all()
            self._idle.notify_all()

    def _host(self, name: str) -> _Host[_T]:
        if name not in self._hosts:
            self._hosts[name] = _Host(name, 1 / self._settings.host_rate, self._settings.host_connections)
        return self._hosts[name]

    def _trip(self, host: _Host[_T], now: float) -> None:
        """Opens a host's breaker, or gives the host up."""
        if host.trips == self._settings.breaker_trips:
            host.given_up = f"{host.failures} failures in a row, left alone {host.trips} times"
        else:
            host.paused_until = now + self._settings.breaker_seconds * 2**host.trips
            host.trips += 1

    def _ready_at(self, host: _Host[_T]) -> float:
        """When the host's next request may go; there must be one."""
        if host.given_up:
            return 0.0
        paced = host.due - (host.burst - 1) * host.interval
        return max(paced, host.paused_until, 0.0 if host.waiting else host.later[0][0])

    def _has_room(self, host: _Host[_T]) -> bool:
        half_open = host.failures >= self._settings.host_failures
        return host.running < (1 if half_open else self._settings.host_connections) or host.given_up is not None

    def _list(self, host: _Host[_T]) -> None:
        """Lists a host among those to be asked, where it has something to ask and room for it."""
        if not (host.waiting or host.later) or not self._has_room(host):
            return
        ready = self._ready_at(host)
        if host.listed is None or ready < host.listed:
            host.listed = ready
            heapq.heappush(self._ready, (ready, next(self._order), host))
            if self._ready[0][2] is host:
                self._watcher.notify()

    def _take_now(self) -> Turn[_T] | None:
        now = self._clock()
        while self._ready and self._ready[0][0] <= now:
            turn = self._next(now)
            if turn:
                return turn
        return None

    def _next(self, now: float) -> Turn[_T] | None:
        """The request of the host listed first; None where its listing is out of date."""
        listed, _, host = heapq.heappop(self._ready)
        if listed != host.listed:
            return None
        host.listed = None
        if not self._has_room(host) or self._ready_at(host) > now:
            self._list(host)
            return None
        if host.later and (not host.waiting or host.later[0][0] <= now):
            item = heapq.heappop(host.later)[2]
        else:
            item = host.waiting.popleft()
        host.running += 1
        host.due = max(now, host.due) + host.interval
        self._list(host)
        return Turn(host.name, item, host.given_up)
