"""Dataset versions: immutable folders of tables, named by number and content digest, published in one step."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from itertools import chain
from pathlib import PurePosixPath

import pyarrow as pa
from pydantic import ValidationError
from typing_extensions import TypeVar

from storage.errors import DamagedTableError, InputError
from storage.folders import list_damage, publish_folder, read_record
from storage.locks import lock
from storage.manifest import Making, Manifest, Version
from storage.parquet import encode, read_table
from storage.root import Root
from storage.tables.acquisition import FETCH_LOG
from storage.tables.spec import ListingRef, R, TableRef, TableSpec
from storage.tables.versions import VERSION_TABLES

NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FOLDER_PATTERN = re.compile(r"(\d+)-([0-9a-f]{12})")
_RECORD = "manifest.json"
_SPECS = {spec.name: spec for spec in VERSION_TABLES}

V = TypeVar("V", bound=Version, default=Manifest)
"""The kind of version that is asked for, by the model of its manifest: a curated list unless told otherwise.

(mypy takes no default for an argument of a generic type, even where the type has the same default.)
"""


def content_digest(tables: Mapping[str, TableRef]) -> str:
    """Returns the version's digest. What differs between identical runs, the fetch log, is not part of it."""
    lines = sorted(f"{name} {ref.digest}\n" for name, ref in tables.items() if name != FETCH_LOG.name)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def check_name(name: str) -> None:
    """Raises InputError where the name can't be a folder's."""
    if not NAME_PATTERN.fullmatch(name):
        raise InputError(
            f"name {name!r}: use up to 64 letters, digits, dots, dashes, underscores; a letter or digit first"
        )


def read_manifest(root: Root, name: str, folder: str, kind: type[V] = Manifest) -> V:  # type: ignore[assignment]
    """Returns the manifest of a version, by the name of its folder.

    Raises:
        InputError: there is no such version.
        DamagedTableError: its manifest is not one, or not the one that was published.
    """
    try:
        return _read(root, f"{kind.shelf}/{name}/{folder}", kind)
    except FileNotFoundError as error:
        raise InputError(f"no version {folder!r} of {name!r} in {root.url}; `{kind.lister}` lists them") from error


def read_version(root: Root, folder: str, kind: type[V] = Manifest) -> V:  # type: ignore[assignment]
    """Returns the manifest of a version, by its folder below the root, as whoever publishes it says where it is.

    Raises:
        InputError: there is no such version.
        DamagedTableError: its manifest is not one, or not the one that was published.
    """
    try:
        return _read(root, folder, kind)
    except FileNotFoundError as error:
        raise InputError(f"no version {folder} in {root.url}; `{kind.lister}` lists them") from error


def _read(root: Root, folder: str, kind: type[V]) -> V:
    path = f"{folder}/{_RECORD}"
    try:
        return kind.model_validate_json(read_record(root, path))
    except ValidationError as error:
        how = "run the command that made it once more, or remove its folder"
        raise DamagedTableError(f"{root.url}/{path} is not a manifest; {how}") from error


def read_if_sound(root: Root, name: str, folder: str, kind: type[V] = Manifest) -> V | None:  # type: ignore[assignment]
    """Returns the manifest of a version, or None where there is none or it is damaged."""
    try:
        return read_manifest(root, name, folder, kind)
    except InputError:
        return None


def list_folders(root: Root, name: str, kind: type[Version] = Manifest) -> list[str]:
    """Returns the names of the folders of a name's published versions, oldest first.

    Those without a manifest are none.
    """
    shelf = f"{kind.shelf}/{name}"
    folders = [folder for folder in root.names(shelf) if root.exists(f"{shelf}/{folder}/{_RECORD}")]
    return sorted(filter(_FOLDER_PATTERN.fullmatch, folders), key=_number)


def list_versions(root: Root, name: str, kind: type[V] = Manifest) -> list[V]:  # type: ignore[assignment]
    """Returns the published versions of a name, oldest first.

    Raises:
        DamagedTableError: the manifest of one is damaged.
    """
    return [read_manifest(root, name, folder, kind) for folder in list_folders(root, name, kind)]


def list_names(root: Root, kind: type[Version] = Manifest) -> list[str]:
    """Returns the names that have versions."""
    return [name for name in root.names(kind.shelf) if NAME_PATTERN.fullmatch(name)]


def latest_version(root: Root, name: str, kind: type[V] = Manifest) -> V | None:  # type: ignore[assignment]
    """Returns the version that `latest` points to, or None before the first.

    Raises:
        InputError: it points to none, or is damaged; so may be the version.
    """
    folder = _latest_folder(root, name, kind)
    return read_manifest(root, name, folder, kind) if folder else None


def latest_if_sound(root: Root, name: str, kind: type[V] = Manifest) -> V | None:  # type: ignore[assignment]
    """Returns the version that `latest` points to, or None where there is none or it is damaged."""
    try:
        return latest_version(root, name, kind)
    except InputError:
        return None


def _latest_folder(root: Root, name: str, kind: type[Version]) -> str | None:
    pointer = f"{kind.shelf}/{name}/latest"
    if not root.exists(pointer):
        return None
    folder = root.read(pointer).decode("ascii", "replace").strip()
    if not _FOLDER_PATTERN.fullmatch(folder):
        raise DamagedTableError(f"{root.url}/{pointer} is damaged; the next run of {name!r} writes it anew")
    return folder


def point_latest(root: Root, version: Version) -> None:
    """Moves `latest` to this version: the last step of a publication."""
    root.write(f"{version.shelf}/{version.name}/latest", f"{version.folder_name}\n".encode())


def find_version(root: Root, name: str, which: str, kind: type[V] = Manifest) -> V:  # type: ignore[assignment]
    """Returns a version by `latest`, its number, its folder name or the start of its digest.

    Raises:
        InputError: none or several fit; or its manifest is damaged.
    """
    version = read_manifest(root, name, find_folder(root, name, which, kind), kind)
    if which == "latest" or _matches(version.folder_name, which) or version.digest.startswith(which):
        return version
    raise _none_fits(root, name, which, kind, 0)


def find_folder(root: Root, name: str, which: str, kind: type[Version] = Manifest) -> str:
    """Returns the folder name of a version, found as `find_version` does, its manifest unread.

    Raises:
        InputError: none or several fit.
    """
    if which == "latest":
        latest = _latest_folder(root, name, kind)
        fits = [latest] if latest else []
    else:
        folders = list_folders(root, name, kind)
        fits = [folder for folder in folders if _matches(folder, which) or _short_digest(folder) == which[:12]]
        fits = [folder for folder in fits if str(_number(folder)) == which] or fits
    if len(fits) != 1:
        raise _none_fits(root, name, which, kind, len(fits))
    return fits[0]


def _matches(folder: str, which: str) -> bool:
    return which in (str(_number(folder)), folder) or _short_digest(folder).startswith(which)


def _none_fits(root: Root, name: str, which: str, kind: type[Version], count: int) -> InputError:
    return InputError(f"{count} versions of {name!r} in {root.url} fit {which!r}; `{kind.lister}` lists them")


def _number(folder: str) -> int:
    return int(folder.split("-")[0])


def _short_digest(folder: str) -> str:
    return folder.split("-")[1]


def only_name(root: Root, name: str | None, kind: type[Version] = Manifest) -> str:
    """Returns the name, or that of the only dataset of this kind in the root where none is given.

    Raises:
        InputError: none is given, and the root has not one dataset.
    """
    names = list_names(root, kind)
    if name is None and len(names) == 1:
        return names[0]
    if name is None:
        found = f"{len(names)} datasets in {kind.shelf}/ ({', '.join(names) or 'none'})"
        raise InputError(f"{root.url} holds {found}; give --name")
    return name


def source_of(version: Version) -> str:
    """Names a version as what is made of it does: `NAME/N-DIGEST`."""
    return version.folder.removeprefix(f"{version.shelf}/")


def read_source(root: Root, source: str, kind: type[V] = Manifest) -> V:  # type: ignore[assignment]
    """Returns the version that `source_of` names.

    Raises:
        InputError: the root doesn't have it.
        DamagedTableError: its manifest is damaged.
    """
    name, _, folder = source.partition("/")
    return read_manifest(root, name, folder, kind)


def version_table(version: Version, table: str) -> TableRef:
    """Returns where a table of a version is, from the root."""
    ref = version.tables[table]
    return ref.model_copy(update={"path": f"{version.folder}/{ref.path}"})


def version_ref(version: Version, spec: TableSpec[R]) -> R:
    """Returns a table of a version, from the root, as a reference of its own kind."""
    return spec.ref.model_validate(version_table(version, spec.name).model_dump())


def read_version_table(root: Root, version: Version, table: str, columns: list[str] | None = None) -> pa.Table:
    """Returns a table of a version, checked against the manifest's digest."""
    return read_table(root, version_table(version, table), columns)


def publish_version(
    root: Root,
    name: str,
    tables: Mapping[str, pa.Table | TableRef],
    facts: Making,
    render: Callable[[V], Iterable[tuple[str, bytes]]],
    kind: type[V] = Manifest,  # type: ignore[assignment]
) -> V:
    """Writes a version, unless one of the same content stands there whole, and returns its manifest.

    What is lost or damaged of one is written anew in its place. Of several that publish a name at once, one does at a
    time, so that each number is given once.

    Args:
        tables: every one of the kind's `contents` by name, and what this version has beyond them; one that a stage has
            stored is copied as it is.
        facts: those that the manifest of this kind has.
        render: gives the other files (card, report) as (path in the version's folder, bytes).
    """
    files = {table: _file(table, tables[table]) for table in dict.fromkeys((*kind.contents, *tables))}
    refs = {table: ref for table, (ref, _) in files.items()}
    digest = content_digest(refs)
    with lock(root, f"publish/{kind.shelf}/{name}", wait=True):
        number = _number_of(root, name, kind, digest)
        own = {"name": name, "number": number, "digest": digest, "tables": refs, "created_at": datetime.now(UTC)}
        made = kind.model_validate({**facts.model_dump(), **own})
        old = read_if_sound(root, name, made.folder_name, kind)
        if old and not list_damage_of(root, old):
            return old
        if old:  # its facts stay; today's fetch log is another one, and the digest leaves it out
            made = old.model_copy(update={"tables": refs, "files": None})

        def describe(listing: ListingRef) -> bytes:
            return made.model_copy(update={"files": listing}).model_dump_json(indent=2).encode()

        content = chain(((ref.path, source) for ref, source in files.values()), render(made))
        publish_folder(root, made.folder, content, _RECORD, describe)
        return read_version(root, made.folder, kind)


def list_damage_of(root: Root, version: Version) -> list[str]:
    """Returns what of a version's folder is not as it was published, a line each."""
    return list(list_damage(root, version.folder, _RECORD, version.files))


def _number_of(root: Root, name: str, kind: type[Version], digest: str) -> int:
    """The number of this content's folder, or the next that no folder has: one without a manifest keeps its own too."""
    folders = [folder for folder in root.names(f"{kind.shelf}/{name}") if _FOLDER_PATTERN.fullmatch(folder)]
    same = [_number(folder) for folder in folders if _short_digest(folder) == digest[:12]]
    return min(same) if same else 1 + max(map(_number, folders), default=0)


def _file(name: str, table: pa.Table | TableRef) -> tuple[TableRef, bytes | TableRef]:
    """A table on its way into a version: what will be said of it, and its bytes or where they are stored already."""
    if isinstance(table, TableRef):
        return table.model_copy(update={"path": name + PurePosixPath(table.path).suffix}), table
    content = encode(_SPECS[name], table)
    digest = hashlib.sha256(content).hexdigest()
    return TableRef(path=f"{name}.parquet", digest=digest, rows=table.num_rows), content
