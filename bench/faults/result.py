"""What became of what a drill injected."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Drill:
    """One kind of fault, or one fault; they add up.

    Attributes:
        injected, survived: how many faults, and how many of them ended well: the fault was told in a clear line, and
            the same command afterwards gave a whole version; or, of a file, it was refused or read.
        same: how many ended in the digest of an undisturbed run; None where no version belongs to the fault.
        lost: rows of the list without a verdict, in all.
        seconds: from the fault to the clear line, the slowest; None where nothing ends by it.
    """

    kind: str
    injected: int = 0
    survived: int = 0
    same: int | None = None
    lost: int = 0
    seconds: float | None = None


def total(kind: str, drills: Sequence[Drill]) -> Drill:
    """All of them as one."""
    same = [drill.same for drill in drills if drill.same is not None]
    seconds = [drill.seconds for drill in drills if drill.seconds is not None]
    counts = {part: sum(getattr(drill, part) for drill in drills) for part in ("injected", "survived", "lost")}
    return replace(Drill(kind, **counts), same=sum(same) if same else None, seconds=max(seconds, default=None))


def markdown(drills: Sequence[Drill]) -> Iterator[str]:
    """The lines of a table for the docs."""
    yield "| fault | injected | survived | same digest | rows lost | seconds to the clear line, slowest |"
    yield "|---|---|---|---|---|---|"
    for drill in drills:
        same = "" if drill.same is None else f"{drill.same}"
        seconds = "" if drill.seconds is None else f"{drill.seconds:.1f}"
        yield f"| {drill.kind} | {drill.injected} | {drill.survived} | {same} | {drill.lost} | {seconds} |"
