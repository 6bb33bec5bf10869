"""Certificates: what a version or a folder of photographs shares with test sets. Immutable, named by their digest."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from itertools import chain

import pyarrow as pa
from pydantic import ValidationError

from storage.errors import DamagedTableError
from storage.manifest import Attested, Certificate
from storage.parquet import encode, is_intact, read_table
from storage.root import Root
from storage.tables import CERTIFICATE_TABLES, TableRef

_NAME = "certificate.json"


def read_certificate(root: Root, folder: str) -> Certificate:
    """The certificate in a folder, by its path below the root.

    Raises:
        DamagedTableError: there is none, or it does not parse.
    """
    try:
        return Certificate.model_validate_json(root.read(f"{folder}/{_NAME}"))
    except (FileNotFoundError, ValidationError) as error:
        raise DamagedTableError(f"{root.url}/{folder}/{_NAME} is not a certificate: {error}") from error


def read_certificate_table(root: Root, made: Certificate, table: str) -> pa.Table:
    """A table of a certificate, checked against its digest."""
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
    if _stands(root, made):
        return read_certificate(root, made.folder)
    content = chain(((f"{name}.parquet", data) for name, data in files.items()), render(made))
    root.write_folder(made.folder, content, (_NAME, made.model_dump_json(indent=2).encode()))
    return made


def _stands(root: Root, made: Certificate) -> bool:
    """Whether the certificate was published before, and nothing of it is gone or damaged."""
    try:
        found = read_certificate(root, made.folder)
    except DamagedTableError:
        return False
    inside = [ref.model_copy(update={"path": f"{made.folder}/{ref.path}"}) for ref in found.tables.values()]
    return found.digest == made.digest and all(is_intact(root, ref) for ref in inside)
