"""Parquet files with the columns of a list."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from storage.errors import InputError
from storage.foreign import read_foreign, read_foreign_schema
from tasks.acquire.lists.rows import COLUMNS, Rows, check_header

SUFFIXES = (".parquet", ".pq")
_MARK = b"PAR1"


def is_parquet(path: Path) -> bool:
    """Returns whether a file is Parquet, by its first bytes or by its name."""
    with path.open("rb") as file:
        return file.read(len(_MARK)) == _MARK or path.suffix.lower() in SUFFIXES


def read_columnar(path: Path) -> Rows:
    """Reads a Parquet file with the columns id, url, landmark_id, which hold text or numbers.

    Raises:
        InputError: names the row, or the column.
    """
    where = str(path)
    content = pa.py_buffer(path.read_bytes())
    names = read_foreign_schema(where, content).names
    check_header(path, [name.strip() for name in names])
    chosen = [next(name for name in names if name.strip() == column) for column in COLUMNS]
    table = read_foreign(where, content, chosen)
    ids, urls, labels = (_texts(path, name, table[name]) for name in chosen)
    return Rows("row", range(1, table.num_rows + 1), ids, urls, labels)


def _texts(path: Path, name: str, column: pa.ChunkedArray) -> list[str]:
    """The cells of a column as CSV would have them; "" for those without a value."""
    if pa.types.is_floating(column.type):
        column = _whole_numbers(path, name, column)
    try:
        column = column.cast(pa.large_string())
    except pa.ArrowException as error:
        raise InputError(f"{path}: column {name}: expected text or numbers, not {column.type}") from error
    return [(text or "").strip() for text in column.to_pylist()]


def _whole_numbers(path: Path, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Floats as the whole numbers that they stand for, NaN as no value; refused where they may have lost digits."""
    exact = 2 ** {16: 11, 32: 24, 64: 53}[column.type.bit_width]
    column = pc.if_else(pc.is_nan(column), None, column).cast(pa.float64())
    wrong = pc.or_(pc.not_equal(pc.floor(column), column), pc.greater_equal(pc.abs(column), float(exact)))
    row = pc.index(wrong, True).as_py()
    if row >= 0:
        raise InputError(
            f"{path}: row {row + 1}, column {name}: {column[row].as_py()!r}, expected whole numbers below {exact:,}; "
            "write the column as text or as whole numbers"
        )
    return column.cast(pa.int64())
