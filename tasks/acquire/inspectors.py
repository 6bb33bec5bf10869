"""Inspection in child processes: a picture that kills, stalls or bloats its decoder costs its own row."""

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Self

from storage.reasons import Reason
from tasks.acquire.inspect import Limits, Picture, Rejected, for_each, inspect
from tasks.acquire.settings import AcquireSettings
from tasks.isolated import ChildDiedError, ChildHungError, Isolated

_ATTEMPTS = 2  # what the child did before may be to blame once
_AT_ONCE = 8  # pictures that a child is handed together: it would else wait for the next as long as it takes for one
_FOUR_BYTES = 4  # of a pixel, as Pillow keeps it
_CONTENTS = 2  # the bodies, and a copy on its way or without its end marker
_ROOM = 64_000_000  # for what decoders keep beside the picture

Verdict = Picture | Rejected


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
        self._children = [Isolated(settings.inspect_timeout, memory) for _ in range(count)]
        self._idle = self._children.copy()  # the last first: no more are started than are needed
        self._waiting = deque[tuple[bytes, Future[Verdict]]]()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._children:
            child.close()

    def inspect(self, content: bytes) -> Verdict:
        """The facts of a body, or why it is refused.

        A thread that finds a child idle hands it what waits, its own body and others', until nothing does; the others
        wait. A child that dies is tried once more. One that does not answer in time is not: it would take as long
        again.
        """
        verdict = Future[Verdict]()
        with self._lock:
            self._waiting.append((content, verdict))
            child = self._idle.pop() if self._idle else None
        while child:
            batch = self._next_batch(child)
            if not batch:
                break
            for (_, waiting), found in zip(batch, self._ask(child, [body for body, _ in batch]), strict=True):
                waiting.set_exception(found) if isinstance(found, Exception) else waiting.set_result(found)
        return verdict.result()

    def _next_batch(self, child: Isolated) -> list[tuple[bytes, "Future[Verdict]"]]:
        """What the child is handed next, its share of what waits; where that is nothing, it is idle."""
        with self._lock:
            if not self._waiting:
                self._idle.append(child)
                return []
            batch, length = [self._waiting.popleft()], 0
            share = min(_AT_ONCE, 1 + len(self._waiting) // self.count)
            while (
                len(batch) < share
                and (length := length + len(batch[-1][0])) + len(self._waiting[0][0]) < self._most_bytes
            ):
                batch.append(self._waiting.popleft())
            return batch

    def _ask(self, child: Isolated, contents: list[bytes]) -> Sequence[Verdict | Exception]:
        """What comes of each body; several that end badly together are looked at one by one."""
        if len(contents) > 1:
            try:
                return child.call(for_each, inspect, contents, self._limits)
            except ChildDiedError:
                pass
        return [self._ask_one(child, content) for content in contents]

    def _ask_one(self, child: Isolated, content: bytes) -> Verdict | Exception:
        ends = []
        for _ in range(_ATTEMPTS):
            try:
                return child.call(inspect, content, self._limits)
            except ChildHungError as error:
                return Rejected(Reason.HUNG_DECODER, str(error))
            except ChildDiedError as error:
                ends.append(str(error))
            except Exception as error:  # it belongs to who asked, who may be another thread
                return error
        return Rejected(Reason.CRASHED_DECODER, "; ".join(ends))
