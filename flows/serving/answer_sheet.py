"""The CSV file that people's answers go to, which only grows: each is on disk before the next question is asked."""

import csv
import io
import os
import threading
from datetime import UTC, datetime
from pathlib import Path

from storage.errors import InputError
from tasks.evaluate.answers import ANSWERS, read_answers, read_rows
from tasks.evaluate.questions import Question, Side

COLUMNS = (*ANSWERS, "left", "at")
"""`left`: which of a and b stood at the left. `at`: when it was answered, in UTC."""


class AnswerSheet:
    """Answers that were given, in a file and in memory. Several threads, and programs, may add to one file."""

    def __init__(self, path: Path) -> None:
        """Reads what is there already, or makes the file.

        Raises:
            InputError: the file is another one, or its folder can't be written.
        """
        self.path, self._lock = path, threading.Lock()
        self._given: set[tuple[str, Question]] = set()
        self._size = -1
        if not path.exists() or not path.stat().st_size:
            self._write(COLUMNS)
        header = path.read_text(encoding="utf-8", errors="replace").splitlines()[0]
        if header != ",".join(COLUMNS):
            expected = f"expected a file of answers, its first line {','.join(COLUMNS)}"
            raise InputError(f"{path}: {expected}; give another --out")
        self._look()

    def has(self, person: str, question: Question) -> bool:
        """Returns whether the person answered the question."""
        with self._lock:
            self._look()
            return (person, question) in self._given

    def add(self, person: str, question: Question, answer: str, left: Side) -> bool:
        """Adds an answer, or tells by False that the person gave one before; on return it is on disk."""
        with self._lock:
            self._look()
            if (person, question) in self._given:
                return False
            at = datetime.now(UTC).isoformat(timespec="seconds")
            self._size += self._write((question.query, question.a, question.b, person, answer, left, at))
            self._given.add((person, question))
            return True

    def _write(self, cells: tuple[str, ...]) -> int:
        """Adds a row in one piece, so that a kill leaves all of it or nothing; returns the number of its bytes."""
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(cells)
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                size = os.fstat(file).st_size
                cut = size > 0 and os.pread(file, 1, size - 1) != b"\n"  # an editor took the last line's end
                written = os.write(file, ("\n" * cut + line.getvalue()).encode())
                os.fsync(file)
                return written
            finally:
                os.close(file)
        except OSError as error:
            raise InputError(f"{self.path}: {error.strerror}; give an --out that can be written") from error

    def _look(self) -> None:
        """Reads the file again where it is not as it was."""
        size = self.path.stat().st_size
        if size == self._size:
            return
        rows = read_rows(self.path, COLUMNS) or []
        if rows:
            read_answers(self.path)
        self._given = {
            (row.cells["person"], Question.of(row.cells["query"], row.cells["a"], row.cells["b"])) for row in rows
        }
        self._size = size
