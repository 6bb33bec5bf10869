"""Rows of annotations in batches, and what is left out of them."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from storage.errors import InputError
from tasks.captions.fields import Row
from tasks.captions.records import Record
from tasks.captions.settings import ParseSettings

_BATCH = 1 << 14
_SHOWN = 3


def in_batches(parts: Iterator[list[Row]], schema: pa.Schema) -> Iterator[pa.Table]:
    """Yields tables of rows that come in parts; none ends within a part."""
    rows: list[Row] = []
    for part in parts:
        if len(rows) >= _BATCH:
            yield _table(rows, schema)
            rows = []
        rows += part
    if rows:
        yield _table(rows, schema)


def leave_out(
    skipped: list[dict[str, Any]], source: str, record: Record, item: int, problem: str, settings: ParseSettings
) -> None:
    """Adds a row of `skipped_records` to those of its file.

    Args:
        item: the part of the record that is malformed; -1: all of it.

    Raises:
        InputError: now more is left out than the settings allow.
    """
    location = {"source": source, "record": record.number, "item": item, "offset": record.offset}
    skipped.append({**location, "problem": problem})
    if len(skipped) > settings.max_malformed:
        firsts = "; ".join(_told(row) for row in skipped[:_SHOWN])
        raise InputError(f"more than {settings.max_malformed} malformed records ([parse] max_malformed): {firsts}")


def _told(skipped: dict[str, Any]) -> str:
    part = f", part {skipped['item']}" if skipped["item"] >= 0 else ""
    return f"record {skipped['record']}{part} (byte {skipped['offset']}): {skipped['problem']}"


def _table(rows: list[Row], schema: pa.Schema) -> pa.Table:
    columns = [pa.array([row[index] for row in rows], field.type) for index, field in enumerate(schema)]
    return pa.Table.from_arrays(columns, schema=schema)
