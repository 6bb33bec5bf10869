"""Dataset versions: immutable folders of tables, named by number and content digest, published in one step."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import PurePosixPath

import pyarrow as pa
from pydantic import ValidationError
from typing_extensions import TypeVar

from storage.errors import DamagedTableError, InputError
from storage.manifest import Making, Manifest, Version
from storage.parquet import encode, is_intact, read_table
from storage.root import Root
from storage.tables import FETCH_LOG, VERSION_TABLES, TableRef

NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FOLDER_PATTERN = re.compile(r"(\d+)-([0-9a-f]{12})")
_SPECS = {spec.name: spec for spec in VERSION_TABLES}

V = TypeVar("V", bound=Version, default=Manifest)
"""The kind of version that is asked for, by the model of its manifest: a curated list unless told otherwise.

(mypy takes no default for an argument of a generic type, even where the type has the same default.)
"""


def content_digest(tables: Mapping[str, TableRef]) -> str:
    """The version's digest. What differs between identical runs, the fetch log, is not part of it."""
    lines = sorted(f"{name} {ref.digest}\n" for name, ref in tables.items() if name != FETCH_LOG.name)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def check_name(name: str) -> None:
    """Raises InputError where the name can't be a folder's."""
    if not NAME_PATTERN.fullmatch(name):
        raise InputError(
            f"name {name!r}: use up to 64 letters, digits, dots, dashes, underscores; a letter or digit first"
        )


def read_manifest(root: Root, name: str, folder: str, kind: type[V] = Manifest) -> V:  # type: ignore[assignment]
    """The manifest of a version, by the name of its folder.

    Raises:
        InputError: there is no such version.
        DamagedTableError: its manifest is not one.
    """
    path = f"{kind.shelf}/{name}/{folder}/manifest.json"
    try:
        return kind.model_validate_json(root.read(path))
    except FileNotFoundError as error:
        raise InputError(f"no version {folder!r} of {name!r} in {root.url}; `{kind.lister}` lists them") from error
    except ValidationError as error:
        raise DamagedTableError(f"{root.url}/{path} is not a manifest: {error}") from error


def list_versions(root: Root, name: str, kind: type[V] = Manifest) -> list[V]:  # type: ignore[assignment]
    """The published versions of a name, oldest first; folders without a manifest are not versions."""
    shelf = f"{kind.shelf}/{name}"
    folders = [folder for folder in root.names(shelf) if _FOLDER_PATTERN.fullmatch(folder)]
    complete = [folder for folder in folders if root.exists(f"{shelf}/{folder}/manifest.json")]
    return sorted((read_manifest(root, name, folder, kind) for folder in complete), key=lambda found: found.number)


def list_names(root: Root, kind: type[Version] = Manifest) -> list[str]:
    """The names that have versions."""
    return [name for name in root.names(kind.shelf) if NAME_PATTERN.fullmatch(name)]


def latest_version(root: Root, name: str, kind: type[V] = Manifest) -> V | None:  # type: ignore[assignment]
    """The version that `latest` points to, or None before the first."""
    pointer = f"{kind.shelf}/{name}/latest"
    return read_manifest(root, name, root.read(pointer).decode().strip(), kind) if root.exists(pointer) else None


def point_latest(root: Root, version: Version) -> None:
    """Moves `latest` to this version: the last step of a publication."""
    root.write(f"{version.shelf}/{version.name}/latest", f"{version.folder.rsplit('/', 1)[-1]}\n".encode())


def find_version(root: Root, name: str, which: str, kind: type[V] = Manifest) -> V:  # type: ignore[assignment]
    """A version by `latest`, its number, its folder name or the start of its digest.

    Raises:
        InputError: none or several fit.
    """
    if which == "latest":
        latest = latest_version(root, name, kind)
        fits = [latest] if latest else []
    else:
        fits = [
            version
            for version in list_versions(root, name, kind)
            if which in (str(version.number), version.folder.rsplit("/", 1)[-1]) or version.digest.startswith(which)
        ]
        fits = [version for version in fits if str(version.number) == which] or fits
    if len(fits) != 1:
        raise InputError(f"{len(fits)} versions of {name!r} in {root.url} fit {which!r}; `{kind.lister}` lists them")
    return fits[0]


def only_name(root: Root, name: str | None, kind: type[Version] = Manifest) -> str:
    """The name, or that of the only dataset of this kind in the root where none is given.

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


def version_table(version: Version, table: str) -> TableRef:
    """Where a table of a version is, from the root."""
    ref = version.tables[table]
    return ref.model_copy(update={"path": f"{version.folder}/{ref.path}"})


def read_version_table(root: Root, version: Version, table: str, columns: list[str] | None = None) -> pa.Table:
    """A table of a version, checked against the manifest's digest."""
    return read_table(root, version_table(version, table), columns)


def publish_version(
    root: Root,
    name: str,
    tables: Mapping[str, pa.Table | TableRef],
    facts: Making,
    render: Callable[[V], Iterable[tuple[str, bytes]]],
    kind: type[V] = Manifest,  # type: ignore[assignment]
) -> V:
    """Writes a version, unless one of the same content exists, and returns its manifest.

    Args:
        tables: every one of the kind's `contents` by name; one that a stage has stored is copied as it is.
        facts: those that the manifest of this kind has.
        render: gives the other files (card, report) as (path in the version's folder, bytes).
    """
    files = {table: _file(table, tables[table]) for table in kind.contents}
    refs = {table: file.ref for table, file in files.items()}
    digest = content_digest(refs)
    published = list_versions(root, name, kind)
    for version in published:
        if version.digest == digest:
            _mend(root, version, files)
            return version
    number = 1 + max((version.number for version in published), default=0)
    manifest = kind(
        **facts.model_dump(), name=name, number=number, digest=digest, tables=refs, created_at=datetime.now(UTC)
    )
    tables_and_pages = chain(((file.ref.path, file.content) for file in files.values()), render(manifest))
    root.write_folder(manifest.folder, tables_and_pages, ("manifest.json", manifest.model_dump_json(indent=2).encode()))
    return manifest


@dataclass(frozen=True)
class _File:
    """A table on its way into a version: what will be said of it, and its bytes or where they are stored already."""

    ref: TableRef
    content: bytes | str


def _file(name: str, table: pa.Table | TableRef) -> _File:
    if isinstance(table, TableRef):
        return _File(table.model_copy(update={"path": name + PurePosixPath(table.path).suffix}), table.path)
    content = encode(_SPECS[name], table)
    digest = hashlib.sha256(content).hexdigest()
    return _File(TableRef(path=f"{name}.parquet", digest=digest, rows=table.num_rows), content)


def _mend(root: Root, version: Version, files: Mapping[str, _File]) -> None:
    """Writes those tables of a published version anew whose files were lost or damaged since."""
    for name in version.tables:
        whole = version_table(version, name)
        if is_intact(root, whole):
            continue
        root.put(whole.path, files[name].content)
        if name == FETCH_LOG.name:  # today's log is another one, and the digest leaves it out
            mended = version.model_copy(update={"tables": {**version.tables, name: files[name].ref}})
            root.write(f"{version.folder}/manifest.json", mended.model_dump_json(indent=2).encode())
