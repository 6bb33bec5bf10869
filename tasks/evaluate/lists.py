"""A test set of one's own, as two CSV files: what is asked, and what is an answer."""

import csv
from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path

from storage.errors import InputError
from tasks.overlap.groundtruth import stem_of

QUERIES, ANSWERS = "queries.csv", "answers.csv"
GRADES = ("positive", "junk")

Box = tuple[float, float, float, float]
Asked = Mapping[str, tuple[str, Box | None]]
"""By query, its photograph (by `stem_of`) and box."""
Answers = Mapping[str, Mapping[str, set[str]]]
"""By query and grade, photographs by their `stem_of`."""

_EDGES = ("x1", "y1", "x2", "y2")
_ASKED = ("query", "image", *_EDGES)
_ANSWERED = ("query", "image", "grade")


def read_lists(queries: Path, answers: Path) -> tuple[Asked, Answers]:
    """Reads `query,image,x1,y1,x2,y2` (the box may be left empty) and `query,image,grade` (`positive` or `junk`).

    Images are file names, with or without folder and extension. Boxes are half-open, in pixels after EXIF orientation.

    Raises:
        InputError: a line says something else; the text names file and line, what was found, what was expected.
    """
    asked: dict[str, tuple[str, Box | None]] = {}
    for where, row in _rows(queries, _ASKED):
        if row["query"] in asked:
            raise InputError(f"{where}: query {row['query']!r} stands there twice; give each its own name")
        asked[row["query"]] = stem_of(row["image"]), _box(where, row)
    found: dict[str, dict[str, set[str]]] = {query: {grade: set() for grade in GRADES} for query in asked}
    for where, row in _rows(answers, _ANSWERED):
        if row["query"] not in asked:
            raise InputError(f"{where}: query {row['query']!r} is none of {queries.name}")
        if row["grade"] not in GRADES:
            raise InputError(f"{where}: grade {row['grade']!r}; expected {' or '.join(GRADES)}")
        found[row["query"]][row["grade"]].add(stem_of(row["image"]))
        if all(stem_of(row["image"]) in found[row["query"]][grade] for grade in GRADES):
            raise InputError(f"{where}: {row['image']!r} is both positive and junk for {row['query']!r}; leave one")
    return asked, found


def _rows(file: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a file, each with where it stands."""
    expected = f"expected a first line {','.join(columns)} and as many fields in each that follows"
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, strict=True)
            if tuple(reader.fieldnames or ()) != columns:
                raise InputError(f"{file}, line 1: {','.join(reader.fieldnames or ())!r}; {expected}")
            for row in reader:
                where = f"{file}, line {reader.line_num}"
                if None in row or None in row.values():
                    raise InputError(f"{where}: too many or too few fields; {expected}")
                fields = {name: value.strip() for name, value in row.items()}
                if not (fields["query"] and fields["image"]):
                    raise InputError(f"{where}: query or image is empty; {expected}")
                yield where, fields
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise InputError(f"{file}: not CSV in UTF-8: {error}; {expected}") from error


def _box(where: str, row: Mapping[str, str]) -> Box | None:
    edges = [row[name] for name in _EDGES]
    if not any(edges):
        return None
    try:
        x1, y1, x2, y2 = map(float, edges)
        if not (0 <= x1 < x2 and 0 <= y1 < y2 and isfinite(x2) and isfinite(y2)):
            raise ValueError
    except ValueError:
        raise InputError(
            f"{where}: box {','.join(edges)!r}; expected 0 <= x1 < x2 and 0 <= y1 < y2 in pixels, or nothing"
        ) from None
    return x1, y1, x2, y2
