"""Whether stored files are still those that a reference promises: cheaply by their stamps, surely by their digests."""

import hashlib
from collections.abc import Iterable, Sequence

from storage.folders import list_lost
from storage.parquet import is_intact
from storage.root import Root
from storage.tables.spec import FileRef, ListingRef


def stamp(root: Root, refs: Iterable[FileRef]) -> str:
    """Returns one digest over the lengths and times of change (or ETags) of files, and of all that their listings name.

    While it stays the same, none of them was written anew or removed. No bytes are read.

    Raises:
        InputError: a path leads out of the root.
    """
    found: dict[str, str] = {}
    for ref in refs:
        found |= root.stamps(ref.path.rpartition("/")[0] if isinstance(ref, ListingRef) else ref.path)
    lines = "".join(f"{path} {facts}\n" for path, facts in sorted(found.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def are_intact(root: Root, refs: Sequence[FileRef]) -> bool:
    """Returns whether every file, and all that their listings name, has the promised digest; all bytes are read."""
    lost = (line for ref in refs if isinstance(ref, ListingRef) for line in list_lost(root, ref))
    return all(is_intact(root, ref) for ref in refs) and next(lost, None) is None
