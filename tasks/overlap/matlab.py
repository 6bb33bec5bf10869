"""Reading the revisited sets' ground truth, a Matlab file, where a damaged one can do no harm: in a child process."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from storage.errors import InputError
from tasks.isolated import ChildDiedError, Isolated

_SECONDS, _MEMORY = 60.0, 1 << 29  # the authors' files take half a second and some megabytes
_LONGEST = 1 << 26
_EXPECTED = "expected the lists imlist and qimlist and, per query, gnd with easy, hard and junk"


class Revisited(NamedTuple):
    """A query of the revisited ground truth and the photographs that it names: answers, and what is too hard to say."""

    query: str
    answers: list[str]
    junk: list[str]


def matlab_reader() -> Isolated:
    """A child process in which `read_revisited` reads; its limits are far above what the authors' files take."""
    return Isolated(_SECONDS, _MEMORY)


def read_revisited(file: Path, reader: Isolated) -> list[Revisited]:
    """Reads the Matlab file of the revisited sets: `imlist`, `qimlist` and, per query, places that count from 1.

    SciPy's reader trusts what the file says of its own lengths: one changed byte may take its process down.

    Args:
        reader: see `matlab_reader`; one serves for many files.

    Raises:
        InputError: the file says something else, or reading it failed, whatever way.
    """
    if file.stat().st_size > _LONGEST:
        raise InputError(f"{file}: {file.stat().st_size:,} bytes; {_EXPECTED}, in at most {_LONGEST:,}")
    try:
        return reader.call(parse_revisited, file)
    except ChildDiedError as error:
        raise InputError(f"{file}: damaged: its reader did not survive it ({error}); get the file anew") from error


def parse_revisited(file: Path) -> list[Revisited]:
    """What `read_revisited` does, in the process that calls it.

    Raises:
        InputError: the file says something else than it should, or can't be read.
    """
    from scipy.io import loadmat

    try:
        found: dict[str, Any] = loadmat(file, simplify_cells=True)
        images, queries = (np.atleast_1d(found[name]).tolist() for name in ("imlist", "qimlist"))
        truths: list[Mapping[str, Any]] = np.atleast_1d(found["gnd"]).tolist()
        return list(_queries(images, queries, truths))
    except Exception as error:  # SciPy raises what it stumbles over, from UnboundLocalError to MemoryError
        raise InputError(f"{file}: {type(error).__name__}: {str(error)[:200]}; {_EXPECTED}") from None


def _queries(images: list[str], queries: list[str], truths: list[Mapping[str, Any]]) -> Iterator[Revisited]:
    for query, truth in zip(queries, truths, strict=True):
        easy, hard, junk = ([images[place] for place in _places(truth[kind])] for kind in ("easy", "hard", "junk"))
        if not all(isinstance(name, str) for name in (query, *easy, *hard, *junk)):
            raise TypeError("a name is no text")
        yield Revisited(query, [*easy, *hard], junk)


def _places(value: Any) -> list[int]:
    """Matlab's places, which count from 1, as ours; scipy gives a lone one without its array."""
    places = np.atleast_1d(value).astype(np.int64) - 1
    if (places < 0).any():
        raise ValueError("a place below 1")
    found: list[int] = places.tolist()
    return found
