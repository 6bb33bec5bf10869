"""Image bytes as they came, stored once under their sha256."""

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import PurePosixPath

from storage.errors import DamagedTableError
from storage.parquet import is_intact
from storage.root import Root
from storage.tables.spec import FileRef

_HOW = "run the same command with --refetch failed, which fetches it anew"
_AT_ONCE = 8  # files: one a core, and some that wait for a store
_IN_MEMORY = 10_000


def put_image(root: Root, content: bytes, sha256: str, extension: str) -> str:
    """Stores the bytes unless they are there; returns their path below the root, `images/ab/SHA256.EXTENSION`.

    They are flushed with the next `root.flush()`, which comes before anything that says that they are there. A file of
    other bytes, left by a loss of power or rotten, is written anew.

    Args:
        sha256: of the bytes, hexadecimal; who reads them back checks it.
    """
    path = f"images/{sha256[:2]}/{sha256}.{extension}"
    if root.size(path) != len(content) or not _is_sound(root, path):
        root.write(path, content, flush=False)
    return path


def get_image(root: Root, path: str) -> bytes:
    """Returns the bytes stored under this path.

    Raises:
        DamagedTableError: they are gone, or no longer those that the name promises.
    """
    try:
        content = root.read(path)
    except FileNotFoundError as error:
        raise DamagedTableError(f"{root.url}/{path} is gone; {_HOW}") from error
    if hashlib.sha256(content).hexdigest() != PurePosixPath(path).stem:
        raise DamagedTableError(f"{root.url}/{path} was changed or damaged; {_HOW}")
    return content


def rotten_images(root: Root, paths: Iterable[str]) -> set[str]:
    """Returns the stored images that are gone, or hold other bytes than their names promise; all are read."""
    rotten, coming = set[str](), iter(paths)
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        while some := list(islice(coming, _IN_MEMORY)):
            rotten |= {
                path
                for path, is_sound in zip(some, threads.map(partial(_is_sound, root), some), strict=True)
                if not is_sound
            }
    return rotten


def check_stored(root: Root, paths: Iterable[str]) -> None:
    """Reads stored images through: an hour for some millions.

    Raises:
        DamagedTableError: some are gone, or hold other bytes.
    """
    if rotten := sorted(rotten_images(root, paths)):
        others = f" and {len(rotten) - 1:,} more stored images are" if len(rotten) > 1 else " is"
        raise DamagedTableError(f"{root.url}/{rotten[0]}{others} gone or damaged; {_HOW}")


def _is_sound(root: Root, path: str) -> bool:
    return is_intact(root, FileRef(path=path, digest=PurePosixPath(path).stem))
