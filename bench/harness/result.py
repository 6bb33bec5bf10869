"""What a bench found, and whether it reaches what was promised."""

import json
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Comparison = Literal["<=", ">=", "=="]
Figure = float | None
"""A measured number; None where there was nothing to measure."""

_HOLDS: dict[Comparison, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
}


@dataclass(frozen=True)
class Result:
    """The figures of a bench, and for those that carry a claim the comparison with its target."""

    figures: Mapping[str, Figure]
    targets: Mapping[str, tuple[Comparison, float]]

    def misses(self) -> list[str]:
        """The names of the figures that miss their target; one that could not be measured misses it."""
        return [name for name in self.targets if not self._holds(name)]

    def table(self) -> Iterator[str]:
        """A line per figure, for people."""
        for name, figure in self.figures.items():
            shown = "nothing measured" if figure is None else f"{figure:,.4g}" if figure % 1 else f"{figure:,.0f}"
            if name in self.targets:
                comparison, target = self.targets[name]
                shown += f"  {'holds' if self._holds(name) else 'MISSES'} {comparison} {target:g}"
            yield f"{name:24} {shown}"

    def line(self, name: str) -> str:
        """The same as one line of JSON, for programs."""
        return json.dumps(
            {"bench": name, "figures": dict(self.figures), "targets": dict(self.targets)}, allow_nan=False
        )

    def _holds(self, name: str) -> bool:
        comparison, target = self.targets[name]
        figure = self.figures[name]
        return figure is not None and _HOLDS[comparison](figure, target)
