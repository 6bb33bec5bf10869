"""The newest outcome of each shard of a dataset, and what an interrupted run had found by then."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, Field, ValidationError

from storage.parquet import encode
from storage.root import Root
from storage.tables.spec import TableRef, TableSpec

_HEAD = "head.json"
SPARE_IMAGES, SPARE_LOG = "spare_images", "spare_log"
"""Tables of a head with the stored pictures that are not among its images, as `images` and `fetch_log` by address."""


class Turn(NamedTuple):
    """One working out of a shard: which it is, and digests of the settings that it asks and looks at pictures under."""

    generation: int
    asking: str
    looking: str

    @property
    def name(self) -> str:
        """The name of the folder of its journal."""
        return f"{self.generation}-{self.asking}-{self.looking}"


class Head(BaseModel):
    """What the next run need not find out again about a shard."""

    generation: int = Field(description="rises whenever something is worked out again")
    rows: str = Field("", description="digest of the shard's rows that it is the outcome of")
    asking: str = Field("", description="digest of the settings that hosts were asked under")
    looking: str = Field("", description="digest of the settings that pictures were looked at under, and of the stage")
    failed: int = Field(description="rows without a picture")
    oldest_failure: datetime | None = Field(description="when the first of them was last tried")
    tables: dict[str, TableRef]

    def is_of(self, rows: TableRef, turn: Turn) -> bool:
        """Returns whether it is the outcome of just these rows under just these settings."""
        return (self.rows, self.asking, self.looking) == (rows.digest, turn.asking, turn.looking)


def shard_folder(dataset: str, shard: str) -> str:
    """Returns where a root keeps what it knows of a shard of a dataset."""
    return f"stages/acquire/heads/{dataset}/{shard}"


def read_head(root: Root, folder: str) -> Head | None:
    """Returns the newest outcome kept in a folder, or None before its first, or where the file is damaged."""
    try:
        return Head.model_validate_json(root.read(f"{folder}/{_HEAD}"))
    except (FileNotFoundError, ValidationError):
        return None


def write_head(root: Root, folder: str, head: Head) -> None:
    """Keeps an outcome in place of the one before, and of all that was written down on the way to one.

    What it tells of is flushed first.
    """
    root.flush()
    root.write(f"{folder}/{_HEAD}", head.model_dump_json().encode())
    for journal in root.names(folder):
        if journal != _HEAD:
            root.remove(f"{folder}/{journal}")


def interrupted(root: Root, folder: str, head: Head | None) -> list[Turn]:
    """Returns the turns that were begun since the head and did not come to their end, oldest first."""
    turns = []
    for name in root.names(folder):
        number, asking, looking = (*name.split("-", 2), "", "")[:3]
        if number.isdecimal() and (head is None or int(number) > head.generation):
            turns.append(Turn(int(number), asking, looking))
    return sorted(turns)


class Journal:
    """Rows of some tables, written down part by part while they are found, so that a run that is killed loses few.

    Args:
        specs: the tables; a part counts once it has rows of the last of them.
    """

    def __init__(self, root: Root, folder: str, specs: Sequence[TableSpec[Any]]) -> None:
        self._root, self._folder, self._specs = root, folder, specs
        complete = (name.removesuffix(self._suffix(specs[-1])) for name in root.names(folder))
        self._parts = {int(number) for number in complete if number.isdecimal()}

    def add(self, tables: Mapping[str, pa.Table]) -> None:
        """Writes rows down, by the name of their table; what they tell of is flushed first.

        The part itself is not: one that a loss of power takes is found out again.
        """
        self._root.flush()
        number = max(self._parts, default=0) + 1
        for spec in self._specs:
            path = f"{self._folder}/{number}{self._suffix(spec)}"
            self._root.write(path, encode(spec, tables[spec.name]), flush=False)
        self._parts.add(number)

    def read(self, spec: TableSpec[Any]) -> pa.Table:
        """Returns all rows of a table that were written down."""
        parts = [self._read_part(number, spec) for number in sorted(self._parts)]
        return pa.concat_tables([spec.schema.empty_table(), *(part for part in parts if part is not None)])

    def _read_part(self, number: int, spec: TableSpec[Any]) -> pa.Table | None:
        """A part; None where it is damaged, so that its rows are found out again."""
        try:
            content = self._root.read(f"{self._folder}/{number}{self._suffix(spec)}")
        except FileNotFoundError:
            return None
        try:
            return pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False).cast(spec.schema)
        except (OSError, pa.ArrowException, ValueError):  # OSError is Arrow's, of a file that ends too soon
            return None

    @staticmethod
    def _suffix(spec: TableSpec[Any]) -> str:
        return f"-{spec.name}.parquet"
