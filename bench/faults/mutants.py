"""Ground truth in Matlab's format with a few changed bytes: read, or refused in one line, and nobody dies of it."""

import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import numpy as np
from scipy.io import savemat

from bench.faults.result import Drill
from storage.errors import InputError
from tasks.overlap.revisited import read_revisited, revisited_reader

_MOST_CHANGED = 4
_FILES, _QUICK_FILES = 300, 30


def mutate_ground_truth(*, quick: bool) -> Drill:
    """Reads mutants of a ground truth in the form of the revisited sets'."""
    files, begun = _QUICK_FILES if quick else _FILES, monotonic()
    outcomes = read_mutants(files)
    seconds = (monotonic() - begun) / files
    kind = f"Matlab ground truth with 1 to 4 changed bytes: {outcomes['refused']} refused, {outcomes['read']} read"
    return Drill(kind, files, outcomes.total(), seconds=seconds)


def revisited_file(photographs: int = 60, queries: int = 6) -> bytes:
    """A Matlab file in the form of the revisited sets' ground truth."""
    rng = np.random.default_rng(0)
    truths = []
    for _ in range(queries):
        indices = rng.permutation(photographs) + 1
        parts = {"easy": indices[:8], "hard": indices[8:14], "junk": indices[14:16]}
        truths.append({"bbx": rng.random(4), **parts})
    cells = {
        "imlist": [f"tower_{number:06d}" for number in range(photographs)],
        "qimlist": [f"query_{number:06d}" for number in range(queries)],
        "gnd": truths,
    }
    sink = io.BytesIO()
    savemat(sink, {name: np.array(values, object) for name, values in cells.items()})
    return sink.getvalue()


def mutants(content: bytes, count: int) -> Iterator[bytes]:
    """Copies of a file of which one to four bytes are changed; the same for the same file and count."""
    for seed in range(count):
        rng = np.random.default_rng(seed)
        changed = bytearray(content)
        for index in rng.integers(0, len(content), rng.integers(1, _MOST_CHANGED + 1)):
            changed[index] ^= int(rng.integers(1, 256))
        yield bytes(changed)


def read_mutants(count: int) -> Counter[str]:
    """How many mutants were read, and how many refused; any other end of one is raised."""
    outcomes = Counter[str]()
    with TemporaryDirectory() as folder, revisited_reader() as reader:
        file = Path(folder) / "gnd_mutant.mat"
        for content in mutants(revisited_file(), count):
            file.write_bytes(content)
            try:
                read_revisited(file, reader)
                outcomes["read"] += 1
            except InputError:
                outcomes["refused"] += 1
    return outcomes
