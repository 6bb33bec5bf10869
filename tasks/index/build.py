"""Compressed indexes over descriptors: learning, filling, changing and keeping them, by faiss."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import faiss
import numpy as np
from numpy.typing import NDArray

from storage.errors import InputError

Vectors = NDArray[np.float32]
Numbers = NDArray[np.int64]
Index = Any
"""A faiss index, of which faiss has no types."""
_TURNS = 10  # iterations of OPQ, of which faiss makes fifty; what the others would find was not compared


def numbers_of(sha256: Sequence[str]) -> Numbers:
    """Returns the number of each image in an index: the first 63 bits of its digest, the same in every version.

    Args:
        sha256: digests, hexadecimal.

    Raises:
        InputError: two images have one number.
    """
    numbers = np.array([int(digest[:16], 16) >> 1 for digest in sha256], np.int64)
    order = np.argsort(numbers, kind="stable")
    twice = np.flatnonzero(np.diff(numbers[order]) == 0)
    if len(twice):
        first, second = (sha256[order[number]] for number in (twice[0], twice[0] + 1))
        raise InputError(f"images {first} and {second} have one number in an index; leave one of them out")
    return numbers


def learn(vectors: Vectors, factory: str, probes: int) -> Index:
    """Returns an empty index of squared distances that has learnt what its kind needs from descriptors.

    Of unit vectors the nearest are the most similar. Squared distances stay what they are when PCA centres and turns
    the descriptors; products would not.

    Args:
        vectors: float32 (n, d), to learn from.
        factory: what faiss' `index_factory` reads, such as `Flat`, `PCA512,PQ64np` or `HNSW32`.
        probes: lists of an inverted file that a search looks at.

    Raises:
        InputError: faiss can't make this of these descriptors; what it says of it is in the text.
    """
    with explain_faiss(factory, vectors):
        index: Index = faiss.index_factory(vectors.shape[1], factory)
        lists = faiss.try_extract_index_ivf(index)
        if lists is not None:
            lists.nprobe = probes
        for turn in _turns(index):
            turn.niter = _TURNS
        index.train(np.ascontiguousarray(vectors))
    return index if lists is not None else faiss.IndexIDMap2(index)


@contextmanager
def explain_faiss(factory: str, vectors: Vectors) -> Iterator[None]:
    """Raises InputError for what faiss complains of an index: some kinds it makes, and then can't fill or search."""
    try:
        yield
    except RuntimeError as error:
        said = str(error).partition("Error: ")[2].partition(" failed: ")[-1] or str(error).rpartition(": ")[2]
        raise InputError(
            f"index {factory!r} of {len(vectors):,} descriptors of {vectors.shape[1]} dimensions: faiss says {said!r}; "
            "give another factory string, or none and have one chosen"
        ) from error


def add(index: Index, numbers: Numbers, vectors: Vectors) -> None:
    """Adds descriptors, float32 (n, d), under their numbers."""
    index.add_with_ids(np.ascontiguousarray(vectors), numbers)


def remove(index: Index, numbers: Numbers) -> bool:
    """Removes what has these numbers; returns whether this kind of index can (a graph can't: it is built anew)."""
    if not len(numbers):
        return True
    if _has_graph(index):
        return False
    index.remove_ids(numbers)
    return True


def refill(index: Index, numbers: Numbers, vectors: Vectors) -> Index:
    """Returns the index with other descriptors in place of its own, float32 (n, d); what it has learnt stays."""
    index.reset()
    add(index, numbers, vectors)
    return index


def bytes_per_vector(index: Index) -> float:
    """Returns the length of the index' file by the number of its descriptors: what is learnt counts too."""
    return float(len(faiss.serialize_index(index)) / max(index.ntotal, 1))


def write(index: Index, file: BinaryIO) -> None:
    """Writes an index as faiss does."""
    library: Any = faiss  # of which mypy sees a part
    library.write_index(index, library.PyCallbackIOWriter(file.write))


def read(path: Path) -> Index:
    """Reads the file of an index whose digest was checked: faiss trusts what a file says of its own lengths.

    Codes are left on the disk, to be read where a search needs them; such an index takes no changes.

    Raises:
        InputError: it is none.
    """
    with _told_of(str(path)):
        return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)


def parse(content: bytes, name: str) -> Index:
    """Returns the index of such a file in memory, which takes changes.

    Args:
        name: of the file, for messages.

    Raises:
        InputError: it is none.
    """
    with _told_of(name):
        return faiss.deserialize_index(np.frombuffer(content, np.uint8))


@contextmanager
def _told_of(name: str) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise InputError(f"{name}: not an index that faiss {faiss.__version__} reads; build it anew") from error


def _turns(index: Index) -> list[Any]:
    """The rotations of OPQ in an index that is not numbered yet."""
    if not isinstance(index, faiss.IndexPreTransform):
        return []
    steps: Any = index.chain
    made = [faiss.downcast_VectorTransform(steps.at(number)) for number in range(steps.size())]
    return [step for step in made if isinstance(step, faiss.OPQMatrix)]


def _has_graph(index: Index) -> bool:
    inner = faiss.downcast_index(index.index) if hasattr(index, "index") else index
    if isinstance(inner, faiss.IndexPreTransform):
        inner = faiss.downcast_index(inner.index)
    return isinstance(inner, faiss.IndexHNSW)
