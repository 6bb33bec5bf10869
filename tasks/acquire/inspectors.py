"""Inspection in child processes: a picture that kills, stalls or bloats its decoder costs its own row."""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import NamedTuple, Self

from storage.reasons import Reason
from tasks.acquire.inspect import Limits, Picture, Rejected, for_each, inspect
from tasks.acquire.settings import AcquireSettings
from tasks.isolated import ChildDiedError, ChildHungError, Isolated, by_memory

_ATTEMPTS = 2  # what the child did before may be to blame once
_AT_ONCE = 8  # pictures that a child is handed together: it would else wait for the next as long as it takes for one
_THREADS = 2  # for each child: one waits for it while the other sees to what it found
_FOUR_BYTES = 4  # of a pixel, as Pillow keeps it
_CONTENTS = 2  # the bodies, and a copy on its way or without its end marker
_ROOM = 64_000_000  # for what decoders keep beside the picture
_WAITING_EACH = 1_000_000  # bytes of bodies that wait, for each child: what it is handed next
_SHARED = 8_000_000  # bytes of bodies that a child is handed by memory
_LONGEST_PARTING = 2.0  # seconds

Verdict = Picture | Rejected


class _Waiting(NamedTuple):
    """A body that is to be looked at, and who is told what came of it."""

    content: bytes
    then: Callable[[Verdict | Exception], None]


class Inspectors:
    """`inspect` in a pool of child processes, for any number of threads.

    A child starts when it is first needed, and anew after it died. What it may take beside its code is twice the
    longest body, four bytes for each of `max_pixels`, and 64 MB. A context manager: leaving it ends the children.
    """

    def __init__(self, settings: AcquireSettings, count: int) -> None:
        """`count` is the number of child processes, and so of pictures that are decoded at the same time."""
        self.count = count
        self._limits, self._most_bytes = Limits(settings.max_pixels, settings.min_side), settings.max_bytes
        memory = _CONTENTS * settings.max_bytes + _FOUR_BYTES * settings.max_pixels + _ROOM
        self._children = [Isolated(settings.inspect_timeout, memory, _SHARED) for _ in range(count)]
        self._idle = self._children.copy()  # the last first: no more are started than are needed
        self._waiting, self._bytes, self._most_waiting = deque[_Waiting](), 0, _WAITING_EACH * count
        lock = threading.Lock()
        self._work, self._room = threading.Condition(lock), threading.Condition(lock)
        self._closed = False
        self._threads = [
            threading.Thread(target=self._see_to_waiting, name=f"inspect-{n}", daemon=True)
            for n in range(_THREADS * count)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._work:
            self._closed = True
            self._work.notify_all()
            self._room.notify_all()
        end = time.monotonic() + _LONGEST_PARTING
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        for child in self._children:
            child.close()

    def submit(self, content: bytes, then: Callable[[Verdict | Exception], None]) -> None:
        """Has a body looked at; a thread of this pool calls `then`, which must not raise, with what came of it.

        It is given the facts, why the body is refused, or an error of ours. Waits while 1 MB of others a child does.
        """
        with self._room:
            while self._waiting and self._bytes + len(content) > self._most_waiting and not self._closed:
                self._room.wait()
            self._waiting.append(_Waiting(content, then))
            self._bytes += len(content)
            if self._idle:
                self._work.notify()

    def inspect(self, content: bytes) -> Verdict:
        """Returns the facts of a body, or why it is refused."""
        verdict = Future[Verdict | Exception]()
        self.submit(content, verdict.set_result)
        found = verdict.result()
        if isinstance(found, Exception):
            raise found
        return found

    def _see_to_waiting(self) -> None:
        while turn := self._next_turn():
            self._see_to(*turn)
            del turn  # and the bodies with it, while this thread waits for the next

    def _see_to(self, child: Isolated, batch: list[_Waiting]) -> None:
        found = self._ask(child, [waiting.content for waiting in batch])
        with self._work:
            self._idle.append(child)
            if self._waiting:
                self._work.notify()
        for waiting, verdict in zip(batch, found, strict=True):
            waiting.then(verdict)

    def _next_turn(self) -> tuple[Isolated, list[_Waiting]] | None:
        """An idle child and its share of what waits, once there are both; None when there will be no more."""
        with self._work:
            while not (self._idle and self._waiting) and not self._closed:
                self._work.wait()
            if self._closed:
                return None
            share = min(_AT_ONCE, -(-len(self._waiting) // self.count))
            batch, length = [self._waiting.popleft()], 0
            while (
                len(batch) < share
                and (length := length + len(batch[-1].content)) + len(self._waiting[0].content) < self._most_bytes
            ):
                batch.append(self._waiting.popleft())
            self._bytes -= sum(len(waiting.content) for waiting in batch)
            self._room.notify(len(batch))
            return self._idle.pop(), batch

    def _ask(self, child: Isolated, contents: list[bytes]) -> Sequence[Verdict | Exception]:
        """What comes of each body; several that end badly together are looked at one by one.

        A child that dies is tried once more. One that does not answer in time is not: it would take as long again.
        """
        if len(contents) > 1:
            with contextlib.suppress(Exception):  # each is told of its own
                return self._look(child, contents)
        return [self._ask_one(child, content) for content in contents]

    def _ask_one(self, child: Isolated, content: bytes) -> Verdict | Exception:
        ends = []
        for _ in range(_ATTEMPTS):
            try:
                return self._look(child, [content])[0]
            except ChildHungError as error:
                return Rejected(Reason.HUNG_DECODER, str(error))
            except ChildDiedError as error:
                ends.append(str(error))
            except Exception as error:  # it belongs to who asked, who may be another thread
                return error
        return Rejected(Reason.CRASHED_DECODER, "; ".join(ends))

    def _look(self, child: Isolated, contents: Sequence[bytes]) -> list[Verdict]:
        return child.call(for_each, inspect, [by_memory(content) for content in contents], self._limits)
