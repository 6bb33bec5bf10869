"""Locks of a dataset root: a file that says who holds it, and that is taken away where its holder is dead."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

import psutil
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from storage.errors import InputError
from storage.root import Root

_FOLDER = "locks"
_PAUSE = 0.1  # seconds between two tries
_SAME_START = 2.0  # seconds by which two readings of when a process began may differ
_TRIES = 50
"""How often a lock may change hands, or be about to be taken from a dead holder, while one looks at it."""


class Holder(BaseModel):
    """A process that holds a lock, or is known by a file for another reason."""

    model_config = ConfigDict(frozen=True)

    token: str = Field(description="of this holding alone")
    host: str
    pid: int
    began: float = Field(description="when the process began, in seconds since 1970: pids are given anew")
    since: datetime

    @staticmethod
    def here() -> "Holder":
        """Describes this process as the holder of a lock, from now on."""
        return Holder.of(os.getpid())

    @staticmethod
    def of(pid: int) -> "Holder":
        """Describes a process of this host as the holder of a lock, from now on."""
        began = psutil.Process(pid).create_time()
        return Holder(token=uuid4().hex, host=socket.gethostname(), pid=pid, began=began, since=datetime.now(UTC))

    def is_dead(self) -> bool:
        """Returns whether it is known to have ended; of another host's process nobody knows.

        A killed process whose parent has not asked how it ended is ended all the same: in a container it may never ask.
        """
        if self.host != socket.gethostname():
            return False
        try:
            found = psutil.Process(self.pid)
            is_other = abs(found.create_time() - self.began) > _SAME_START
            return bool(is_other or found.status() == psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return True


def check_free(root: Root, what: str) -> None:
    """Raises InputError where another living process holds the lock; the text names it."""
    holder = _read(root, _path(what))
    if holder and not holder.is_dead():
        raise _held(root, what, holder)


@contextmanager
def lock(root: Root, what: str, *, wait: bool = False) -> Iterator[None]:
    """Holds a lock while the context is open; one whose holder is dead is taken from it.

    Args:
        what: names the lock, such as `versions/landmarks`.
        wait: whether to wait for another process of this host that holds it.

    Raises:
        InputError: another process holds it; the text names it, and says what to do.
    """
    path, own = _path(what), Holder.here()
    _take(root, what, own, wait=wait)
    try:
        yield
    finally:
        if _read(root, path) == own:
            root.remove(path)


def _take(root: Root, what: str, own: Holder, *, wait: bool) -> None:
    path, tries = _path(what), 0
    take = partial(root.create, path, own.model_dump_json().encode())
    while not take():
        holder = _read(root, path)
        if holder and not holder.is_dead():
            if not wait or holder.host != own.host:
                raise _held(root, what, holder)
        else:
            tries += 1
            if tries > _TRIES:
                raise InputError(f"{root.url}/{path}, a lock, can't be taken from one that is dead; remove the file")
            if holder:
                _take_away(root, path, holder, own)
        time.sleep(_PAUSE)


def _take_away(root: Root, path: str, dead: Holder, own: Holder) -> None:
    """Removes the lock of a dead holder. One may do so at a time, or the second would remove that of the first."""
    permit = f"{path}.{dead.token}"
    if root.create(permit, own.model_dump_json().encode()):
        if _read(root, path) == dead:
            root.remove(path)
        root.remove(permit)


def _read(root: Root, path: str) -> Holder | None:
    try:
        return Holder.model_validate_json(root.read(path))
    except FileNotFoundError:
        return None
    except ValidationError as error:
        said = f"{root.url}/{path}, a lock, is damaged; if nothing else is at work there, remove the file"
        raise InputError(said) from error


def _held(root: Root, what: str, holder: Holder) -> InputError:
    path, since = f"{root.url}/{_path(what)}", f"{holder.since:%Y-%m-%d %H:%M} UTC"
    where = "" if holder.host == socket.gethostname() else f"; if that one has ended, remove {path}"
    return InputError(
        f"another run is at work on {what} in {root.url}: process {holder.pid} on {holder.host}, since {since}; "
        f"wait for its end{where}"
    )


def _path(what: str) -> str:
    return f"{_FOLDER}/{what}.json"
