"""The records of a file that is one long JSON array, or an object of such, one by one."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from storage.errors import InputError
from tasks.captions.window import Value, Window


@dataclass(frozen=True)
class Record:
    """An entry of the array that a file of annotations is.

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
    """Opens a JSON file, or the one JSON file in a zip archive.

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

    Raises:
        InputError: the file is no array, is cut short, or is broken so that the next record can't be found.
    """
    text = _begin(file)
    yield from _array(text, "expected a JSON array of records")
    _end(text, "array")


def read_list(file: IO[bytes], name: str) -> Iterator[Record]:
    """Yields the entries of the array that an object has under a name, and passes over what else the object has.

    Raises:
        InputError: the file is no object with one array of that name, is cut short, or is broken so that the next
            record can't be found.
    """
    text = _begin(file)
    text.expect("{", f"expected a JSON object with a list `{name}`")
    members = found = 0
    while text.peek() != "}":
        if members:
            text.expect(",", "expected a comma or the end of the object")
        member = text.take("a name").content
        text.expect(":", "expected a colon after a name")
        if member == name and found:
            text.refuse(f"a second `{name}`")
        if member == name:
            yield from _array(text, f"expected a list as `{name}`")
        else:
            _pass_over(text)
        members, found = members + 1, found + (member == name)
    if not found:
        text.refuse(f"the object ends without a list `{name}`")
    text.advance(text.at + 1)
    _end(text, "object")


def _begin(file: IO[bytes]) -> Window:
    text = Window(file)
    if text.peek() == "\ufeff":
        text.advance(text.at + 1)
    return text


def _end(text: Window, before: str) -> None:
    if text.peek():
        text.refuse(f"expected nothing after the {before}")


def _array(text: Window, problem: str) -> Iterator[Record]:
    text.expect("[", problem)
    number = 0
    while text.peek() != "]":
        if number:
            text.expect(",", f"after record {number - 1}: expected a comma or the end of the array")
        yield _record(number, text.take(f"record {number}"))
        number += 1
    text.advance(text.at + 1)


def _record(number: int, value: Value) -> Record:
    problem, content = value.problem, value.content
    if problem is None and not isinstance(content, dict):
        problem = f"expected an object, found {str(content)[:40]}"
    return Record(number, value.offset, {} if problem else content, problem)


def _pass_over(text: Window) -> None:
    """Goes on after a value; a list is read entry by entry, however long it is."""
    if text.peek() == "[":
        for _ in _array(text, "expected a list"):
            pass
    else:
        text.take("a value")
