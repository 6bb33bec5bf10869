"""One run of a name at a time, and what dead ones left half-written."""

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from storage.folders import BUILDING
from storage.local import TEMPORARY
from storage.locks import check_free, lock
from storage.root import Root

_CLEARING, _USES = "clearing", "uses"
_OLD = 24 * 3600.0  # seconds after which nobody writes any more to what is half-written


@contextmanager
def one_run(root: Root, shelf: str, name: str) -> Iterator[None]:
    """Holds the lock of a name while its run goes on; what dead runs left half-written in the root is removed first.

    Raises:
        InputError: another run of the name is under way, or what the root no longer needs is being removed.
    """
    with lock(root, f"{shelf}/{name}"):
        check_free(root, _CLEARING)
        if root.is_local:  # a store has nothing half-written
            for folder in Path(root.path(f"{shelf}/{name}")).glob(f"{BUILDING}*"):
                shutil.rmtree(folder, ignore_errors=True)  # no run but this one builds there
            _sweep(root.path(""))
        yield


@contextmanager
def one_of_many(root: Root, what: str) -> Iterator[None]:
    """Holds a lock that keeps `no_run` away, for what publishes no version, so that any number may go on at once.

    Args:
        what: names the run to people, such as `certify`.

    Raises:
        InputError: what the root no longer needs is being removed.
    """
    with lock(root, f"{_USES}/{what}-{uuid4().hex}"):
        check_free(root, _CLEARING)
        yield


@contextmanager
def no_run(root: Root, shelves: Iterable[str]) -> Iterator[None]:
    """Holds a lock while no run of any name goes on.

    Raises:
        InputError: one is under way.
    """
    with lock(root, _CLEARING):
        for shelf in shelves:
            for name in root.names(f"locks/{shelf}"):
                check_free(root, f"{shelf}/{name.removesuffix('.json')}")
        for name in root.names(f"locks/{_USES}"):
            with lock(root, f"{_USES}/{name.removesuffix('.json')}"):
                pass  # of a dead one, whose lock goes by this: nobody asks for it again
        yield


def _sweep(base: str) -> None:
    """Removes files and folders that were being written a day ago or longer."""
    before = time.time() - _OLD
    for folder, folders, files in os.walk(base):
        for name in [name for name in folders if name.startswith(BUILDING)]:
            folders.remove(name)
            if _changed(f"{folder}/{name}") < before:
                shutil.rmtree(f"{folder}/{name}", ignore_errors=True)
        for name in files:
            if name.startswith(TEMPORARY) and _changed(f"{folder}/{name}") < before:
                with suppress(OSError):
                    Path(folder, name).unlink()


def _changed(path: str) -> float:
    try:
        return Path(path).lstat().st_mtime
    except OSError:  # gone meanwhile
        return time.time()
