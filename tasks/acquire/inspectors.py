"""Inspection in child processes: a picture that kills, stalls or bloats its decoder costs its own row."""

from queue import LifoQueue
from typing import Self

from storage.reasons import Reason
from tasks.acquire.inspect import Limits, Picture, Rejected, inspect
from tasks.acquire.settings import AcquireSettings
from tasks.isolated import ChildDiedError, ChildHungError, Isolated

_ATTEMPTS = 2  # what the child did before may be to blame once
_FOUR_BYTES = 4  # of a pixel, as Pillow keeps it
_CONTENTS = 2  # the body, and a copy on its way or without its end marker
_ROOM = 64_000_000  # for what decoders keep beside the picture


class Inspectors:
    """`inspect` in a pool of child processes, for any number of threads.

    A child starts when it is first needed, and anew after it died. What it may take beside its code is twice the
    longest body, four bytes for each of `max_pixels`, and 64 MB. A context manager: leaving it ends the children.
    """

    def __init__(self, settings: AcquireSettings, count: int) -> None:
        """`count` is the number of child processes, and so of pictures that are decoded at the same time."""
        self.count = count
        self._limits = Limits(settings.max_pixels, settings.min_side)
        memory = _CONTENTS * settings.max_bytes + _FOUR_BYTES * settings.max_pixels + _ROOM
        self._children = [Isolated(settings.inspect_timeout, memory) for _ in range(count)]
        self._idle = LifoQueue[Isolated]()  # the last first: no more are started than are needed
        for child in self._children:
            self._idle.put(child)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._children:
            child.close()

    def inspect(self, content: bytes) -> Picture | Rejected:
        """The facts of a body, or why it is refused; waits for a child that is idle.

        A child that dies is tried once more. One that does not answer in time is not: it would take as long again.
        """
        child = self._idle.get()
        try:
            return self._ask(child, content)
        finally:
            self._idle.put(child)

    def _ask(self, child: Isolated, content: bytes) -> Picture | Rejected:
        ends = []
        for _ in range(_ATTEMPTS):
            try:
                return child.call(inspect, content, self._limits)
            except ChildHungError as error:
                return Rejected(Reason.HUNG_DECODER, str(error))
            except ChildDiedError as error:
                ends.append(str(error))
        return Rejected(Reason.CRASHED_DECODER, "; ".join(ends))
