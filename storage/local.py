"""Files of this machine's disk: written aside and put in place in one step, and asked for their length and change."""

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

TEMPORARY = ".writing-"
"""Begins the names of files that are being written."""
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)


def size_of(path: str) -> int | None:
    """Returns the length of a file, or None where there is none."""
    try:  # asked for each image: a path object would cost as much as the call
        return os.stat(path).st_size  # noqa: PTH116
    except FileNotFoundError:
        return None


def stamp_of(path: str) -> str | None:
    """Returns the length of a file and when it was last changed, in one text; None where there is none."""
    try:
        facts = os.stat(path)  # noqa: PTH116 - as above
    except OSError:  # gone, or no path at all
        return None
    return f"{facts.st_size} {facts.st_mtime_ns}"


@contextmanager
def writing(target: str, *, flush: bool) -> Iterator[BinaryIO]:
    """Opens a file to write to, which stands at its path when all is written; after an error, nothing does.

    Args:
        flush: whether it has to survive a loss of power from then on.
    """
    handle, temporary = _open_beside(target)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            if flush:
                os.fsync(file.fileno())
        os.replace(temporary, target)  # noqa: PTH105 - without the path objects that cost as much as the call
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _open_beside(target: str) -> tuple[int, str]:
    """A new file in the folder of another one, which is made where it is missing; rights are as the umask has them."""
    folder = target.rpartition("/")[0]
    temporary = f"{folder}/{TEMPORARY}{uuid4().hex}"
    flags = os.O_CREAT | os.O_EXCL | os.O_RDWR
    try:
        return os.open(temporary, flags, 0o666), temporary
    except FileNotFoundError:
        Path(folder).mkdir(parents=True, exist_ok=True)
        return os.open(temporary, flags, 0o666), temporary


def flush_file_system(folder: str) -> None:
    """Makes all that was written to the file system of a folder survive a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        syncfs = getattr(ctypes.CDLL(None), "syncfs", None)  # Linux alone can flush one file system
        if syncfs is None or syncfs(handle) != 0:
            os.sync()
    finally:
        os.close(handle)


def write_whole(target: str, content: bytes, *, flush: bool) -> None:
    """Writes a file beside its path and renames it; images are written so by the million."""
    handle, temporary = _open_beside(target)
    try:
        _write_and_close(handle, content, flush=flush)
        os.replace(temporary, target)  # noqa: PTH105 - without the path objects that cost as much as the call
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def create_whole(target: str, content: bytes) -> bool:
    """Writes a file beside its path and links it there, which fails where one is; returns whether it did."""
    handle, temporary = _open_beside(target)
    try:
        _write_and_close(handle, content, flush=True)
        Path(target).hardlink_to(temporary)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _create_in_place(target, content)
    finally:
        Path(temporary).unlink()
    return True


def _create_in_place(target: str, content: bytes) -> bool:
    """Does the same where a file system has no links: for a moment, others see a part."""
    try:
        handle = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    except FileExistsError:
        return False
    _write_and_close(handle, content, flush=True)
    return True


def _write_and_close(handle: int, content: bytes, *, flush: bool) -> None:
    try:
        _write_all(handle, content)
        if flush:
            os.fsync(handle)
    finally:
        os.close(handle)


def _write_all(handle: int, content: bytes) -> None:
    left = memoryview(content)
    while left:  # a signal, or 2 GB, may end a write before its end
        left = left[os.write(handle, left) :]
