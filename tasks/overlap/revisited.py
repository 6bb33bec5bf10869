"""Reading the revisited sets' ground truth, a Matlab file or a pickle, where a bad one can do no harm: in a child."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from storage.errors import InputError
from tasks.isolated import ChildDiedError, Isolated
from tasks.overlap.pickled import RefusedError, read_plain

SUFFIXES = (".mat", ".pkl")
_SECONDS, _MEMORY = 60.0, 1 << 29  # the authors' files take half a second and some megabytes
_LONGEST = 1 << 26
_EXPECTED = "expected the lists imlist and qimlist and, per query, gnd with bbx, easy, hard and junk"


class Revisited(NamedTuple):
    """A query of the revisited ground truth, and the photographs that it names.

    Attributes:
        box: x1, y1, x2, y2 in pixels of the query.
        easy, hard: answers; junk: what is too hard to say.
    """

    query: str
    box: tuple[float, float, float, float]
    easy: list[str]
    hard: list[str]
    junk: list[str]


def revisited_reader() -> Isolated:
    """Returns a child process in which `read_revisited` reads.

    Its limits are far above what the authors' files take.
    """
    return Isolated(_SECONDS, _MEMORY)


def read_revisited(file: Path, reader: Isolated) -> list[Revisited]:
    """Reads the ground truth of the revisited sets: `imlist`, `qimlist` and, per query, indices into the former.

    SciPy's reader of Matlab files trusts what a file says of its own lengths: one changed byte may take its process
    down. A pickle may ask for any memory.

    Args:
        file: `.mat`, whose indices count from 1, or `.pkl`, whose indices count from 0.
        reader: see `revisited_reader`; one serves for many files.

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
    """Returns what `read_revisited` does, in the process that calls it.

    Raises:
        InputError: the file says something else than it should, or can't be read.
    """
    try:
        found, first = (read_plain(file.read_bytes()), 0) if file.suffix == ".pkl" else (_load_matlab(file), 1)
        images, queries = (np.atleast_1d(found[name]).tolist() for name in ("imlist", "qimlist"))
        truths: list[Mapping[str, Any]] = np.atleast_1d(found["gnd"]).tolist()
        return list(_queries(images, queries, truths, first))
    except RefusedError as error:
        raise InputError(f"{file}: refused, nothing of it was run: {str(error)[:200]}; {_EXPECTED}") from None
    except Exception as error:  # SciPy raises what it stumbles over, UnboundLocalError too; so does Pickle
        raise InputError(f"{file}: {type(error).__name__}: {str(error)[:200]}; {_EXPECTED}") from None


def _load_matlab(file: Path) -> dict[str, Any]:
    from scipy.io import loadmat

    return loadmat(file, simplify_cells=True)  # type: ignore[no-any-return]


def _queries(images: list[str], queries: list[str], truths: list[Mapping[str, Any]], first: int) -> Iterator[Revisited]:
    for query, truth in zip(queries, truths, strict=True):
        easy, hard, junk = ([images[at] for at in _indices(truth[kind], first)] for kind in ("easy", "hard", "junk"))
        if not all(isinstance(name, str) for name in (query, *easy, *hard, *junk)):
            raise TypeError("a name is no text")
        x1, y1, x2, y2 = (float(edge) for edge in truth["bbx"])
        yield Revisited(query, (x1, y1, x2, y2), easy, hard, junk)


def _indices(value: Any, first: int) -> list[int]:
    """Indices as we count them, from 0; scipy gives a lone one without its array."""
    indices = np.atleast_1d(value).astype(np.int64) - first
    if (indices < 0).any():
        raise ValueError(f"an index below {first}")
    found: list[int] = indices.tolist()
    return found
