"""Ground truth in Matlab's format with a few changed bytes: read, or refused in one line, and nobody dies of it."""

from time import monotonic

from bench.faults.result import Drill
from bench.mutants import read_mutants

_FILES, _QUICK_FILES = 300, 30


def mutate_ground_truth(*, quick: bool) -> Drill:
    """Reads mutants of a ground truth in the form of the revisited sets'."""
    files, begun = _QUICK_FILES if quick else _FILES, monotonic()
    survived = read_mutants(files).total()
    return Drill(
        "Matlab ground truth with 1 to 4 changed bytes", files, survived, seconds=(monotonic() - begun) / files
    )
