"""The newest outcome of each shard of a dataset, and what an interrupted run had found by then."""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, Field, ValidationError

from storage.errors import DamagedTableError
from storage.parquet import encode
from storage.root import Root
from storage.tables import TableRef, TableSpec

_HEAD = "head.json"


class Head(BaseModel):
    """What the next run need not find out again about a shard."""

    generation: int = Field(description="rises whenever something is found out again")
    settings: str = Field(description="digest of the settings and the version of the stage it was found under")
    failed: int = Field(description="rows without an image")
    oldest_failure: datetime | None = Field(description="when the first of them was last tried")
    tables: dict[str, TableRef]


def shard_folder(dataset: str, shard: str) -> str:
    """Where a root keeps what it knows of a shard of a dataset."""
    return f"stages/acquire/heads/{dataset}/{shard}"


def read_head(root: Root, folder: str) -> Head | None:
    """The newest outcome kept in a folder, or None before its first, or where the file is damaged."""
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


class Journal:
    """Rows of some tables, written down part by part while they are found, so that a run that is killed loses few.

    Args:
        specs: the tables; a part counts once it has rows of the last of them.
    """

    def __init__(self, root: Root, folder: str, specs: Sequence[TableSpec]) -> None:
        self._root, self._folder, self._specs = root, folder, specs
        complete = (name.removesuffix(self._suffix(specs[-1])) for name in root.names(folder))
        self._parts = {int(number) for number in complete if number.isdecimal()}

    def add(self, tables: Mapping[str, pa.Table]) -> int:
        """Writes rows down, by the name of their table; what they tell of is flushed first.

        The part itself is not: one that a loss of power takes is found out again.

        Returns:
            The part's number.
        """
        self._root.flush()
        number = max(self._parts, default=0) + 1
        for spec in self._specs:
            path = f"{self._folder}/{number}{self._suffix(spec)}"
            self._root.write(path, encode(spec, tables[spec.name]), flush=False)
        self._parts.add(number)
        return number

    def read(self, spec: TableSpec) -> pa.Table:
        """All rows of a table that were written down, but those of damaged parts, which are to be found out again."""
        tables = [spec.schema.empty_table()]
        for number in sorted(self._parts):
            with contextlib.suppress(DamagedTableError):
                tables.append(self.read_part(number, spec))
        return pa.concat_tables(tables)

    def read_part(self, number: int, spec: TableSpec) -> pa.Table:
        """The rows of a table in one part.

        Raises:
            DamagedTableError: they are gone, or not those that were written.
        """
        path = f"{self._folder}/{number}{self._suffix(spec)}"
        try:
            content = self._root.read(path)
            return pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False).cast(spec.schema)
        except (OSError, pa.ArrowException, ValueError) as error:  # OSError is Arrow's, too
            raise DamagedTableError(f"{self._root.url}/{path} can't be read ({error}); run again") from error

    @staticmethod
    def _suffix(spec: TableSpec) -> str:
        return f"-{spec.name}.parquet"
