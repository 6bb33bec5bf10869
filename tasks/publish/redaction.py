"""A version's tables as people may see them: addresses without what lets in whoever knows it."""

import json
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

import pyarrow as pa

from tasks.acquire.address import redact

_ADDRESSES = {"images": ("final_url",), "fetch_log": ("url", "final_url", "detail")}
_EVIDENCE = {"verdicts": ("evidence",)}


def redact_tables(tables: Mapping[str, pa.Table], secrets: Collection[str]) -> dict[str, pa.Table]:
    """Returns the tables of a version with redacted addresses, but for `sources`, by which they are fetched again.

    Args:
        secrets: as `tasks.acquire.address.redact` takes them.
    """
    shown = dict(tables)
    for columns, hide in ((_ADDRESSES, redact), (_EVIDENCE, _redact_json)):
        for name, own in columns.items():
            for column in own:
                shown[name] = _mapped(shown[name], column, partial(hide, secrets=secrets))
    return shown


def redact_sources(sources: pa.Table, secrets: Collection[str]) -> pa.Table:
    """Returns the table `sources` for pages: with redacted addresses."""
    return _mapped(sources, "url", partial(redact, secrets=secrets))


def _mapped(table: pa.Table, column: str, change: Any) -> pa.Table:
    index = table.schema.get_field_index(column)
    values = [value if value is None else change(value) for value in table[column].to_pylist()]
    return table.set_column(index, table.schema.field(index), pa.array(values, pa.string()))


def _redact_json(text: str, secrets: Collection[str]) -> str:
    value = json.loads(text)
    shown = _walk(value, secrets)
    return text if shown == value else json.dumps(shown)


def _walk(value: Any, secrets: Collection[str]) -> Any:
    match value:
        case str():
            return redact(value, secrets)
        case list():
            return [_walk(part, secrets) for part in value]
        case dict():
            return {name: _walk(part, secrets) for name, part in value.items()}
        case _:
            return value
