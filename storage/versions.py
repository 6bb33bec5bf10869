"""Dataset versions: immutable folders of tables, named by number and content digest, published in one step."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from itertools import chain

import pyarrow as pa
from pydantic import ValidationError

from storage.errors import DamagedTableError, InputError
from storage.manifest import Facts, Manifest
from storage.parquet import encode, is_intact, read_table
from storage.root import Root
from storage.tables import FETCH_LOG, VERSION_TABLES, TableRef

NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FOLDER_PATTERN = re.compile(r"(\d+)-([0-9a-f]{12})")


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


def read_manifest(root: Root, name: str, folder: str) -> Manifest:
    """The manifest of a version, by the name of its folder.

    Raises:
        InputError: there is no such version.
        DamagedTableError: its manifest is not one.
    """
    path = f"versions/{name}/{folder}/manifest.json"
    try:
        return Manifest.model_validate_json(root.read(path))
    except FileNotFoundError as error:
        raise InputError(f"no version {folder!r} of {name!r} in {root.url}; `cairn versions` lists them") from error
    except ValidationError as error:
        raise DamagedTableError(f"{root.url}/{path} is not a manifest: {error}") from error


def list_versions(root: Root, name: str) -> list[Manifest]:
    """The published versions of a name, oldest first; folders without a manifest are not versions."""
    folders = [folder for folder in root.names(f"versions/{name}") if _FOLDER_PATTERN.fullmatch(folder)]
    complete = [folder for folder in folders if root.exists(f"versions/{name}/{folder}/manifest.json")]
    return sorted((read_manifest(root, name, folder) for folder in complete), key=lambda manifest: manifest.number)


def list_names(root: Root) -> list[str]:
    """The names that have versions."""
    return [name for name in root.names("versions") if NAME_PATTERN.fullmatch(name)]


def latest_version(root: Root, name: str) -> Manifest | None:
    """The version that `latest` points to, or None before the first."""
    pointer = f"versions/{name}/latest"
    return read_manifest(root, name, root.read(pointer).decode().strip()) if root.exists(pointer) else None


def point_latest(root: Root, manifest: Manifest) -> None:
    """Moves `latest` to this version: the last step of a publication."""
    root.write(f"versions/{manifest.name}/latest", f"{manifest.folder.rsplit('/', 1)[-1]}\n".encode())


def find_version(root: Root, name: str, which: str) -> Manifest:
    """A version by `latest`, its number, its folder name or the start of its digest.

    Raises:
        InputError: none or several fit.
    """
    if which == "latest":
        latest = latest_version(root, name)
        fits = [latest] if latest else []
    else:
        fits = [
            version
            for version in list_versions(root, name)
            if which in (str(version.number), version.folder.rsplit("/", 1)[-1]) or version.digest.startswith(which)
        ]
        fits = [version for version in fits if str(version.number) == which] or fits
    if len(fits) != 1:
        raise InputError(f"{len(fits)} versions of {name!r} in {root.url} fit {which!r}; `cairn versions` lists them")
    return fits[0]


def only_name(root: Root, name: str | None) -> str:
    """The name, or that of the only dataset of the root where none is given.

    Raises:
        InputError: none is given, and the root has not one dataset.
    """
    names = list_names(root)
    if name is None and len(names) == 1:
        return names[0]
    if name is None:
        raise InputError(f"{root.url} holds {len(names)} datasets ({', '.join(names) or 'none'}); give --name")
    return name


def read_version_table(root: Root, manifest: Manifest, table: str) -> pa.Table:
    """A table of a version, checked against the manifest's digest."""
    ref = manifest.tables[table]
    return read_table(root, ref.model_copy(update={"path": f"{manifest.folder}/{ref.path}"}))


def _mend(root: Root, version: Manifest, files: Mapping[str, bytes]) -> None:
    """Writes those tables of a published version anew whose files were lost or damaged since."""
    for name, ref in version.tables.items():
        path = f"{version.folder}/{ref.path}"
        if not is_intact(root, ref.model_copy(update={"path": path})):
            root.write(path, files[name])
            if name == FETCH_LOG.name:  # today's log is another one, and the digest leaves it out
                log = ref.model_copy(update={"digest": hashlib.sha256(files[name]).hexdigest()})
                mended = version.model_copy(update={"tables": {**version.tables, name: log}})
                root.write(f"{version.folder}/manifest.json", mended.model_dump_json(indent=2).encode())


def publish_version(
    root: Root,
    name: str,
    tables: Mapping[str, pa.Table],
    facts: Facts,
    render: Callable[[Manifest], Iterable[tuple[str, bytes]]],
) -> Manifest:
    """Writes a version, unless one of the same content exists, and returns its manifest.

    Args:
        tables: every table of `VERSION_TABLES` by name.
        render: gives the other files (card, report) as (path in the version's folder, bytes).
    """
    files = {spec.name: encode(spec, tables[spec.name]) for spec in VERSION_TABLES}
    refs = {
        table: TableRef(path=f"{table}.parquet", digest=hashlib.sha256(data).hexdigest(), rows=tables[table].num_rows)
        for table, data in files.items()
    }
    digest = content_digest(refs)
    published = list_versions(root, name)
    for version in published:
        if version.digest == digest:
            _mend(root, version, files)
            return version
    number = 1 + max((version.number for version in published), default=0)
    manifest = Manifest(
        **facts.model_dump(), name=name, number=number, digest=digest, tables=refs, created_at=datetime.now(UTC)
    )
    tables_and_pages = chain(((f"{table}.parquet", data) for table, data in files.items()), render(manifest))
    root.write_folder(manifest.folder, tables_and_pages, ("manifest.json", manifest.model_dump_json(indent=2).encode()))
    return manifest
