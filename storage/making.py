"""The files of a folder that is put together: each made once, noted with its digest, and believed only by that."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from storage.errors import DamagedTableError
from storage.local import TEMPORARY
from storage.parquet import is_intact
from storage.root import Root
from storage.tables.spec import FileRef
from storage.unwritable import told_when_unwritable

_AT_ONCE = min(8, os.cpu_count() or 1)
_AHEAD = 256
_NAMED = 5

T = TypeVar("T")


@dataclass(frozen=True)
class Link:
    """A file that is a link to another one, whose digest was checked."""

    target: Path
    digest: str


@dataclass(frozen=True)
class Wanted:
    """A file of the folder: its path, and what makes it.

    `make` raises DamagedTableError, with a path, where it needs a stored file that is gone or damaged.
    """

    path: str
    make: Callable[[], bytes | Link]


def is_made(root: Root, known: Mapping[str, str], file: Wanted) -> bool:
    """Returns whether a file is there, with the digest that is known of it by its path."""
    return file.path in known and is_intact(root, FileRef(path=file.path, digest=known[file.path]))


def read_digests(path: Path) -> dict[str, str]:
    """Returns digests by path, of lines as `sha256sum` writes them; none where there is no such file."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    lines = (line.partition("  ") for line in text.split("\n"))
    return {path: digest for digest, _, path in lines if path}


def work_through(function: Callable[[Wanted], T], files: Sequence[Wanted]) -> Iterator[T]:
    """Yields what a function gives for each file, in their order; by several threads, which are few files ahead."""
    coming = iter(files)
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        while some := list(islice(coming, _AHEAD)):
            yield from threads.map(function, some)


def make_missing(
    work: Root, known: Mapping[str, str], notes: Path, files: Sequence[Wanted], on_progress: Callable[[int, int], None]
) -> tuple[dict[str, str], int]:
    """Makes all files that are not there yet; gives the digest of each, and how many were made.

    Args:
        work: the folder, on this machine's disk. known: the digests of what is said to be there, by path.
        notes: a file in the folder, to which the digest of each file is added when it is made.
        files: no two of one path. on_progress: is called with how many of how many files are done.

    Raises:
        DamagedTableError: stored files are gone or damaged; all others are made.
    """
    digests, lost, made = dict[str, str](), set[str](), 0
    with notes.open("a", encoding="utf-8", buffering=1) as noted:
        outcomes = work_through(partial(_make, work, known), files)
        for done, (path, digest, is_new) in enumerate(outcomes, start=1):
            if digest is None:
                lost.add(path)
            elif is_new:
                noted.write(f"{digest}  {path}\n")
                made += 1
            digests[path] = digest or ""
            on_progress(done, len(files))
    if lost:
        raise DamagedTableError(_tell(sorted(lost)))
    if len(digests) < len(files):
        raise RuntimeError(f"{len(files)} files have {len(digests)} paths")
    return digests, made


def _make(work: Root, known: Mapping[str, str], file: Wanted) -> tuple[str, str | None, bool]:
    """A file's path, its digest, and whether it was made now; or the path of what it lacks, and None."""
    if is_made(work, known, file):
        return file.path, known[file.path], False
    try:
        content = file.make()
    except DamagedTableError as error:
        if error.path is None:
            raise
        return error.path, None, False
    return file.path, _put(work, file.path, content), True


def _put(work: Root, path: str, content: bytes | Link) -> str:
    if isinstance(content, bytes):
        work.write(path, content, flush=False)
        return hashlib.sha256(content).hexdigest()
    target = work.local_path(path)
    beside = target.with_name(f"{TEMPORARY}{uuid4().hex}")
    with told_when_unwritable(work.url, "folder"):
        target.parent.mkdir(parents=True, exist_ok=True)
        beside.symlink_to(content.target)
        beside.replace(target)
    return content.digest


def _tell(lost: Sequence[str]) -> str:
    named = ", ".join(lost[:_NAMED]) + (f" and {len(lost) - _NAMED:,} more" if len(lost) > _NAMED else "")
    return (
        f"{named}: gone or damaged, and all else is made; cairn curate with --refetch failed fetches them anew, "
        "and the same command goes on"
    )
