"""Archives as they came, stored once under their sha256."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from storage.root import Root


@contextmanager
def partial_file(root: Root, name: str) -> Iterator[Path]:
    """Gives a file to gather an archive in, alone in a folder on this machine's disk.

    A local root keeps it for next time.
    """
    if root.is_local:
        folder = root.local_path(f"archives/.partial/{name}")
        folder.mkdir(parents=True, exist_ok=True)
        yield folder / "archive"
        return
    with tempfile.TemporaryDirectory() as temporary:
        yield Path(temporary) / "archive"


def put_archive(root: Root, file: Path, sha256: str, suffix: str) -> str:
    """Moves a file of `partial_file` into the root; returns its path there, `archives/ab/SHA256.SUFFIX`."""
    path = f"archives/{sha256[:2]}/{sha256}{suffix}"
    if not root.exists(path):
        with file.open("rb") as source, root.writing(path) as target:
            while chunk := source.read(1 << 20):
                target.write(chunk)
    file.unlink()
    return path


def suffix_of(address: str) -> str:
    """Returns the suffix that the file's name at an address has, such as `.zip`."""
    return PurePosixPath(address.partition("?")[0]).suffix
