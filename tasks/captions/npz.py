"""Sparse matrices as files, and back: what a file says of its indices is checked before anything follows them."""

import io
import zipfile

import numpy as np
import scipy.sparse as sp

from storage.errors import DamagedTableError


def to_npz(matrix: sp.csr_array) -> bytes:
    """Returns the file that `scipy.sparse.load_npz` reads.

    The same matrix gives the same bytes: numpy dates no entry.
    """
    sink = io.BytesIO()
    sp.save_npz(sink, matrix, compressed=False)
    return sink.getvalue()


def from_npz(content: bytes, where: str, rows: int, columns: int | None = None) -> sp.csr_array:
    """Reads such a file back; nothing in it is unpickled.

    SciPy's products follow indices wherever they lead: one that is out of range takes the process down.

    Args:
        where: path of the file, for the message of an error.
        rows: that the matrix must have. columns: likewise, where they are known.

    Raises:
        DamagedTableError: it is no file of a CSR matrix of float32 of that shape, or one that contradicts itself.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as members:
            if sum(member.file_size for member in members.infolist()) > len(content):
                raise ValueError("it unfolds to more than it is")
        matrix = sp.load_npz(io.BytesIO(content))
        if matrix.format != "csr" or matrix.dtype != np.float32:  # another one would be converted before it is checked
            raise ValueError(f"a matrix of format {matrix.format} and type {matrix.dtype}")
        if matrix.shape[0] != rows or columns not in (None, matrix.shape[1]):
            raise ValueError(f"its shape is {matrix.shape}")
        matrix.check_format(full_check=True)
        if (np.diff(matrix.indptr) < 0).any():  # of which the check asks only where there is an entry
            raise ValueError("its rows overlap")
    except Exception as error:  # NumPy and SciPy raise what they stumble over
        expected = f"expected a CSR matrix of float32, {rows} × {'any' if columns is None else columns}"
        raise DamagedTableError(f"{where} can't be used ({str(error)[:200]}); {expected}") from error
    return sp.csr_array(matrix)
