"""The newest output of a stage for each shard, so that what it says of single pictures is not computed twice.

The memo knows whole outputs: of a shard in which one picture changed, it knows nothing. What such an output says of a
picture by itself stays true; a stage may take it from here, under an identity that has all else it depends on.
"""

from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from storage.errors import DamagedTableError
from storage.parquet import read_rows
from storage.root import Root
from storage.tables.spec import TableRef

M = TypeVar("M", bound=BaseModel)


def read_newest(root: Root, stage: str, identity: str, shard: str, kind: type[M]) -> M | None:
    """Returns what was kept last, or None before the first, or where the record is damaged.

    The files that it names may be gone by now.
    """
    try:
        return kind.model_validate_json(root.read(_record(stage, identity, shard)))
    except (FileNotFoundError, ValidationError):
        return None


def keep_newest(root: Root, stage: str, identity: str, shard: str, output: BaseModel) -> None:
    """Keeps an output as the newest one, in place of the one before; what it tells of is flushed first."""
    root.flush()
    root.write(_record(stage, identity, shard), output.model_dump_json().encode())


class RowsByPicture:
    """The rows of a stored table by the sha256 of their picture, read on as they are asked for; none where it rotted.

    The rows lie in the order of sha256, and have to be asked for in that order.
    """

    def __init__(self, root: Root, table: TableRef | None) -> None:
        """`table` is None where there is none yet."""
        self._rows: Iterator[dict[str, Any]] = read_rows(root, table) if table else iter(())
        try:
            self._row = next(self._rows, None)
        except DamagedTableError:  # then all is computed again
            self._row = None

    def find(self, sha256: str) -> dict[str, Any] | None:
        """Returns the row of a picture, or None."""
        while self._row is not None and self._row["sha256"] < sha256:
            self._row = next(self._rows, None)
        return self._row if self._row is not None and self._row["sha256"] == sha256 else None


def _record(stage: str, identity: str, shard: str) -> str:
    return f"stages/{stage}/newest/{identity}/{shard}.json"
