"""Memory that all bodies under way share: who finds no room waits, the oldest first."""

import heapq
import threading
from dataclasses import dataclass, field
from itertools import count

_LATEST = 16  # bodies over which the usual length is told


class Budget:
    """A number of bytes that all bodies share which are under way together. Thread-safe.

    One body at a time may go beyond, so that there is always one that gets on, however long it is: taken are at most
    the budget and one body.
    """

    def __init__(self, total: int) -> None:
        self.usual, self._free = 0.0, total
        self._beyond: Claim | None = None
        self._waiting: list[Claim] = []
        self._order, self._room, self._closed = count(), threading.Condition(), False

    def claim(self) -> "Claim":
        """Returns a share for a body, of nothing so far."""
        return Claim(next(self._order), self)

    def close(self) -> None:
        """Lets every thread that waits go."""
        with self._room:
            self._closed = True
            self._room.notify_all()

    def take(self, claim: "Claim", size: int) -> None:
        """Makes a share so large; waits while there is no room for more."""
        with self._room:
            more = size - claim.size
            if more > 0 and (self._waiting or more > self._free):
                self._wait(claim, more)
            self._free -= more
            claim.size = size
            if claim is self._beyond and not size:
                self._beyond = None
            if self._waiting:
                self._room.notify_all()

    def _wait(self, claim: "Claim", more: int) -> None:
        """Waits until it is this one's turn, and there is room or nobody else is beyond."""
        heapq.heappush(self._waiting, claim)
        while not self._closed and self._beyond is not claim:
            is_next = self._waiting[0] is claim
            if is_next and more <= self._free:
                break
            if is_next and self._beyond is None:
                self._beyond = claim
            else:
                self._room.wait()
        self._waiting.remove(claim)
        heapq.heapify(self._waiting)


@dataclass(order=True)
class Claim:
    """A body's share of a budget, `size` bytes; the older comes first."""

    number: int
    budget: Budget = field(compare=False)
    size: int = field(default=0, compare=False)

    def take(self, size: int) -> None:
        """Makes the share so large; waits while there is no room for more."""
        self.budget.take(self, size)

    def expect(self) -> None:
        """Takes what bodies usually come to: no more of them are asked for than there will be room for."""
        self.take(int(self.budget.usual))

    def settle(self, length: int) -> None:
        """Takes what the body came to."""
        self.budget.usual += (length - self.budget.usual) / _LATEST
        self.take(length)
