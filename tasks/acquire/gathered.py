"""What came of the rows of a shard, gathered into tables while it comes, and written down on the way."""

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

import pyarrow as pa

from storage.tables.acquisition import DROPS, FETCH_LOG, IMAGES
from storage.tables.spec import TableSpec
from tasks.acquire.outcome import Outcome
from tasks.acquire.resume import SourceRow

TABLES: tuple[TableSpec[Any], ...] = (IMAGES, DROPS, FETCH_LOG)
"""What a shard is acquired into."""
_TABLE_ROWS = 32  # until then they are dictionaries
_PART_ROWS, _PART_SECONDS, _PART_SHARE = 1000, 30.0, 0.01
"""What is found out is written down when it is so many rows, or the last time is so long ago: a kill costs no more.

But a hundredth of the time that the run has taken: in weeks there would else be millions of parts.
"""


class Gathered:
    """The rows of `TABLES` of a shard, kept as tables: as dictionaries they would take ten times the memory.

    Args:
        write_down: is given what is new among them on the way, by the name of its table.
    """

    def __init__(self, write_down: Callable[[Mapping[str, pa.Table]], None]) -> None:
        self._write_down = write_down
        self._begun = self._written = monotonic()
        self._old, self._new = _Rows(), _Rows()
        self._parts: list[dict[str, pa.Table]] = []

    def add(self, source: SourceRow, outcome: Outcome, *, is_new: bool) -> None:
        """Takes what came of a row of the list."""
        (self._new if is_new else self._old).add(source, outcome)
        now = monotonic()
        late = len(self._new) and now - self._written > max(_PART_SECONDS, _PART_SHARE * (now - self._begun))
        if late or len(self._new) == _PART_ROWS:
            self._parts.append(self._new.tables())
            self._write_down(self._parts[-1])
            self._new, self._written = _Rows(), now

    def tables(self) -> dict[str, pa.Table]:
        """Returns all rows that were added, by the name of their table."""
        parts = [self._old.tables(), *self._parts, self._new.tables()]
        return {spec.name: pa.concat_tables([part[spec.name] for part in parts]) for spec in TABLES}


class _Rows:
    """Rows of `TABLES` on their way into tables."""

    def __init__(self) -> None:
        self._tables: list[list[pa.Table]] = [[] for _ in TABLES]
        self._rows: tuple[list[dict[str, Any]], ...] = ([], [], [])
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, source: SourceRow, outcome: Outcome) -> None:
        rows = (outcome.image_row(source), outcome.drop_row(source), outcome.log_row(source))
        for own, row in zip(self._rows, rows, strict=True):
            own.extend([row] if row else [])
        self._count += 1
        if len(self._rows[-1]) == _TABLE_ROWS:
            self._settle()

    def tables(self) -> dict[str, pa.Table]:
        self._settle()
        return {
            spec.name: pa.concat_tables([spec.schema.empty_table(), *own])
            for spec, own in zip(TABLES, self._tables, strict=True)
        }

    def _settle(self) -> None:
        for spec, own, rows in zip(TABLES, self._tables, self._rows, strict=True):
            own.append(pa.Table.from_pylist(rows, spec.schema))
            rows.clear()
            while len(own) > 1 and own[-2].num_rows <= own[-1].num_rows:  # many small ones take twice the memory
                own[-2:] = [pa.concat_tables(own[-2:]).combine_chunks()]
