"""Parquet files that strangers made: one of some kilobytes may unfold to gigabytes, and is refused before it does."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from storage.errors import InputError

_FLOOR, _RATIO = 1 << 28, 20
"""A table may take 256 MB, or so many times what its file does: keypoints take 1.4 times, addresses up to 15."""
_ROWS_AT_ONCE, _BYTES_AT_ONCE = 1 << 16, 1 << 26


def read_foreign_schema(where: str, content: pa.Buffer) -> pa.Schema:
    """Returns the schema of a Parquet file, with what it says of the whole table.

    Args:
        where: begins the message of an error: the file's name.
        content: of the file.

    Raises:
        InputError: it is no Parquet file.
    """
    with _opened(where, content) as file:
        return file.schema_arrow


def read_foreign(where: str, content: pa.Buffer, columns: list[str]) -> pa.Table:
    """Reads columns of a Parquet file, unless they would take far more memory than the file does.

    Values that repeat stand in a file once, in dictionaries, and unfold to as many copies as there are rows. So the
    footer is asked for the length of all that is not a dictionary's, and dictionaries are read as such and measured,
    before anything unfolds.

    Args:
        where: begins the message of an error: the file's name.
        content: of the file.
        columns: that it has, of plain values: texts, bytes or numbers.

    Raises:
        InputError: the file is damaged, unfolds to too much, or one of the columns holds lists, structures or the like.
    """
    most = max(_FLOOR, _RATIO * content.size)
    with _opened(where, content) as file:
        schema = file.schema_arrow
        for name in columns:
            if pa.types.is_nested(schema.field(name).type):
                raise InputError(f"{where}: column {name}: expected text or numbers, not {schema.field(name).type}")
        wide = [name for name in columns if _is_wide(schema.field(name).type)]
        footer = file.metadata
        if _announced(where, footer, set(columns)) > most or _unfolded(where, content, footer, wide, most) > most:
            raise InputError(
                f"{where}: {content.size:,} bytes that unfold to more than {most:,}; write it anew, with fewer rows or "
                "shorter values"
            )
        table = file.read(columns, use_threads=False)
        table.validate(full=True)  # or texts that are none are found out one by one, wherever they are looked at
        return table


@contextmanager
def _opened(where: str, content: pa.Buffer, dictionaries: list[str] | None = None) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(pa.BufferReader(content), read_dictionary=dictionaries) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{where}: not a Parquet file ({error})") from error


def _is_wide(kind: pa.DataType) -> bool:
    """Whether values of a type are as long as they like."""
    return any(
        test(kind)
        for test in (pa.types.is_binary, pa.types.is_string, pa.types.is_large_binary, pa.types.is_large_string)
    )


def _announced(where: str, footer: pq.FileMetaData, columns: set[str]) -> int:
    """Bytes of columns by the footer: as they are encoded, and eight for each value."""
    total = 0
    for number in range(footer.num_row_groups):
        group = footer.row_group(number)
        for chunk in (group.column(index) for index in range(group.num_columns)):
            if chunk.path_in_schema not in columns:
                continue
            if "DELTA_BYTE_ARRAY" in chunk.encodings:  # a value is told by what it has in common with the one before
                raise InputError(
                    f"{where}: column {chunk.path_in_schema}: is encoded as DELTA_BYTE_ARRAY, of which nobody can say "
                    "how far it unfolds; write it anew without"
                )
            total += chunk.total_uncompressed_size + 8 * max(chunk.num_values, group.num_rows)
    return total


def _unfolded(where: str, content: pa.Buffer, footer: pq.FileMetaData, columns: list[str], most: int) -> int:
    """Bytes of the values of columns of any length, or some number above `most`."""
    total, length = 0, max(_announced(where, footer, set(columns)), 1)
    rows = min(_ROWS_AT_ONCE, max(1, _BYTES_AT_ONCE * footer.num_rows // length))
    with _opened(where, content, columns) as file:
        for batch in file.iter_batches(rows, columns=columns, use_threads=False):
            for values in batch.columns:
                lengths = pc.binary_length(values.dictionary)
                total += pc.sum(lengths.take(values.indices)).as_py() or 0
            if total > most:
                break
    return total
