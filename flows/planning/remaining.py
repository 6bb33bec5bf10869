"""What is left of a run's time, from a forecast and what its stages have taken."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Remaining:
    """What is left of a run's time, corrected by what its stages have taken so far.

    Attributes:
        forecast: seconds by stage.
    """

    forecast: Mapping[str, float]
    _began: dict[str, float] = field(default_factory=dict)
    _share: dict[str, float] = field(default_factory=dict)
    _took: dict[str, float] = field(default_factory=dict)

    def advance(self, stage: str, done: int, total: int, now: float) -> None:
        """Notes that so many tasks of a stage are done at a time, in seconds of any clock."""
        began = self._began.setdefault(stage, now)
        self._share[stage] = done / total if total else 1.0
        if self._share[stage] == 1.0:
            self._took[stage] = now - began

    def seconds(self, now: float) -> float | None:
        """Returns seconds left; None without a forecast.

        A stage under way goes on as it began; those to come take as much more, or less, than foreseen as those did
        that have computed so far. Fetching says nothing of computing.
        """
        if not self.forecast:
            return None
        return sum(self._left(stage, seconds, now) for stage, seconds in self.forecast.items())

    def _left(self, stage: str, foreseen: float, now: float) -> float:
        share = self._share.get(stage, 0.0)
        if share:
            return (now - self._began[stage]) * (1 - share) / share if share < 1 else 0.0
        return foreseen * (1.0 if stage == "acquire" else self._pace())

    def _pace(self) -> float:
        ended = [stage for stage in self._took if stage != "acquire" and self.forecast.get(stage)]
        foreseen = sum(self.forecast[stage] for stage in ended)
        return sum(self._took[stage] for stage in ended) / foreseen if foreseen else 1.0
