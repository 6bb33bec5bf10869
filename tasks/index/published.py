"""The files of an index, made and read back: what lies in its folder is checked before faiss or numpy opens it."""

import io
from pathlib import Path

import numpy as np

from storage.errors import InputError
from tasks.index import build
from tasks.index.build import Numbers, Vectors
from tasks.index.search import Database


def vectors_file(vectors: Vectors) -> bytes:
    """Returns descriptors, float32 (n, d), as a `.npy` file."""
    sink = io.BytesIO()
    np.save(sink, np.ascontiguousarray(vectors, np.float32), allow_pickle=False)
    return sink.getvalue()


def open_database(index: Path, vectors: Path, numbers: Numbers) -> Database:
    """Returns an index and its descriptors, both mapped from their files, of which a search reads what it needs.

    Args:
        index: whose digest was checked: faiss trusts what a file says of its own lengths.
        vectors: is opened as plain numbers, whatever it says that it is.
        numbers: int64 (n,), ascending, of the images in `vectors`.

    Raises:
        InputError: a file is none, or they are not of the same images.
    """
    made = build.read(index)
    if made.ntotal != len(numbers):
        raise InputError(
            f"{index}: an index of {made.ntotal} images beside a table of {len(numbers)}; build the index anew"
        )
    return Database(made, numbers, open_vectors(vectors, len(numbers), made.d))


def open_vectors(path: Path, images: int, dimensions: int) -> Vectors:
    """Maps descriptors, float32 (images, dimensions), from their file as plain numbers, whatever it says that it is.

    Raises:
        InputError: it is none, or not of so many images and dimensions.
    """
    try:
        mapped: Vectors = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"{path}: not a whole .npy file of numbers; build the index anew") from error
    if mapped.dtype != np.float32 or mapped.shape != (images, dimensions):
        raise InputError(
            f"{path}: {mapped.dtype} {mapped.shape}, expected float32 {(images, dimensions)}; build the index anew"
        )
    return mapped
