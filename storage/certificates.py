"""Certificates: what a version or a folder of photographs shares with test sets. Immutable, named by their digest."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain

import pyarrow as pa
from pydantic import ValidationError

from storage.errors import DamagedTableError
from storage.folders import list_damage, publish_folder, read_record
from storage.locks import lock
from storage.manifest import Attested, Certificate
from storage.parquet import encode, read_table
from storage.root import Root
from storage.tables.spec import ListingRef, TableRef
from storage.tables.versions import CERTIFICATE_TABLES

_RECORD = "certificate.json"


def read_certificate(root: Root, folder: str) -> Certificate:
    """Returns the certificate in a folder, by its path below the root.

    Raises:
        DamagedTableError: there is none, or it does not parse.
    """
    try:
        return Certificate.model_validate_json(read_record(root, f"{folder}/{_RECORD}"))
    except (FileNotFoundError, ValidationError) as error:
        how = "run the same command again"
        raise DamagedTableError(f"{root.url}/{folder}/{_RECORD} is not a certificate; {how}") from error


def list_certificates(root: Root, name: str) -> list[Certificate]:
    """Returns the certificates of a dataset, or of a folder of that name, that are not damaged."""
    found = []
    for folder in root.names(f"certificates/{name}"):
        with suppress(DamagedTableError):
            found.append(read_certificate(root, f"certificates/{name}/{folder}"))
    return found


def read_certificate_table(root: Root, made: Certificate, table: str) -> pa.Table:
    """Returns a table of a certificate, checked against its digest."""
    ref = made.tables[table]
    return read_table(root, ref.model_copy(update={"path": f"{made.folder}/{ref.path}"}))


def publish_certificate(
    root: Root,
    tables: Mapping[str, pa.Table],
    facts: Attested,
    render: Callable[[Certificate], Iterable[tuple[str, bytes]]],
) -> Certificate:
    """Writes a certificate, unless the same stands there whole, and returns it.

    Args:
        tables: every table of `CERTIFICATE_TABLES` by name.
        render: gives the pages and pictures as (path in the certificate's folder, bytes).
    """
    files = {spec.name: encode(spec, tables[spec.name]) for spec in CERTIFICATE_TABLES}
    refs = {
        name: TableRef(path=f"{name}.parquet", digest=hashlib.sha256(data).hexdigest(), rows=tables[name].num_rows)
        for name, data in files.items()
    }
    lines = [facts.subject, *sorted(f"{name} {ref.digest}" for name, ref in refs.items())]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    made = Certificate(**facts.model_dump(), digest=digest, tables=refs, created_at=datetime.now(UTC))
    with lock(root, f"publish/certificates/{made.name}", wait=True):
        old = _read_if_sound(root, made)
        if old and not list_damage_of(root, old):
            return old

        def describe(listing: ListingRef) -> bytes:
            return made.model_copy(update={"files": listing}).model_dump_json(indent=2).encode()

        content = chain(((f"{name}.parquet", data) for name, data in files.items()), render(made))
        publish_folder(root, made.folder, content, _RECORD, describe)
        return read_certificate(root, made.folder)


def list_damage_of(root: Root, made: Certificate) -> list[str]:
    """Returns what of a certificate's folder is not as it was published, a line each."""
    return list(list_damage(root, made.folder, _RECORD, made.files))


def _read_if_sound(root: Root, made: Certificate) -> Certificate | None:
    try:
        found = read_certificate(root, made.folder)
    except DamagedTableError:
        return None
    return found if found.digest == made.digest else None
