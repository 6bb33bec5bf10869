"""Parquet files whose bytes depend on their rows alone."""

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import islice, pairwise
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from storage.errors import DamagedTableError, InputError
from storage.root import Root
from storage.tables import TableRef, TableSpec

_WRITER: dict[str, Any] = {"compression": "zstd", "compression_level": 3, "version": "2.6", "store_schema": True}
_ROWS_AT_ONCE = 64
"""Rows in memory of a table that is read or written row by row: of `features`, about 15 MB."""


def encode(spec: TableSpec, table: pa.Table, about: Mapping[str, str] | None = None) -> bytes:
    """The table as Parquet bytes: columns by the schema, rows sorted by its key, writer settings fixed.

    The same rows in any order give the same bytes under the same pyarrow version.

    Args:
        about: what the file says of the whole table, in its schema's metadata.

    Raises:
        ValueError: a column is missing or of another type, or two rows share a key.
    """
    rows = pa.Table.from_batches(table.select(spec.schema.names).cast(spec.schema).to_batches(), spec.schema)
    rows = rows.sort_by([(name, "ascending") for name in spec.key]).combine_chunks()
    if rows.num_rows and rows.group_by(list(spec.key)).aggregate([]).num_rows != rows.num_rows:
        raise ValueError(f"table {spec.name}: two rows share a key {spec.key}")
    sink = io.BytesIO()
    pq.write_table(rows.replace_schema_metadata(about), sink, row_group_size=64 * 1024, **_WRITER)
    return sink.getvalue()


def write_table(root: Root, relative: str, spec: TableSpec, table: pa.Table) -> TableRef:
    """Stores a table in one step and returns its reference."""
    content = encode(spec, table)
    root.write(relative, content)
    return TableRef(path=relative, digest=hashlib.sha256(content).hexdigest(), rows=table.num_rows)


def write_rows(root: Root, relative: str, spec: TableSpec, rows: Iterable[Mapping[str, Any]]) -> TableRef:
    """Stores rows as they come, for tables that are too large for memory; the same rows give the same bytes.

    Raises:
        ValueError: the rows don't ascend by the key.
    """
    coming, count, last = iter(rows), 0, list[tuple[Any, ...]]()
    with root.writing(relative) as file:
        with pq.ParquetWriter(file, spec.schema, **_WRITER) as writer:
            while some := list(islice(coming, _ROWS_AT_ONCE)):
                keys = [tuple(row[name] for name in spec.key) for row in some]
                if any(first >= second for first, second in pairwise(last + keys)):
                    raise ValueError(f"table {spec.name}: rows don't ascend by the key {spec.key}")
                writer.write_table(pa.Table.from_pylist(some, spec.schema))
                count, last = count + len(some), keys[-1:]
        digest = _digest(file)
    return TableRef(path=relative, digest=digest, rows=count)


def read_table(root: Root, ref: TableRef, columns: list[str] | None = None) -> pa.Table:
    """Reads a table back, its bytes checked against the digest of its reference.

    Raises:
        DamagedTableError: the file is gone or holds other bytes.
    """
    with _reading(root, ref) as file:
        return pq.read_table(io.BytesIO(file.read()), columns=columns)


def read_rows(root: Root, ref: TableRef) -> Iterator[dict[str, Any]]:
    """The rows of a table one by one, few of them in memory; its bytes are checked before the first.

    Raises:
        DamagedTableError: the file is gone or holds other bytes.
    """
    with _reading(root, ref) as file, pq.ParquetFile(file, buffer_size=1 << 20) as table:
        for batch in table.iter_batches(_ROWS_AT_ONCE):
            yield from batch.to_pylist()


def is_intact(root: Root, ref: TableRef) -> bool:
    """Whether the file is there and its bytes are the promised ones."""
    try:
        with root.reading(ref.path) as file:
            return _digest(file) == ref.digest
    except (OSError, InputError):  # gone, or a path out of the root in a record that someone else prepared
        return False


@contextmanager
def _reading(root: Root, ref: TableRef) -> Iterator[BinaryIO]:
    with ExitStack() as stack:
        try:
            file = stack.enter_context(root.reading(ref.path))
        except FileNotFoundError as error:
            message = f"{root.url}/{ref.path} is gone; run the same command again to make it anew"
            raise DamagedTableError(message) from error
        if _digest(file) != ref.digest:
            raise DamagedTableError(f"{root.url}/{ref.path} was changed or damaged; run the same command again")
        yield file


def _digest(file: BinaryIO) -> str:
    """SHA-256 of an open file; leaves it at its beginning."""
    digest = hashlib.sha256()
    file.seek(0)
    while part := file.read(1 << 20):
        digest.update(part)
    file.seek(0)
    return digest.hexdigest()
