"""Triplets to ask people about: drawn from a folder of images, or listed by the user."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from storage.errors import InputError
from tasks.evaluate.answers import read_rows

Side = Literal["a", "b"]

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
_COLUMNS = ("query", "a", "b")


@dataclass(frozen=True)
class Question:
    """A query and two images, by their ids; a is the first by name, so that a triplet is one however it was written."""

    query: str
    a: str
    b: str

    @staticmethod
    def of(query: str, one: str, other: str) -> "Question":
        """Returns the question about two images in whatever order."""
        return Question(query, min(one, other), max(one, other))

    def left_for(self, person: str) -> Side:
        """Returns which of the two stands at the left: as by chance, but for one person always the same."""
        return "a" if _hash(person, self.query, self.a, self.b)[0] % 2 else "b"


def list_images(folder: Path) -> list[str]:
    """Returns ids of the images below a folder: their paths in it.

    Raises:
        InputError: there is no such folder, or there are fewer than three images.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; expected one with images")
    files = (path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
    found = sorted(path.relative_to(folder).as_posix() for path in files)
    for image_id in found:
        if not image_id.isprintable():
            raise InputError(f"{folder}: {image_id!a} has what is no printable text in its name; rename it")
    if len(found) < 3:
        raise InputError(f"{folder}: {len(found)} images in it; a triplet needs three, {', '.join(sorted(_SUFFIXES))}")
    return found


def draw_questions(image_ids: Sequence[str], count: int, seed: int) -> list[Question]:
    """Draws triplets by hashes of the ids, each with a query of its own, so that one image more changes few of them.

    Args:
        image_ids: three at least. count: triplets, at most one for each image. seed: another one draws others.
    """

    def ordered(ids: Collection[str], *of: str) -> list[str]:
        return sorted(ids, key=lambda image_id: _hash(str(seed), *of, image_id))

    questions = []
    for query in ordered(image_ids)[:count]:
        a, b = ordered([image_id for image_id in image_ids if image_id != query], query)[:2]
        questions.append(Question.of(query, a, b))
    return questions


def read_questions(path: Path, image_ids: Collection[str]) -> list[Question]:
    """Reads a CSV or Parquet file of `query, a, b`.

    Raises:
        InputError: it can't be read, lacks a column, or names an image that is not among these; or no triplet, or one
            twice.
    """
    rows, known = read_rows(path, _COLUMNS), set(image_ids)
    if not rows:
        raise InputError(f"{path}: expected a CSV or Parquet file with the columns query, a, b and a row at least")
    found: dict[Question, int] = {}
    for row in rows:
        question = Question.of(*row.images(*_COLUMNS))
        for column in _COLUMNS:
            if row.cells[column] not in known:
                row.refuse(column, f"no image {row.cells[column]!r} in the folder; expected a path in it")
        if question in found:
            row.refuse("query", f"the same triplet as in row {found[question]}")
        found[question] = row.number
    return list(found)


def _hash(*parts: str) -> bytes:
    return hashlib.sha256("\n".join(parts).encode()).digest()
