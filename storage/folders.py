"""Published folders: `SHA256SUMS` has the digest of every file, and a record, written last, has that of `SHA256SUMS`.

A second small file has the digest of the record. Both are as `sha256sum -c` reads them.
"""

import errno
import hashlib
from collections.abc import Callable, Iterable, Iterator
from uuid import uuid4

from storage.errors import DamagedTableError, InputError
from storage.parquet import is_intact, read_bytes
from storage.root import Root
from storage.tables.spec import FileRef, ListingRef, TableRef

BUILDING = ".building-"
"""Begins the names of folders that are being written."""
_LISTING = "SHA256SUMS"
_HOW = "run the command that made it once more, or remove its folder"
_STANDS = (errno.EEXIST, errno.ENOTEMPTY)

Files = Iterable[tuple[str, bytes] | tuple[str, bytes | TableRef]]
"""Paths in a folder, and the bytes of each or what is stored in the root already."""


def publish_folder(root: Root, folder: str, files: Files, record: str, describe: Callable[[ListingRef], bytes]) -> None:
    """Writes a folder, or what is lost or damaged of it.

    It is none before its record. A new local folder appears by one rename; where another process was quicker, its own
    stays. An object store has no renames: there the record is the commit.

    Args:
        record: name of the file that is written last, such as `manifest.json`.
        describe: gives its bytes, from the reference of the list of all other files.

    Raises:
        DamagedTableError: a stored table is not what its reference promises.
    """
    parent, _, name = folder.rpartition("/")
    stands = root.exists(f"{folder}/{record}")
    building = f"{parent}/{BUILDING}{name}.{uuid4().hex}" if root.is_local and not stands else folder
    try:
        if not stands:
            root.remove(building)  # of a store: what was left without a record
        _write(root, building, files, record, describe, over=stands)
        if building != folder:
            root.flush()
            _move(root, building, folder, record)
        root.flush()
    finally:
        if building != folder:
            root.remove(building)


def _write(
    root: Root, folder: str, files: Files, record: str, describe: Callable[[ListingRef], bytes], *, over: bool
) -> None:
    digests = {}
    for path, content in files:
        digest = content.digest if isinstance(content, TableRef) else hashlib.sha256(content).hexdigest()
        target = FileRef(path=f"{folder}/{path}", digest=digest)
        if not (over and is_intact(root, target)):
            _store(root, target, content)
        digests[path] = digest
    listing = "".join(_line(digest, path) for path, digest in sorted(digests.items())).encode()
    ref = ListingRef(path=_LISTING, digest=hashlib.sha256(listing).hexdigest(), rows=len(digests))
    described = describe(ref)
    seal = _line(hashlib.sha256(described).hexdigest(), record).encode()
    root.flush()  # what the record tells of comes first
    for path, content in ((_LISTING, listing), (_seal(record), seal), (record, described)):
        root.write(f"{folder}/{path}", content)


def _store(root: Root, target: FileRef, content: bytes | TableRef) -> None:
    if isinstance(content, bytes):
        root.write(target.path, content, flush=False)
        return
    root.copy(content.path, target.path, flush=False)
    if not is_intact(root, target):
        raise DamagedTableError(f"{root.url}/{content.path} was changed or damaged; run the same command again")


def _move(root: Root, building: str, folder: str, record: str) -> None:
    """Puts a folder in its place, in that of one that has no record; one that has, stays."""
    if not root.exists(f"{folder}/{record}"):
        root.remove(folder)
    try:
        root.move(building, folder)
    except OSError as error:
        if error.errno not in _STANDS:
            raise


def read_record(root: Root, path: str) -> bytes:
    """Returns the record of a published folder, by its path, checked against its digest.

    Raises:
        FileNotFoundError: there is none.
        DamagedTableError: it holds other bytes.
    """
    content = root.read(path)
    folder, _, name = path.rpartition("/")
    try:
        seal = root.read(f"{folder}/{_seal(name)}")
    except FileNotFoundError:
        return content  # published long ago; `list_damage` tells of one that was lost
    if seal != _line(hashlib.sha256(content).hexdigest(), name).encode():
        raise DamagedTableError(f"{root.url}/{path} was changed or damaged; {_HOW}")
    return content


def list_damage(root: Root, folder: str, record: str, listing: ListingRef | None) -> Iterator[str]:
    """Yields what of a published folder is not as it was published, a line each; its record has been read.

    Args:
        listing: the list of its files, as the record has it.
    """
    if listing is None:
        yield f"{folder}/{record} is of long ago and does not tell the digests of its files"
        return
    if root.size(f"{folder}/{_seal(record)}") is None:
        yield f"{folder}/{_seal(record)} is gone"
    yield from list_lost(root, listing.model_copy(update={"path": f"{folder}/{listing.path}"}))


def list_lost(root: Root, listing: ListingRef) -> Iterator[str]:
    """Lists which of the files that a list names are gone or damaged, a line each; the list itself as well.

    Args:
        listing: the list, by its path in the root.
    """
    try:
        content = read_bytes(root, listing)
    except (InputError, OSError):  # damaged, or led elsewhere by someone who prepared it
        yield f"{listing.path} is gone or damaged"
        return
    folder = listing.path.rpartition("/")[0]
    for line in content.decode("utf-8", "replace").splitlines():
        digest, _, path = line.partition("  ")
        if not is_intact(root, FileRef(path=f"{folder}/{path}", digest=digest)):
            yield f"{folder}/{path} is gone or damaged"


def records_of(root: Root, folder: str, record: str) -> tuple[FileRef, FileRef]:
    """Returns a published folder's record, and the digest that it is checked by; a memo stands with them."""

    def ref(path: str) -> FileRef:
        return FileRef(path=path, digest=hashlib.sha256(root.read(path)).hexdigest())

    return ref(f"{folder}/{record}"), ref(f"{folder}/{_seal(record)}")


def _line(digest: str, path: str) -> str:
    return f"{digest}  {path}\n"


def _seal(record: str) -> str:
    return f"{record.rpartition('.')[0]}.sha256"
