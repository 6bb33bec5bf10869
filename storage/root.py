"""The dataset root: a folder on any fsspec filesystem, written to in one step a file."""

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO
from urllib.parse import urlsplit
from uuid import uuid4

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from storage.errors import InputError, UnwritableRootError
from storage.local import create_whole, flush_file_system, size_of, stamp_of, write_whole, writing
from storage.unwritable import told_when_unwritable

_TAKEN = ("PreconditionFailed", "ConditionalRequestConflict")  # what S3 answers where an object must not be, but is
_flushing = threading.Lock()
_last_flush: dict[str, float] = {}
"""When the last flush of each root that succeeded began."""


class Root:
    """A dataset root. Paths given to its methods are relative to it, with forward slashes.

    Args:
        url: a local folder, or any URL that fsspec opens, such as `s3://bucket/folder`.

    Raises:
        InputError: nothing can open this kind of URL, or what is written there is lost with the process.
    """

    def __init__(self, url: str) -> None:
        if not str(url).strip():
            raise InputError("the root is empty text; give a folder, such as ./data")
        try:
            self.fs, base = url_to_fs(url, use_listings_cache=False)
        except (ValueError, ImportError) as error:
            raise InputError(f"root {url!r} can't be opened: {error}") from error
        if isinstance(self.fs, MemoryFileSystem):
            raise InputError(f"root {url!r} is memory, which is lost when the command ends; give a folder or a bucket")
        self.base = str(base).rstrip("/")
        self.is_local = isinstance(self.fs, LocalFileSystem)
        # Relative folders are made absolute, since a worker may run in another directory.
        self.url = self.base if self.is_local else url.rstrip("/")

    def path(self, relative: str) -> str:
        """Returns the full path inside the filesystem.

        Raises:
            InputError: it leads out of the root, as a path in a record that someone else prepared might.
        """
        if relative.startswith("/") or ".." in relative.split("/"):
            raise InputError(f"path {relative!r} leads out of the dataset root {self.url}")
        if "\0" in relative:
            raise InputError(f"path {relative!r} can't be one in the dataset root {self.url}")
        return f"{self.base}/{relative}" if relative else self.base

    def local_path(self, relative: str) -> Path:
        """Returns the path on this machine's disk; only for local roots."""
        if not self.is_local:
            raise InputError(f"{self.url} is not on this machine's disk; copy {relative} first")
        return Path(self.path(relative))

    def exists(self, relative: str) -> bool:
        """Returns whether a file or folder stands there."""
        return bool(self.fs.exists(self.path(relative)))

    def read(self, relative: str) -> bytes:
        """Returns the bytes of a file.

        Raises:
            FileNotFoundError: there is none.
        """
        return bytes(self.fs.cat_file(self.path(relative)))

    @contextmanager
    def reading(self, relative: str) -> Iterator[BinaryIO]:
        """Opens a file to be read in any order; one of a store is first fetched to this machine's disk.

        Raises:
            FileNotFoundError: there is none.
        """
        if self.is_local:
            with Path(self.path(relative)).open("rb") as file:
                yield file
            return
        with tempfile.TemporaryFile() as copy, self.fs.open(self.path(relative), "rb") as file:
            shutil.copyfileobj(file, copy)
            copy.seek(0)
            yield copy

    def write(self, relative: str, content: bytes, *, flush: bool = True) -> None:
        """Writes a file so that a reader sees the old one, the new one, or none: never a part of one.

        Args:
            flush: whether it has to survive a loss of power from now on, and not only from the next `flush`.

        Raises:
            UnwritableRootError: the root can't be written, and won't be by trying again.
        """
        with told_when_unwritable(self.url):
            if self.is_local:
                write_whole(self.path(relative), content, flush=flush)
            else:
                self.fs.pipe_file(self.path(relative), content)  # an object appears when its upload is complete

    def create(self, relative: str, content: bytes) -> bool:
        """Writes a file where there is none; of many who do at once, one succeeds. Returns whether it did.

        Raises:
            UnwritableRootError: the root can't be written, and won't be by trying again.
        """
        with told_when_unwritable(self.url):
            if self.is_local:
                return create_whole(self.path(relative), content)
            try:
                self.fs.pipe_file(self.path(relative), content, mode="create")
            except FileExistsError:
                return False
            except OSError as error:
                if getattr(error.__cause__, "response", {}).get("Error", {}).get("Code") in _TAKEN:
                    return False
                raise
            return True

    def flush(self) -> None:
        """Makes all that was written survive a loss of power: at once, for a flush of each of many files takes long."""
        if not self.is_local or not Path(self.base).is_dir():
            return
        asked = monotonic()
        with _flushing:
            if _last_flush.get(self.base, -1.0) <= asked:  # else one that began since then was for all who waited
                begun = monotonic()
                flush_file_system(self.base)
                _last_flush[self.base] = begun

    def size(self, relative: str) -> int | None:
        """Returns the length of a file, or None where there is none."""
        path = self.path(relative)
        if self.is_local:
            return size_of(path)
        try:
            return int(self.fs.size(path))
        except FileNotFoundError:
            return None

    @contextmanager
    def writing(self, relative: str, *, flush: bool = True) -> Iterator[BinaryIO]:
        """Opens a file on disk to write to, which stands at its path when all is written; after an error, nothing does.

        Args:
            flush: as in `write`.

        Raises:
            UnwritableRootError: the root can't be written, and won't be by trying again.
        """
        if self.is_local:
            with told_when_unwritable(self.url), writing(self.path(relative), flush=flush) as file:
                yield file
            return
        with tempfile.TemporaryDirectory(prefix=".writing-") as folder:
            with told_when_unwritable(folder, "TMPDIR"), writing(f"{folder}/file", flush=False) as file:
                yield file
            with told_when_unwritable(self.url):  # an object appears when its upload is complete
                self.fs.put_file(f"{folder}/file", self.path(relative))

    def copy(self, source: str, relative: str, *, flush: bool = True) -> None:
        """Writes a file as `write` does, with what is at another path of this root."""
        if self.is_local:
            with self.reading(source) as file, self.writing(relative, flush=flush) as copy:
                shutil.copyfileobj(file, copy, 1 << 20)
        else:
            self.fs.copy(self.path(source), self.path(relative))

    def names(self, relative: str) -> list[str]:
        """Returns the names of the files and folders in a folder, sorted; empty where there is no such folder."""
        if not self.exists(relative):
            return []
        self.fs.invalidate_cache(self.path(relative))
        entries = self.fs.ls(self.path(relative), detail=False)
        return sorted(str(entry).rstrip("/").rsplit("/", 1)[-1] for entry in entries)

    def find(self, relative: str) -> dict[str, int]:
        """Returns the paths of all files below a folder, and the length of each; none where there is no such folder."""
        base = self.path(relative)
        if self.is_local:
            found = {
                f"{folder}/{name}": size_of(f"{folder}/{name}") for folder, _, names in os.walk(base) for name in names
            }
        else:
            self.fs.invalidate_cache(base)
            found = {str(path): int(facts["size"]) for path, facts in self.fs.find(base, detail=True).items()}
        return {path[len(self.base) + 1 :]: size for path, size in found.items() if size is not None}

    def stamps(self, relative: str) -> dict[str, str]:
        """Returns the paths of all files at or below a path, and what tells cheaply whether each was written since.

        That is its length, and when it was last changed, or an object's ETag. No bytes are read.
        """
        base = self.path(relative)
        if self.is_local:
            walked = (f"{folder}/{name}" for folder, _, names in os.walk(base) for name in names)
            found = {path: stamp_of(path) for path in (walked if os.path.isdir(base) else [base])}  # noqa: PTH112
        else:
            self.fs.invalidate_cache(base)
            found = {str(path): _stamp_of_object(facts) for path, facts in self.fs.find(base, detail=True).items()}
        return {path[len(self.base) + 1 :]: stamp for path, stamp in found.items() if stamp is not None}

    def remove(self, relative: str) -> None:
        """Removes a file or a folder with all that is in it, if it is there."""
        if self.exists(relative):
            with told_when_unwritable(self.url):
                self.fs.rm(self.path(relative), recursive=True)

    def move(self, source: str, target: str) -> None:
        """Moves a folder in one step; only on a local disk, since object stores have none."""
        with told_when_unwritable(self.url):
            self.local_path(target).parent.mkdir(parents=True, exist_ok=True)
            self.local_path(source).rename(self.local_path(target))

    def check_writable(self) -> None:
        """Proves that the root can be written to, and leaves nothing behind.

        Raises:
            UnwritableRootError: it can't; the text names the root.
        """
        try:
            made = (
                [folder for folder in (Path(self.base), *Path(self.base).parents) if not folder.exists()]
                if self.is_local
                else []
            )
            probe = f".cairn-probe-{uuid4().hex}"  # of this run alone: others may look at the same moment
            self.write(probe, b"")
            self.remove(probe)
            with suppress(OSError):  # another run has come in
                for folder in made:
                    folder.rmdir()
        except UnwritableRootError:
            raise
        except Exception as error:  # stores raise errors of their own: no credentials, no such host
            where = urlsplit(self.url).netloc or self.url
            said = f"root {self.url!r} can't be written ({where}: {error}); give a folder you own"
            raise UnwritableRootError(said) from error


def _stamp_of_object(facts: Mapping[str, Any]) -> str:
    """The stamp of an object; stores name what changes with it in different ways."""
    changed = next((facts[name] for name in ("ETag", "etag", "LastModified", "mtime", "updated") if name in facts), "")
    return f"{facts['size']} {changed}"
