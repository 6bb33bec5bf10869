"""Descriptors as rows of their table, and back; it needs no torch."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from storage.tables.descriptors import descriptors_of

Vectors = Mapping[str, NDArray[np.float32]]
"""Descriptors by the sha256 of their pictures, float32 (d,) each."""


def pack_descriptors(vectors: Vectors, network: str, dimensions: int) -> pa.Table:
    """Returns the rows of a table `descriptors`, in the order of the pictures' sha256."""
    names = sorted(vectors)
    flat = np.concatenate([np.empty(0, np.float32), *(vectors[name] for name in names)])
    columns = {
        "sha256": pa.array(names, pa.string()),
        "network": pa.array([network] * len(names), pa.string()),
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(flat, pa.float32()), dimensions),
    }
    return pa.table(columns, descriptors_of(dimensions).schema)


def unpack_descriptors(table: pa.Table) -> NDArray[np.float32]:
    """Returns the vectors of a table `descriptors`, in its order: float32 (rows, d)."""
    vectors = table["vector"].combine_chunks()
    flat: NDArray[np.float32] = vectors.flatten().to_numpy()
    return flat.reshape(len(vectors), -1) if len(vectors) else np.empty((0, vectors.type.list_size), np.float32)
