"""The text of a long JSON file, seen through a window that moves on: memory does not grow with the file."""

import codecs
import json
import re
from dataclasses import dataclass
from typing import IO, Any, NoReturn

from storage.errors import InputError

_CHUNK = 1 << 20
_LONGEST_VALUE = 1 << 26
"""Characters in which a value must end; the longest record of Visual Genome has less than a hundredth of it."""

_SPACE = re.compile(r"[ \t\n\r]*")
_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]"]', re.DOTALL)
_WORD = re.compile(r'[^,\[\]{}"]+')
_BROKEN = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True)
class Value:
    """A value of the file, as the window found it.

    Attributes:
        offset: of its first byte in the unpacked file. content: None where there is a problem. problem: why it could
            not be read.
    """

    offset: int
    content: Any
    problem: str | None


class Window:
    """A window on the text of a file. Bytes that are no UTF-8 become lone surrogates, which no text else has.

    The standard library's decoder says where a value ends, which faster ones don't. Where it fails, the end is found by
    counting brackets, so that one malformed value costs no other.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
        self._parse = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode
        self.window, self.at, self.offset, self.ended = "", 0, 0, False

    def peek(self) -> str:
        """Returns the next character that is no space, or nothing at the end of the file."""
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

    def expect(self, mark: str, problem: str) -> None:
        """Goes on after this character, or raises InputError with the problem."""
        if self.peek() != mark:
            self.refuse(problem)
        self.advance(self.at + 1)

    def take(self, name: str) -> Value:
        """Returns the value that begins with the next character; `name` is for messages."""
        begin = self.peek()
        if begin in ("", ",", "]", "}"):
            self.refuse(f"expected {name}")
        offset = self.offset
        content, end, problem = self._decoded(name)
        if not self.window.isascii() and _BROKEN.search(self.window, self.at, end):
            problem = "not UTF-8"
        self.advance(end)
        return Value(offset, None if problem else content, problem)

    def _decoded(self, name: str) -> tuple[Any, int, str | None]:
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
                end = _end_of_value(self.window, self.at)
            # What ends with the window may go on after it.
            if end is not None and (end < len(self.window) or self.ended):
                return value, end, problem
            if self.ended:
                self.refuse(f"it is cut short in {name}; fetch it again")
            if len(self.window) - self.at > _LONGEST_VALUE:
                self.refuse(f"{name} does not end in {_LONGEST_VALUE:,} characters")
            self._more(len(self.window) - self.at)

    def refuse(self, problem: str) -> NoReturn:
        """Raises InputError with the offset in the file."""
        found = repr(self.window[self.at : self.at + 20]) if self.at < len(self.window) else "the end of the file"
        raise InputError(f"byte {self.offset}: {problem} (found {found})")

    def _more(self, size: int = 0) -> None:
        data = self._file.read(max(size, _CHUNK))
        self.ended = not data
        self.window, self.at = self.window[self.at :] + self._decode(data, self.ended), 0


def _end_of_value(text: str, begin: int) -> int | None:
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
