"""The rows of a list as its file has them, whatever its form, and what their cells mean."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from storage.errors import InputError
from tasks.acquire.address import redact

COLUMNS = ("id", "url", "landmark_id")
"""The columns of a table that is a list."""
MISSING = frozenset(("", "None", "none", "nan", "NaN", "NULL", "null", "<NA>", "N/A", "#N/A"))
"""What programs write where a cell has no value."""

_WHOLE = re.compile(r"(-?[0-9]+)\.0+")
_ROUNDED = re.compile(r"-?[0-9](?:\.[0-9]+)?[eE]\+[0-9]+")


class Rows(NamedTuple):
    """Cells as they stand in a file, without the space around them.

    Attributes:
        unit, numbers: what the file is counted in, and the number of each row, counted from 1.
        ids: None where the form of the list has none.
        boxes: float64 (n, 4), as they stand there; None where there are none.
    """

    unit: Literal["line", "row"]
    numbers: Sequence[int]
    ids: Sequence[str] | None
    urls: Sequence[str]
    labels: Sequence[str]
    boxes: NDArray[np.float64] | None = None

    def location(self, row: int) -> str:
        """Returns where a row stands, for people."""
        return f"{self.unit} {self.numbers[row]}"


def read_name(cell: str) -> str:
    """Returns the id or the class that a cell names: 123 where a program took it for a number and wrote 123.0."""
    whole = cell.endswith("0") and _WHOLE.fullmatch(cell)
    return whole[1] if whole else cell


def check_cells(path: Path, rows: Rows) -> None:
    """Refuses ids that are none, and ids and classes that lost digits when a program rounded them.

    Raises:
        InputError: names the first row, and says what to do.
    """
    for row, cell in enumerate(rows.ids or ()):
        if cell in MISSING:
            raise InputError(
                f"{path}: {rows.location(row)}, column id: empty ({cell!r}); an image needs an id of its own"
            )
    for name, cells in (("id", rows.ids or ()), ("landmark_id", rows.labels)):
        for row, cell in enumerate(cells):
            if "+" in cell and _ROUNDED.fullmatch(cell):
                raise InputError(
                    f"{path}: {rows.location(row)}, column {name}: {cell!r} is a number that lost digits; write "
                    "the column as text or as whole numbers"
                )


def check_header(path: Path, names: Sequence[str], found: str = "") -> None:
    """Checks whether a table has the columns of a list, each once.

    Args:
        found: what stands there, where it may be no header at all.

    Raises:
        InputError: says which are missing or doubled.
    """
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        instead = f"; found {redact(found)[:80]!r}" if found else ""
        raise InputError(
            f"{path}: line 1: no column {', '.join(missing)}; expected a header with id, url, landmark_id{instead}"
        )
    doubled = [name for name in COLUMNS if list(names).count(name) > 1]
    if doubled:
        raise InputError(f"{path}: line 1: more than one column {', '.join(doubled)}; leave one of each")
