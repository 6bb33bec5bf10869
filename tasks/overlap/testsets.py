"""A test set as a folder of photographs."""

import hashlib
import re
from pathlib import Path

from storage.errors import InputError
from tasks.acquire.sources import IMAGE_SUFFIXES


def test_photographs(name: str, folder: Path) -> list[Path]:
    """The photographs of a test set, sorted by path; all image files below its folder.

    Raises:
        InputError: the folder is missing or holds none. A version must not be published unchecked without a word.
    """
    if not folder.is_dir():
        raise InputError(f"test set {name!r}: no folder {folder}; give --test-set {name}=FOLDER with its photographs")
    files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in IMAGE_SUFFIXES and f.is_file())
    if not files:
        raise InputError(f"test set {name!r}: no photographs below {folder}")
    return files


def folder_digest(name: str, folder: Path) -> str:
    """sha256 over the paths and bytes of a test set's photographs."""
    digest = hashlib.sha256()
    for file in test_photographs(name, folder):
        digest.update(f"{file.relative_to(folder).as_posix()}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def site_of(file_name: str) -> str:
    """The landmark of a test photograph: its file name without extension and trailing number.

    >>> site_of("paris_eiffel_000004.jpg")
    'paris_eiffel'
    """
    stem = Path(file_name).stem
    return re.sub(r"[_-]\d+$", "", stem) or stem
