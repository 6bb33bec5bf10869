"""The files of a folder that is put together: each made once, noted with its digest, and believed only by that."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from uuid import uuid4

from storage.errors import DamagedTableError
from storage.parquet import is_intact
from storage.root import TEMPORARY, Root
from storage.tables.spec import FileRef
from storage.unwritable import told_when_unwritable

AT_ONCE = min(8, os.cpu_count() or 1)
_IN_MEMORY = 1_000
_NAMED = 5


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


def is_made(root: Root, file: Wanted, known: Mapping[str, str]) -> bool:
    """Whether a file is there, with the digest that is known of it by its path."""
    return file.path in known and is_intact(root, FileRef(path=file.path, digest=known[file.path]))


def read_digests(path: Path) -> dict[str, str]:
    """Digests by path, of lines as `sha256sum` writes them; none where there is no such file."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    lines = (line.partition("  ") for line in text.split("\n"))
    return {path: digest for digest, _, path in lines if path}


def make_missing(
    work: Root, noted_in: str, files: Sequence[Wanted], on_progress: Callable[[int, int], None]
) -> tuple[dict[str, str], int]:
    """Makes all files that are not there yet; gives the digest of each, and how many were made.

    Args:
        work: the folder, on this machine's disk. noted_in: the file in it that has digests of what was made.
        files: no two of one path. on_progress: is called with how many of how many files are done.

    Raises:
        DamagedTableError: stored files are gone or damaged; all others are made.
    """
    notes, digests, lost, made = work.local_path(noted_in), dict[str, str](), set[str](), 0
    known = read_digests(notes)
    with notes.open("a", encoding="utf-8", buffering=1) as noted, ThreadPoolExecutor(AT_ONCE) as threads:
        for done, (path, digest, is_new) in enumerate(_made(threads, work, files, known), start=1):
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


def _made(
    threads: Executor, work: Root, files: Sequence[Wanted], known: Mapping[str, str]
) -> Iterator[tuple[str, str | None, bool]]:
    """For each file its path, its digest, and whether it was made now; or the path of what it lacks, and None."""

    def make(file: Wanted) -> tuple[str, str | None, bool]:
        if is_made(work, file, known):
            return file.path, known[file.path], False
        try:
            content = file.make()
        except DamagedTableError as error:
            if error.path is None:
                raise
            return error.path, None, False
        return file.path, _put(work, file.path, content), True

    coming = iter(files)
    while some := list(islice(coming, _IN_MEMORY)):
        yield from threads.map(make, some)


def _put(work: Root, path: str, content: bytes | Link) -> str:
    if isinstance(content, bytes):
        work.write(path, content, flush=False)
        return hashlib.sha256(content).hexdigest()
    place = work.local_path(path)
    beside = place.with_name(f"{TEMPORARY}{uuid4().hex}")
    with told_when_unwritable(work.url, "folder"):
        place.parent.mkdir(parents=True, exist_ok=True)
        beside.symlink_to(content.target)
        beside.replace(place)
    return content.digest


def _tell(lost: Sequence[str]) -> str:
    named = ", ".join(lost[:_NAMED]) + (f" and {len(lost) - _NAMED:,} more" if len(lost) > _NAMED else "")
    return (
        f"{named}: gone or damaged, and all else is made; cairn curate with --refetch failed fetches them anew, "
        "and the same command goes on"
    )
