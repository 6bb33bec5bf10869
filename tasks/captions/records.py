"""The records of a file that is one long JSON array, one by one: memory does not grow with the file."""

import codecs
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, NoReturn

from storage.errors import InputError

_CHUNK = 1 << 20
_LONGEST_RECORD = 1 << 26
"""Characters in which a record must end; the longest of Visual Genome has less than a hundredth of it."""

_SPACE = re.compile(r"[ \t\n\r]*")
_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]"]', re.DOTALL)
_WORD = re.compile(r'[^,\[\]{}"]+')
_BROKEN = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True)
class Record:
    """An entry of the array.

    Attributes:
        number: position in the array, from 0. offset: of its first byte in the unpacked file. value: the object; empty
            where there is a problem. problem: why it could not be read.
    """

    number: int
    offset: int
    value: dict[str, Any]
    problem: str | None = None


@contextmanager
def unpacked(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """The bytes of a JSON file, or of the one JSON file in a zip archive.

    Raises:
        InputError: the archive is damaged, or has none or several.
    """
    try:
        if not zipfile.is_zipfile(file):
            file.seek(0)
            yield file
            return
        with zipfile.ZipFile(file) as archive:
            hidden = ("__MACOSX/", ".")
            names = [name for name in archive.namelist() if name.endswith(".json") and not name.startswith(hidden)]
            if len(names) != 1:
                raise InputError(f"expected one JSON file in the archive, found {len(names)}")
            with archive.open(names[0]) as member:
                yield member
    except (EOFError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"the archive can't be unpacked: {error}; fetch it again") from error


def read_records(file: IO[bytes]) -> Iterator[Record]:
    """Yields the entries of an array, those that are malformed with their problem.

    The standard library's decoder says where a value ends, which faster ones don't. Where it fails, the end is found by
    counting brackets, so that one malformed record costs no other.

    Raises:
        InputError: the file is no array, is cut short, or is broken so that the next record can't be found.
    """
    text = _Text(file)
    if text.peek() == "\ufeff":
        text.advance(text.at + 1)
    if text.peek() != "[":
        text.refuse("expected a JSON array of records")
    text.advance(text.at + 1)
    number = 0
    while text.peek() != "]":
        if number:
            if text.peek() != ",":
                text.refuse(f"after record {number - 1}: expected a comma or the end of the array")
            text.advance(text.at + 1)
        yield text.take(number)
        number += 1
    text.advance(text.at + 1)
    if text.peek():
        text.refuse("expected nothing after the array")


class _Text:
    """A window on the text of a file. Bytes that are no UTF-8 become lone surrogates, which no text else has."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
        self._parse = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode
        self.window, self.at, self.offset, self.ended = "", 0, 0, False

    def peek(self) -> str:
        """The next character that is no space, or nothing at the end of the file."""
        while True:
            found = _SPACE.match(self.window, self.at)
            assert found
            self.advance(found.end())
            if self.at < len(self.window) or self.ended:
                return self.window[self.at : self.at + 1]
            self._more()

    def advance(self, to: int) -> None:
        """Goes on to an index of the window."""
        self.offset += _width(self.window[self.at : to])
        self.at = to

    def take(self, number: int) -> Record:
        """The record that begins with the next character."""
        begin = self.peek()
        if begin in ("", ",", "]", "}"):
            self.refuse(f"expected record {number}")
        offset = self.offset
        value, end, problem = self._decoded(number)
        if problem is None and not isinstance(value, dict):
            problem = f"expected an object, found {str(value)[:40]}"
        if not self.window.isascii() and _BROKEN.search(self.window, self.at, end):
            problem = "not UTF-8"
        self.advance(end)
        return Record(number, offset, {} if problem else value, problem)

    def _decoded(self, number: int) -> tuple[Any, int, str | None]:
        """The value, where it ends in the window, and the problem with it."""
        while True:
            value, end, problem = None, None, None
            word = _WORD.match(self.window, self.at)
            try:
                if word:
                    end, problem = word.end(), f"expected an object, found {word[0].strip()[:40]}"
                else:
                    value, end = self._parse(self.window, self.at)
            except (ValueError, RecursionError) as error:
                problem = f"no JSON: {error}" if isinstance(error, ValueError) else "nested too deep"
                end = _end_of_record(self.window, self.at)
            # What ends with the window may go on after it.
            if end is not None and (end < len(self.window) or self.ended):
                return value, end, problem
            if self.ended:
                self.refuse(f"it is cut short in record {number}; fetch it again")
            if len(self.window) - self.at > _LONGEST_RECORD:
                self.refuse(f"record {number} does not end in {_LONGEST_RECORD:,} characters")
            self._more(len(self.window) - self.at)

    def refuse(self, problem: str) -> NoReturn:
        """Raises InputError with the offset in the file."""
        found = repr(self.window[self.at : self.at + 20]) if self.at < len(self.window) else "the end of the file"
        raise InputError(f"byte {self.offset}: {problem} (found {found})")

    def _more(self, size: int = 0) -> None:
        data = self._file.read(max(size, _CHUNK))
        self.ended = not data
        self.window, self.at = self.window[self.at :] + self._decode(data, self.ended), 0


def _end_of_record(text: str, begin: int) -> int | None:
    """Where the brackets that open at `begin` are closed, or None where they are not."""
    depth = 0
    for found in _STRUCTURE.finditer(text, begin):
        mark = found[0]
        if mark == '"':  # a string that goes on
            return None
        depth += (mark in "{[") - (mark in "}]") if len(mark) == 1 else 0
        if depth <= 0:
            return found.end()
    return None


def _width(text: str) -> int:
    """Bytes of the text in the file."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")
