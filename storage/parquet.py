"""Parquet files whose bytes depend on their rows alone."""

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from storage.errors import DamagedTableError
from storage.root import Root
from storage.tables.spec import FileRef, MatrixRef, R, TableRef, TableSpec

_WRITER: dict[str, Any] = {"compression": "zstd", "compression_level": 3, "version": "2.6", "store_schema": True}
_ROWS_AT_ONCE = 64
"""Rows in memory of a table that is read or written row by row: of `features`, about 15 MB."""


def encode(spec: TableSpec[Any], table: pa.Table, about: Mapping[str, str] | None = None) -> bytes:
    """Returns the table as Parquet bytes: columns by the schema, rows sorted by its key, writer settings fixed.

    The same rows in any order give the same bytes under the same pyarrow version.

    Args:
        about: what the file says of the whole table, in its schema's metadata.

    Raises:
        ValueError: a column is missing or of another type, or two rows share a key.
    """
    rows = pa.Table.from_batches(table.select(spec.schema.names).cast(spec.schema).to_batches(), spec.schema)
    rows = rows.sort_by([(name, "ascending") for name in spec.key]).combine_chunks()
    if rows.num_rows and rows.group_by(list(spec.key), use_threads=False).aggregate([]).num_rows != rows.num_rows:
        raise ValueError(f"table {spec.name}: two rows share a key {spec.key}")
    sink = io.BytesIO()
    pq.write_table(rows.replace_schema_metadata(about), sink, row_group_size=64 * 1024, **_WRITER)
    return sink.getvalue()


def write_table(root: Root, relative: str, spec: TableSpec[R], table: pa.Table, *, flush: bool = True) -> R:
    """Stores a table in one step and returns its reference; `flush` as in `Root.write`."""
    return _write(root, relative, spec.ref, encode(spec, table), table.num_rows, flush=flush)


def write_rows(root: Root, relative: str, spec: TableSpec[R], rows: Iterable[Mapping[str, Any]]) -> R:
    """Stores rows as they come, for tables that are too large for memory; the same rows give the same bytes.

    Raises:
        ValueError: the rows don't ascend by the key.
    """
    coming = iter(rows)
    some = iter(lambda: list(islice(coming, _ROWS_AT_ONCE)), [])
    return write_batches(root, relative, spec, (pa.Table.from_pylist(part, spec.schema) for part in some))


def write_batches(root: Root, relative: str, spec: TableSpec[R], batches: Iterable[pa.Table]) -> R:
    """Stores parts of a table as they come, a row group each; the same parts give the same bytes.

    Raises:
        ValueError: the rows don't ascend by the key.
    """
    count, last = 0, [list[NDArray[Any]]() for _ in spec.key]
    with root.writing(relative) as file:
        with pq.ParquetWriter(file, spec.schema, **_WRITER) as writer:
            for batch in batches:
                keys = [
                    np.concatenate([*end, batch[name].to_numpy()]) for end, name in zip(last, spec.key, strict=True)
                ]
                if not _ascend(keys):
                    raise ValueError(f"table {spec.name}: rows don't ascend by the key {spec.key}")
                writer.write_table(batch.select(spec.schema.names).cast(spec.schema))
                count, last = count + batch.num_rows, [[key[-1:]] for key in keys]
        digest = _digest(file)
    return spec.ref(path=relative, digest=digest, rows=count)


def _ascend(keys: list[NDArray[Any]]) -> bool:
    """Whether each row is larger than the one before, by the first of its columns in which they differ."""
    larger, same = np.zeros(max(len(keys[0]) - 1, 0), bool), np.ones(max(len(keys[0]) - 1, 0), bool)
    for key in keys:
        larger |= same & (key[1:] > key[:-1])
        same &= key[1:] == key[:-1]
    return bool(larger.all())


def read_table(root: Root, ref: TableRef, columns: list[str] | None = None) -> pa.Table:
    """Reads a table back, its bytes checked against the digest of its reference.

    Raises:
        DamagedTableError: the file is gone or holds other bytes.
    """
    with _reading(root, ref) as file:
        # By this thread alone: one of Arrow's that still holds a Python file takes down an interpreter that is ending
        table = pq.ParquetFile(pa.BufferReader(file.read())).read(columns, use_threads=False)
    return table.select(columns) if columns else table


def read_rows(root: Root, ref: TableRef) -> Iterator[dict[str, Any]]:
    """Yields the rows of a table one by one, few of them in memory; its bytes are checked before the first.

    Raises:
        DamagedTableError: the file is gone or holds other bytes.
    """
    for batch in read_batches(root, ref, _ROWS_AT_ONCE):
        yield from batch.to_pylist()


def read_batches(root: Root, ref: TableRef, rows: int, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Yields a table in parts of at most so many rows, one of them in memory; its bytes are checked before the first.

    Raises:
        DamagedTableError: the file is gone or holds other bytes.
    """
    with _reading(root, ref) as file, pq.ParquetFile(file, buffer_size=1 << 20) as table:
        yield from table.iter_batches(rows, columns=columns, use_threads=False)


def write_bytes(root: Root, relative: str, content: bytes, rows: int) -> MatrixRef:
    """Stores what is a table in another format, such as a matrix or an index, in one step; returns its reference."""
    return _write(root, relative, MatrixRef, content, rows, flush=True)


def _write(root: Root, relative: str, kind: type[R], content: bytes, rows: int, *, flush: bool) -> R:
    root.write(relative, content, flush=flush)
    return kind(path=relative, digest=hashlib.sha256(content).hexdigest(), rows=rows)


def read_bytes(root: Root, ref: FileRef) -> bytes:
    """Returns the bytes of a stored file, checked against the digest of its reference.

    Raises:
        DamagedTableError: the file is gone or holds other bytes.
    """
    with _reading(root, ref) as file:
        return file.read()


def is_intact(root: Root, ref: FileRef) -> bool:
    """Returns whether the file is there and its bytes are the promised ones."""
    try:
        with root.reading(ref.path) as file:
            return _digest(file) == ref.digest
    except (OSError, ValueError):  # gone, or no path at all, or one out of the root: someone else prepared the record
        return False


@contextmanager
def _reading(root: Root, ref: FileRef) -> Iterator[BinaryIO]:
    with ExitStack() as stack:
        try:
            file = stack.enter_context(root.reading(ref.path))
        except FileNotFoundError as error:
            message = f"{root.url}/{ref.path} is gone; {_remedy(ref.path)}"
            raise DamagedTableError(message, ref.path) from error
        if _digest(file) != ref.digest:
            message = f"{root.url}/{ref.path} was changed or damaged; {_remedy(ref.path)}"
            raise DamagedTableError(message, ref.path)
        yield file


def _remedy(path: str) -> str:
    """What to do about a file that is not as it was written: what a stage wrote, the command at hand makes anew."""
    return f"run {'the same command' if path.startswith('stages/') else 'the command that made it'} again"


def _digest(file: BinaryIO) -> str:
    """SHA-256 of an open file; leaves it at its beginning."""
    digest = hashlib.sha256()
    file.seek(0)
    while part := file.read(1 << 20):
        digest.update(part)
    file.seek(0)
    return digest.hexdigest()
