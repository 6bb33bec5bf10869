"""Templates of overlays that were learnt elsewhere: a file of them, without photographs."""

from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from storage.errors import InputError
from storage.foreign import read_foreign, read_foreign_schema
from storage.tables.features import TEMPLATES
from tasks.features.overlays import Templates

_WANTED = "expected the table `templates` of a version that Cairn published"


class KnownOverlays(BaseModel):
    """A file of templates that is known to be usable."""

    model_config = ConfigDict(frozen=True)

    path: Path = Field(description="Parquet file of the table `templates`, absolute")
    digest: str = Field(description="sha256 of its bytes")


def check_overlays(path: Path | None) -> KnownOverlays | None:
    """Checks a file of templates.

    Raises:
        InputError: it can't be read or is not the table `templates`; the text names it and says what is wrong.
    """
    if path is None:
        return None
    content = _read(path.absolute())
    _parse(path.absolute(), content)
    return KnownOverlays(path=path.absolute(), digest=sha256(content).hexdigest())


def read_overlays(known: KnownOverlays) -> Templates:
    """Reads a file of templates that was checked.

    Raises:
        InputError: it is no longer what was checked.
    """
    content = _read(known.path)
    if sha256(content).hexdigest() != known.digest:
        raise InputError(f"overlays {known.path}: changed since this run began; start it again")
    return _parse(known.path, content)


def templates_of(table: pa.Table) -> Templates:
    """Returns the table `templates` as arrays."""
    descriptors = np.frombuffer(b"".join(table["descriptor"].to_pylist()), np.uint8).reshape(-1, 128)
    return Templates(descriptors, table["classes"].to_numpy().astype(np.int64))


def table_of(templates: Templates) -> pa.Table:
    """Returns arrays as the table `templates`."""
    columns = {
        "number": np.arange(len(templates.classes)),
        "classes": templates.classes,
        "descriptor": [descriptor.tobytes() for descriptor in templates.descriptors],
    }
    return pa.table(columns).cast(TEMPLATES.schema)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"overlays {path}: can't be read ({error.strerror}); {_WANTED}") from error


def _parse(path: Path, content: bytes) -> Templates:
    where, buffer = f"overlays {path}", pa.py_buffer(content)
    schema = read_foreign_schema(where, buffer)
    if not schema.equals(TEMPLATES.schema):
        raise InputError(f"{where}: columns are {', '.join(schema.names)}; {_WANTED}")
    table = read_foreign(where, buffer, TEMPLATES.schema.names)
    if any(column.null_count for column in table.columns) or pc.any(pc.less(table["classes"], 0)).as_py():
        raise InputError(f"{where}: has cells without a value, or counts below 0; {_WANTED}")
    return templates_of(table)
