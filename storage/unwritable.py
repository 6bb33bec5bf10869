"""What a disk refuses for good, told in words that say what to do about it."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.errors import UnwritableRootError

_FULL = {
    errno.ENOSPC: "its disk is full",
    errno.EDQUOT: "your quota of its disk is used up",
    errno.EFBIG: "its disk, or your limit (ulimit -f), takes no larger file",
}
_FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ENOTDIR)


@contextmanager
def told_when_unwritable(folder: str, kind: str = "root") -> Iterator[None]:
    """Turns what a write fails of for good into words; what may heal by itself passes as it is.

    Args:
        folder: what is written to: on this machine, or the URL of a store. kind: what the user knows it as.

    Raises:
        UnwritableRootError: names the folder, what is left free on its disk, and what to do.
    """
    try:
        yield
    except OSError as error:
        said = explain_unwritable(error, folder, kind)
        if said is None:
            raise
        raise UnwritableRootError(said) from error


def explain_unwritable(error: OSError, folder: str, kind: str = "root") -> str | None:
    """Returns what a write failed of for good and what to do about it, as above; None where it may heal by itself."""
    if error.errno in _FULL:
        left = f"{_FULL[error.errno]} ({_space(folder)})"
        return f"{kind} {folder!r} can't be written: {left}; make room and run the same command again"
    if error.errno in _FORBIDDEN or isinstance(error, PermissionError):  # a store's has no number
        return f"{kind} {folder!r} can't be written ({error}); give a folder you own"
    return None


def _space(folder: str) -> str:
    disk = shutil.disk_usage(
        next(above for above in (Path(folder), *Path(folder).absolute().parents) if above.exists())
    )
    return f"{disk.free / 1e6:,.1f} MB of {disk.total / 1e6:,.1f} MB left"
