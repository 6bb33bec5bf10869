"""What pairs of pictures show of each other, so that none is compared again while both are what they were."""

from collections.abc import Callable, Mapping
from typing import Any

Cells = Mapping[str, Any]
"""What a verified pair shows: the cells of `tasks.match.verify.Verification`."""


class PairMemory:
    """What is known of pairs, each by the marks of its two pictures, one after the other.

    Args:
        known: of pairs that were compared before; None for one that does not show the same thing.

    Attributes:
        used: what is known of the pairs that were asked for, the only ones that are worth keeping.
    """

    def __init__(self, known: Mapping[bytes, Cells | None] | None = None) -> None:
        self._known, self.used = known or {}, dict[bytes, Cells | None]()

    def find(self, pair: bytes, compare: Callable[[], Cells | None]) -> Cells | None:
        """Returns what a pair shows, by what is known or by comparing it."""
        if pair not in self.used:
            self.used[pair] = self._known[pair] if pair in self._known else compare()
        return self.used[pair]
