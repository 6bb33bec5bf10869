"""Text files of many hands: with byte order marks, packed, with any line ends."""

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path

from storage.errors import InputError

_GZIP = b"\x1f\x8b"
_MARKS = (  # the longer first: that of UTF-16 begins that of UTF-32
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NO_TEXT = (
    (b"PAR1", "a Parquet file; name it .parquet"),
    (b"PK\x03\x04", "a zip archive or a spreadsheet; unpack it, or save it as CSV"),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet; save it as CSV"),
    (b"BZh", "packed by bzip2; unpack it, or pack it by gzip"),
    (b"\xfd7zXZ", "packed by xz; unpack it, or pack it by gzip"),
    (b"\x28\xb5\x2f\xfd", "packed by zstd; unpack it, or pack it by gzip"),
)
_FLOOR, _RATIO = 1 << 28, 20
"""A packed text may take 256 MB, or so many times what its file does: addresses take up to ten."""


def read_lines(path: Path) -> Iterator[str]:
    """Yields the lines of a text file, each with one newline at its end; at the last it may be missing.

    Text is UTF-8, or UTF-16 or UTF-32 with a byte order mark, and may be packed by gzip, whatever the file's name.

    Raises:
        InputError: it can't be read, or is no such text; the message names the line, or what was found instead.
    """
    yield from io.StringIO(read_text(path), newline=None)


def read_text(path: Path) -> str:
    """Returns the whole of a text file, as `read_lines` reads it; its line ends are as they were.

    Raises:
        InputError: see `read_lines`.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror}); give a text file") from error
    if content.startswith(_GZIP):
        content = _unpack(path, content)
    for start, what in _NO_TEXT:
        if content.startswith(start):
            raise InputError(f"{path}: not a text file but {what}")
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8-sig")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        form = "UTF-8" if encoding == "utf-8-sig" else encoding.upper()
        raise InputError(f"{path}: line {line}: not {form} text ({error.reason}); save it as UTF-8") from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise InputError(f"{path}: line {line}: a NUL character, which no text has; save it as UTF-8")
    return text


def _unpack(path: Path, content: bytes) -> bytes:
    most = max(_FLOOR, _RATIO * len(content))
    try:
        with gzip.open(io.BytesIO(content)) as packed:
            unpacked = packed.read(most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: packed by gzip, and damaged ({error}); get or pack it anew") from error
    if len(unpacked) > most:
        raise InputError(f"{path}: {len(content):,} bytes that unfold to more than {most:,}; unpack it, or split it")
    return unpacked
