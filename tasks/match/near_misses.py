"""What came nearest to a match, of pictures that match no other of their class: the evidence for `no-match`."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tasks.match.settings import MatchSettings
from tasks.match.verify import Attempt, chance_of, false_alarms


@dataclass
class NearMisses:
    """How many others each picture of a class was compared with, counted from 0, and which comparison came nearest.

    That is the one whose inliers chance gives least often; where none has any, the one with most putative matches.
    """

    compared: Counter[int] = field(default_factory=Counter)
    _matched: set[int] = field(default_factory=set)
    _nearest: dict[int, tuple[tuple[float, int, int], int, Attempt]] = field(default_factory=dict)

    def add(self, a: int, b: int, attempt: Attempt) -> None:
        """Notes that the pictures a and b were compared, a first."""
        if attempt.verification:
            self._matched |= {a, b}
        for own, other in ((a, b), (b, a)):
            self.compared[own] += 1
            rank = (attempt.false_alarms, -attempt.putative, other)
            if own not in self._nearest or rank < self._nearest[own][0]:
                self._nearest[own] = rank, other, attempt

    def rows(self, members: Sequence[dict[str, Any]], settings: MatchSettings) -> list[dict[str, Any]]:
        """Returns rows of the table `near_misses`: of the pictures that no comparison has verified.

        Args:
            members: rows of the table `images`, in the order that pictures are counted in.
        """
        rows = []
        for number, image in enumerate(members):
            if number in self._matched:
                continue
            _, other, attempt = self._nearest.get(number, (None, number, Attempt()))
            size = members[max(number, other)]
            chance = chance_of((size["width"], size["height"]), settings)
            points = attempt.matched if number < other else attempt.matched[:, [2, 3, 0, 1]]
            rows.append(
                {
                    "image_id": image["image_id"],
                    "landmark_id": image["landmark_id"],
                    "compared": self.compared[number],
                    "nearest": members[other]["image_id"] if number in self._nearest else None,
                    "putative": attempt.putative,
                    "inliers": attempt.inliers,
                    "needed": inliers_needed(attempt.putative, chance, settings),
                    "false_alarms": attempt.false_alarms,
                    "lacks": attempt.lacks,
                    "points": np.asarray(points, np.float32).ravel(),
                }
            )
        return rows


def inliers_needed(putative: int, chance: float, settings: MatchSettings) -> int | None:
    """Returns how many inliers would have verified a pair with so many putative matches.

    None where not even all of them.
    """
    counts = range(settings.min_inliers, putative + 1)
    return next((k for k in counts if false_alarms(putative, k, chance) <= settings.false_alarms), None)
