"""Unpacking archives that strangers made: files alone, and nothing outside the folder."""

import errno
import gzip
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

from storage.errors import InputError

_SUFFIXES = (".tgz", ".tar.gz", ".tar", ".zip")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_ENCRYPTED = 1
_DAMAGED = (
    *(tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError),
    *(
        ValueError,
        OverflowError,
        NotImplementedError,
    ),  # of fields that make no sense
)
_ODD_NAMES = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR)


class _Member(NamedTuple):
    """A file in an archive."""

    name: str
    size: int
    open: Callable[[], IO[bytes]]


class _RefusedError(Exception):
    """What is wrong with an archive."""


def unpack(file: Path, folder: Path) -> None:
    """Unpacks an archive into a folder, and copies any other file there.

    Raises:
        InputError: the archive is damaged, a name in it leads out of the folder, or it holds what can't be unpacked:
            links, devices, encrypted files, names that are too long. It is removed.
    """
    try:
        if tarfile.is_tarfile(file):
            with tarfile.open(file) as archive:
                _write(file, folder, _listed(_in_tar(archive)))
        elif zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as zipped:
                _write(file, folder, _listed(_in_zip(zipped)))
        elif file.name.lower().endswith(_SUFFIXES):
            raise InputError(f"{file.name}: not an archive, whatever its name says; look at its address")
        else:
            shutil.copyfile(file, folder / file.name)
    except InputError:
        raise
    except (_RefusedError, *_DAMAGED) as error:
        file.unlink()
        raise InputError(f"{file.name}: can't be unpacked ({error}); it was removed, fetch it anew") from error


def _listed(members: Iterable[_Member]) -> list[_Member]:
    try:
        return list(members)
    except OSError as error:  # of a length that leads behind what a file can have
        raise _RefusedError(f"it can't be read to its end: {error.strerror}") from error


def _in_tar(archive: tarfile.TarFile) -> Iterator[_Member]:
    for member in archive:
        if member.isfile():
            yield _Member(member.name, member.size, partial(_open_in_tar, archive, member))
        elif not member.isdir():
            raise _RefusedError(f"{member.name!r} is neither a file nor a folder")


def _open_in_tar(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    opened = archive.extractfile(member)
    assert opened, "it is a file"
    return opened


def _in_zip(zipped: zipfile.ZipFile) -> Iterator[_Member]:
    for member in zipped.infolist():
        if member.is_dir():
            continue
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise _RefusedError(f"{member.filename!r} is neither a file nor a folder")
        if member.flag_bits & _ENCRYPTED:
            raise _RefusedError(f"{member.filename!r} is encrypted")
        if member.compress_type not in _METHODS:
            raise _RefusedError(
                f"{member.filename!r} is compressed by method {member.compress_type}, which is not known"
            )
        yield _Member(member.filename, member.file_size, partial(zipped.open, member))


def _write(file: Path, folder: Path, members: list[_Member]) -> None:
    """Files alone, without modes and owners: Python's own filter came with 3.11.4, and Debian 12 has 3.11.2."""
    for name, _, _ in members:
        if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/"):
            raise InputError(f"{file.name}: the name {name!r} in it leads out of the folder; nothing was unpacked")
    needed, free = sum(member.size for member in members), shutil.disk_usage(folder).free
    if needed > free:
        raise InputError(f"{file.name}: unpacked it takes {needed:,} bytes, and {folder.parent} has {free:,} left")
    for name, _, opened in members:
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as sink, opened() as source:
                shutil.copyfileobj(source, sink)
        except OSError as error:
            if error.errno in _ODD_NAMES:
                raise _RefusedError(f"{name!r} is a file and a folder by turns") from error
            if error.errno == errno.ENAMETOOLONG:
                raise _RefusedError(f"a name of {len(name)} letters, {name[:40]!r}…, is too long") from error
            raise
