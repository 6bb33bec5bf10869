"""A folder that is put together file by file for a user: it appears when it is whole, and what was killed goes on.

It is built beside its place, where what is made of it is noted. Whole, it has `SHA256SUMS`, as `sha256sum -c` reads
it, and a record of what was asked for.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from storage.errors import InputError
from storage.folders import BUILDING
from storage.local import TEMPORARY
from storage.locks import check_free, lock
from storage.making import Wanted, is_made, make_missing, read_digests, work_through
from storage.root import Root

_RECORD, _LISTING, _NOTES = "export.json", "SHA256SUMS", ".made"


@dataclass(frozen=True)
class Gathered:
    """How many files a folder has, and how many of them were made now."""

    files: int
    made: int


def gather_folder(
    target: Path,
    request: Mapping[str, Any],
    files: Sequence[Wanted],
    folders: Sequence[str] = (),
    on_progress: Callable[[int, int], None] = lambda *_: None,
) -> Gathered:
    """Puts a folder together, or what is missing or damaged of one that the same call made.

    Args:
        target: where it is to stand, absolute; nothing may stand there but an empty folder, or what this call made.
        request: what is asked for, as plain JSON; kept in `export.json`.
        files: no two of one path. folders: that have to be there, be they empty.
        on_progress: is called with how many of how many files are done.

    Raises:
        InputError: something else stands there, or another process is at work on it.
        DamagedTableError: stored files are gone or damaged; all others are made, and the same call goes on.
    """
    asked = json.dumps(request, indent=2, ensure_ascii=False) + "\n"
    name = f"{BUILDING}{target.name}-{hashlib.sha256(asked.encode()).hexdigest()[:12]}"
    beside, building = Root(str(target.parent)), target.parent / name
    if _stands(target, asked):
        if _is_whole(target, files, folders, on_progress):
            return Gathered(len(files), 0)
        beside.remove(name)
        beside.move(target.name, name)
    work, notes = Root(str(building)), building / _NOTES
    with lock(work, "export"):
        known = read_digests(building / _LISTING) | read_digests(notes)
        digests, made = make_missing(work, known, notes, files, on_progress)
        for folder in folders:
            (building / folder).mkdir(parents=True, exist_ok=True)
        listing = "".join(f"{digest}  {path}\n" for path, digest in sorted(digests.items()))
        work.write(_LISTING, listing.encode())
        work.write(_RECORD, asked.encode())
        _remove_scaffolding(work)
        work.flush()
        beside.move(name, target.name)
    _remove_abandoned(target)
    return Gathered(len(files), made)


def _stands(target: Path, asked: str) -> bool:
    """Whether what is asked for stands there already.

    Raises:
        InputError: something else does.
    """
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise InputError(f"{target} is not a folder; give one that is new")
    if not target.exists() or not any(target.iterdir()):
        return False
    try:
        found = (target / _RECORD).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(f"{target} holds something else; give a folder that is new or empty") from error
    if found != asked:
        raise InputError(f"{target} holds another export (see its {_RECORD}); give another folder, or remove that one")
    return True


def _is_whole(
    target: Path, files: Sequence[Wanted], folders: Sequence[str], on_progress: Callable[[int, int], None]
) -> bool:
    root, known = Root(str(target)), read_digests(target / _LISTING)
    for done, is_there in enumerate(work_through(partial(is_made, root, known), files), start=1):
        if not is_there:
            return False
        on_progress(done, len(files))
    return all((target / folder).is_dir() for folder in folders)


def _remove_scaffolding(work: Root) -> None:
    """Removes what a whole folder does not have: notes, the lock, and what a kill left half-written."""
    for path in (_NOTES, "locks"):
        work.remove(path)
    for left in work.local_path("").rglob(f"{TEMPORARY}*"):
        left.unlink()


def _remove_abandoned(target: Path) -> None:
    """Removes what was begun for the same folder and something else, unless somebody is at work on it."""
    for begun in target.parent.glob(f"{BUILDING}*"):
        if re.fullmatch(re.escape(f"{BUILDING}{target.name}-") + "[0-9a-f]{12}", begun.name):
            with suppress(InputError):
                check_free(Root(str(begun)), "export")
                shutil.rmtree(begun, ignore_errors=True)
