"""Reads tables of what people answered of triplets, in any of three forms.

- `query, a, b, person, answer`: an answer a row, which is `a`, `b` or `tie`.
- `query, a, b, votes_a, votes_b`: a triplet a row, and how many people chose each.
- `ref_path, left_path, right_path, left_vote, right_vote, votes`: NIGHTS' `data.csv`, where `votes` people all chose
  the one with a vote of 1.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa

from storage.errors import InputError
from tasks.evaluate.people import Triplet

ANSWERS = ("query", "a", "b", "person", "answer")
VOTES = ("query", "a", "b", "votes_a", "votes_b")
NIGHTS = ("ref_path", "left_path", "right_path", "left_vote", "right_vote", "votes")
CHOICES = {"a": 1.0, "b": 0.0, "tie": 0.5}
"""What an answer may be, as a share of a vote for a."""

_MOST_VOTES = 10_000


@dataclass(frozen=True)
class Row:
    """A row of a table: its number, counted from 1 after the header, and its cells as text."""

    file: Path
    number: int
    cells: dict[str, str]

    def refuse(self, column: str, problem: str) -> NoReturn:
        """Raises InputError that names file, row and column."""
        raise InputError(f"{self.file}: row {self.number}, column {column}: {problem}")

    def images(self, *columns: str) -> tuple[str, str, str]:
        """Returns the ids of query, a and b in these columns, three different ones."""
        query, a, b = (self.cells[column] for column in columns)
        for column in columns:
            if not self.cells[column]:
                self.refuse(column, "it is empty, expected the id of an image")
        if len({query, a, b}) < 3:
            self.refuse(columns[2], f"expected three different images, found {query}, {a} and {b}")
        return query, a, b

    def count(self, column: str, most: int = _MOST_VOTES) -> int:
        """Returns a whole number of votes; spreadsheets may have written it as 3.0."""
        text = self.cells[column].removesuffix(".0")
        if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= most):
            self.refuse(column, f"{self.cells[column][:40]!r} is no count of votes; expected 0 to {most:,}")
        return int(text)


def read_answers(path: Path) -> list[Triplet]:
    """Reads a CSV or Parquet file of answers or votes; other columns are passed over.

    Raises:
        InputError: it can't be read, lacks a column, or has a cell that can't be; the text names row and column.
    """
    for columns, read in ((ANSWERS, _of_answers), (VOTES, _of_votes), (NIGHTS, _of_nights)):
        rows = read_rows(path, columns)
        if rows is not None:
            triplets = list(read(rows))
            if not triplets:
                raise InputError(f"{path}: no row; expected at least one answer")
            return triplets
    forms = "; or ".join(", ".join(columns) for columns in (ANSWERS, VOTES, NIGHTS))
    raise InputError(f"{path}: expected a CSV or Parquet file with the columns {forms}")


def read_rows(path: Path, columns: tuple[str, ...]) -> list[Row] | None:
    """Returns the rows of a CSV or Parquet file as text, or None where it lacks one of the columns.

    Raises:
        InputError: it can't be read.
    """
    try:
        if path.suffix == ".parquet":
            table = pd.read_parquet(path)
        else:
            table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{path}: {str(error)[:200]}; expected a CSV or Parquet file") from error
    if not set(columns) <= set(table.columns):
        return None
    cells = table[list(columns)].astype(object).where(table[list(columns)].notna(), "").astype(str)
    return [Row(path, number, row) for number, row in enumerate(cells.to_dict("records"), 1)]


def _of_answers(rows: list[Row]) -> Iterator[Triplet]:
    """A triplet is one whichever of its images is called a."""
    given: dict[tuple[str, str, str], dict[str, tuple[int, float]]] = {}
    for row in rows:
        query, a, b = row.images("query", "a", "b")
        person, answer = row.cells["person"], row.cells["answer"]
        if not person:
            row.refuse("person", "it is empty, expected who answered")
        if answer not in CHOICES:
            row.refuse("answer", f"{answer[:40]!r} is no answer; expected {', '.join(CHOICES)}")
        turned = b < a
        people = given.setdefault((query, b, a) if turned else (query, a, b), {})
        if person in people:
            row.refuse("person", f"{person} answered this triplet in row {people[person][0]} already")
        people[person] = (row.number, 1 - CHOICES[answer] if turned else CHOICES[answer])
    for images, people in given.items():
        yield Triplet(*images, np.array([answer for _, answer in people.values()]), tuple(people))


def _of_votes(rows: list[Row]) -> Iterator[Triplet]:
    for row in rows:
        yield _counted(row, row.images("query", "a", "b"), row.count("votes_a"), row.count("votes_b"), "votes_b")


def _of_nights(rows: list[Row]) -> Iterator[Triplet]:
    for row in rows:
        left, right = row.count("left_vote", 1), row.count("right_vote", 1)
        if left + right != 1:
            row.refuse("right_vote", "expected a vote of 1 for one of the two, and 0 for the other")
        votes = row.count("votes")
        yield _counted(row, row.images("ref_path", "left_path", "right_path"), left * votes, right * votes, "votes")


def _counted(row: Row, images: tuple[str, str, str], for_a: int, for_b: int, column: str) -> Triplet:
    if not for_a + for_b:
        row.refuse(column, "nobody voted; leave the triplet out")
    return Triplet(*images, np.repeat([1.0, 0.0], [for_a, for_b]))
