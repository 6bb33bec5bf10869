"""Parquet files whose bytes depend on their rows alone."""

import hashlib
import io

import pyarrow as pa
import pyarrow.parquet as pq

from storage.errors import DamagedTableError, InputError
from storage.root import Root
from storage.tables import TableRef, TableSpec


def encode(spec: TableSpec, table: pa.Table) -> bytes:
    """The table as Parquet bytes: columns by the schema, rows sorted by its key, writer settings fixed.

    The same rows in any order give the same bytes under the same pyarrow version.

    Raises:
        ValueError: a column is missing or of another type, or two rows share a key.
    """
    rows = pa.Table.from_batches(table.select(spec.schema.names).cast(spec.schema).to_batches(), spec.schema)
    rows = rows.sort_by([(name, "ascending") for name in spec.key]).combine_chunks()
    if rows.num_rows and rows.group_by(list(spec.key)).aggregate([]).num_rows != rows.num_rows:
        raise ValueError(f"table {spec.name}: two rows share a key {spec.key}")
    sink = io.BytesIO()
    pq.write_table(
        rows, sink, compression="zstd", compression_level=3, version="2.6", row_group_size=64 * 1024, store_schema=True
    )
    return sink.getvalue()


def write_table(root: Root, relative: str, spec: TableSpec, table: pa.Table) -> TableRef:
    """Stores a table in one step and returns its reference."""
    content = encode(spec, table)
    root.write(relative, content)
    return TableRef(path=relative, digest=hashlib.sha256(content).hexdigest(), rows=table.num_rows)


def read_table(root: Root, ref: TableRef, columns: list[str] | None = None) -> pa.Table:
    """Reads a table back, its bytes checked against the digest of its reference.

    Raises:
        DamagedTableError: the file is gone or holds other bytes.
    """
    try:
        content = root.read(ref.path)
    except FileNotFoundError as error:
        raise DamagedTableError(f"{root.url}/{ref.path} is gone; run the same command again to make it anew") from error
    if hashlib.sha256(content).hexdigest() != ref.digest:
        raise DamagedTableError(f"{root.url}/{ref.path} was changed or damaged; run the same command again")
    return pq.read_table(io.BytesIO(content), columns=columns)


def is_intact(root: Root, ref: TableRef) -> bool:
    """Whether the file is there and its bytes are the promised ones."""
    try:
        return hashlib.sha256(root.read(ref.path)).hexdigest() == ref.digest
    except (OSError, InputError):  # gone, or a path out of the root in a record that someone else prepared
        return False
