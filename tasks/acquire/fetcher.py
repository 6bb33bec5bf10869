"""Fetches many addresses side by side: every request waits for its host's turn, and a row ends with one outcome."""

import queue
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

from storage.reasons import Reason
from tasks.acquire.address import flaw_of, host_of, origin_of
from tasks.acquire.budget import Budget, Claim
from tasks.acquire.fetch import Fetched, fetch_once
from tasks.acquire.hosts import Hosts
from tasks.acquire.pool import Watchdog, open_pool
from tasks.acquire.robots import Decision, Robots
from tasks.acquire.settings import AcquireSettings, PoliteSettings

_R = TypeVar("_R")
Handle = Callable[[int, Fetched, Callable[[_R | BaseException], None]], None]
"""Called with an index, what came, and whom to give what comes of it."""
_LONGEST_WAIT = 300.0
"""Seconds for which a host that asks to be left alone is waited for; one that asks for more is given up for the run."""
_LONGEST_PARTING = 2.0  # seconds; who still waits for a host by then is a transfer that nobody wants any more
_ALLOWED = Decision(spent=False, refusal=None)
_HOST_FAULTS = {Reason.TIMEOUT, Reason.CONNECTION_FAILED, Reason.UNKNOWN_HOST}


class Validators(NamedTuple):
    """What bears this ETag or date is there already: a host that has it still need not send it again."""

    etag: str | None = None
    last_modified: str | None = None

    @property
    def condition(self) -> dict[str, str]:
        """The headers that say so."""
        tag = {"If-None-Match": self.etag} if self.etag else {}
        return tag | ({"If-Modified-Since": self.last_modified} if self.last_modified else {})


@dataclass
class _Batch(Generic[_R]):
    """Addresses that one caller asked for."""

    urls: Sequence[str]
    held: Mapping[str, Validators]
    handle: Handle[_R]
    results: "queue.SimpleQueue[_R | BaseException]" = field(default_factory=queue.SimpleQueue)
    is_cancelled: bool = False


@dataclass(slots=True)
class _Job:
    """An address of a batch on its way to its outcome; `url` is where redirects have led so far."""

    batch: _Batch[Any]
    index: int
    url: str
    redirects: int = 0
    attempts: int = 0
    started_at: datetime | None = None
    clock: float = 0.0

    @property
    def first_url(self) -> str:
        """The address itself."""
        return self.batch.urls[self.index]

    @property
    def condition(self) -> Mapping[str, str]:
        """The headers of a request that need not be answered with what is there already."""
        held = self.batch.held.get(self.first_url)
        return held.condition if held else {}


class Fetcher:
    """Threads that fetch for all callers of a process, so that each host has one queue.

    A context manager: leaving it ends the threads.
    """

    def __init__(self, settings: AcquireSettings, polite: PoliteSettings) -> None:
        self._settings, self._polite = settings, polite
        self._hosts: Hosts[_Job] = Hosts(polite)
        self._pool, self._watchdog = open_pool(settings, polite.host_connections), Watchdog()
        self._threads = [
            threading.Thread(target=self._work, name=f"fetch-{n}", daemon=True) for n in range(polite.connections)
        ]
        self._jitter = random.Random()  # noqa: S311 - not a secret, and not the generator that others may have seeded
        self._robots = Robots(self._request_rules)
        self._budget = Budget(polite.bytes_under_way)

    def __enter__(self) -> "Fetcher":
        self._watchdog.__enter__()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._hosts.close()
        self._budget.close()
        end = time.monotonic() + _LONGEST_PARTING
        for thread in self._threads:  # one that is running when the interpreter ends may take it down
            thread.join(max(0.0, end - time.monotonic()))
        self._watchdog.__exit__()

    def fetch(self, urls: Sequence[str], handle: Handle[_R], held: Mapping[str, Validators] = {}) -> Iterator[_R]:
        """Fetches addresses and hands each outcome to `handle` in one of the threads, with its index.

        Args:
            held: what is there already, by address.

        Returns:
            What `handle` delivers, as it does: at once or later, in any thread, one thing for each address.

        Raises:
            Whatever `handle` raises, or delivers as an error; what has not been asked for by then is not.
        """
        batch = _Batch(urls, held, handle)
        for index, url in enumerate(urls):
            self._hosts.put(host_of(url), _Job(batch, index, url))
        try:
            for _ in urls:
                result = batch.results.get()
                if isinstance(result, BaseException):
                    raise result
                yield result
        finally:
            batch.is_cancelled = True

    def _work(self) -> None:
        while turn := self._hosts.take():
            job = turn.item
            try:
                if job.batch.is_cancelled:
                    self._hosts.done(turn.host, failed=False)
                elif turn.given_up:
                    self._hosts.done(turn.host, failed=False)
                    self._finish(job, Fetched(Reason.HOST_UNAVAILABLE, final_url=job.url, detail=turn.given_up))
                else:
                    self._take_turn(turn.host, job)
            except BaseException as error:  # it belongs to who asked, and this thread to all
                job.batch.results.put(error)

    def _take_turn(self, host: str, job: _Job) -> None:
        """Makes the job's next request, or that for the host's robots.txt, and queues or hands on what follows."""
        if job.started_at is None:
            job.started_at, job.clock = datetime.now(UTC), time.monotonic()
        origin = origin_of(job.url)
        if not origin:
            self._hosts.done(host, failed=False)
            self._finish(job, Fetched(Reason.INVALID_URL, final_url=job.url, detail=flaw_of(job.url)[:300]))
            return
        claim = self._budget.claim()
        try:
            on_crawl_delay = partial(self._slow_down, host)
            decision = self._robots.may_fetch(origin, job.url, on_crawl_delay) if self._settings.robots else _ALLOWED
            waits = decision.spent and not decision.refusal
            answer = None if waits else decision.refusal or self._request(job.url, claim, job.condition)
        except BaseException:  # of ours, not the host's: its turn must not be lost to the others
            self._hosts.done(host, failed=False)
            claim.take(0)
            raise
        if answer is None:
            self._hosts.put(host, job, first=True)
            self._hosts.done(host, failed=False)
            return
        job.attempts += job.redirects == 0
        self._hosts.done(host, failed=_is_hosts_fault(answer), wait=self._heed_wait(host, answer))
        self._go_on(job, answer, claim)

    def _slow_down(self, host: str, interval: float) -> None:
        """Asks a host as seldom as its robots.txt wants; one that wants it too seldom is given up."""
        self._hosts.slow_down(host, interval)
        if interval > _LONGEST_WAIT:
            self._hosts.give_up(host, f"its robots.txt asks for {interval:.0f} s between two requests")

    def _heed_wait(self, host: str, answer: Fetched) -> float:
        """Seconds for which the host is left alone, as it asks; one that asks for too many is given up."""
        wait = answer.wait or 0.0
        if wait <= _LONGEST_WAIT:
            return wait
        self._hosts.give_up(host, f"asks to be left alone for {wait:.0f} s")
        return 0.0

    def _request(self, url: str, claim: Claim, condition: Mapping[str, str]) -> Fetched:
        """Asks for a picture, whose body keeps its share of memory."""
        claim.expect()
        headers = {"User-Agent": self._polite.user_agent, "Accept": "image/*", **condition}
        answer = fetch_once(self._pool, url, headers, self._settings, self._watchdog, claim)
        if answer.body:
            claim.settle(len(answer.body))
        else:
            claim.take(0)
        return answer

    def _request_rules(self, url: str) -> Fetched:
        headers = {"User-Agent": self._polite.user_agent, "Accept": "text/plain, */*"}
        claim = self._budget.claim()
        try:
            return fetch_once(self._pool, url, headers, self._settings, self._watchdog, claim, about_robots=True)
        finally:
            claim.take(0)

    def _go_on(self, job: _Job, answer: Fetched, claim: Claim) -> None:
        """Queues what follows from an answer, or hands the outcome on."""
        if answer.location and job.redirects == self._settings.max_redirects:
            limit = f"more than {self._settings.max_redirects} redirects"
            answer = replace(answer, reason=Reason.REDIRECT_LIMIT, detail=limit, location=None)
        if answer.location:
            job.url, job.redirects = answer.location, job.redirects + 1
            self._hosts.put(host_of(job.url), job, first=True)
        elif answer.heals and job.attempts < self._settings.attempts and (answer.wait or 0.0) <= _LONGEST_WAIT:
            pause = self._polite.backoff * 2 ** (job.attempts - 1) * self._jitter.uniform(0.5, 1.5)
            job.url, job.redirects = job.first_url, 0
            self._hosts.put(host_of(job.url), job, delay=max(pause, answer.wait or 0.0))
        else:
            self._finish(job, answer, claim)

    def _finish(self, job: _Job, answer: Fetched, claim: Claim | None = None) -> None:
        """Hands an outcome on; its body keeps its share of memory until what comes of it is delivered."""

        def deliver(result: Any) -> None:
            if claim:
                claim.take(0)
            job.batch.results.put(result)

        seconds = time.monotonic() - job.clock if job.started_at else 0.0
        outcome = replace(answer, attempts=job.attempts, started_at=job.started_at, seconds=seconds)
        try:
            job.batch.handle(job.index, outcome, deliver)
        except BaseException as error:  # it belongs to who asked
            deliver(error)


def _is_hosts_fault(answer: Fetched) -> bool:
    return answer.reason in _HOST_FAULTS or (answer.reason is Reason.HTTP_ERROR and answer.heals)
