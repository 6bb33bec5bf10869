"""Tables as text: CSV, and its kin with semicolons, tabs or bars."""

import csv
import io
from pathlib import Path

from storage.errors import InputError
from tasks.acquire.lists.rows import COLUMNS, Rows, check_header
from tasks.acquire.lists.text import read_text

_DELIMITERS = ",;\t|"


def is_table(line: str) -> bool:
    """Returns whether a line is the header of a list."""
    return any(set(COLUMNS) <= set(_header(line, delimiter)) for delimiter in _DELIMITERS)


def read_delimited(path: Path) -> Rows:
    """Reads a text file with a header of the columns id, url, landmark_id and others, in any order.

    The header says what separates the columns: commas, semicolons, tabs or bars.

    Raises:
        InputError: names the line.
    """
    text = read_text(path)
    first = next(io.StringIO(text, newline=None), "").rstrip("\n")
    delimiter = max(_DELIMITERS, key=lambda one: len(set(COLUMNS) & set(_header(first, one))))
    reader = csv.reader(io.StringIO(text, newline=None), strict=True, skipinitialspace=True, delimiter=delimiter)
    numbers = list[int]()
    columns = list[str](), list[str](), list[str]()
    try:
        header = [name.strip() for name in next(reader, [])]
        check_header(path, header, first)
        indices = [header.index(name) for name in COLUMNS]
        for fields in reader:
            if not any(map(str.strip, fields)):  # what an editor or a spreadsheet leaves
                continue
            if len(fields) != len(header):
                raise InputError(
                    f"{path}: line {reader.line_num}: {len(fields)} columns, expected {len(header)} as in the header"
                )
            numbers.append(reader.line_num)
            for column, index in zip(columns, indices, strict=True):
                column.append(fields[index].strip())
    except csv.Error as error:
        expected = f"values separated by {delimiter!r}, as in the header"
        raise InputError(f"{path}: line {reader.line_num}: {error}; expected {expected}") from error
    return Rows("line", numbers, *columns)


def _header(line: str, delimiter: str) -> list[str]:
    try:
        return [name.strip() for name in next(csv.reader([line], skipinitialspace=True, delimiter=delimiter), [])]
    except csv.Error:  # no header, whatever it is
        return []
