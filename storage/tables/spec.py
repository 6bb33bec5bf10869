"""What a table is, and references to stored files and tables: what stages hand to each other in place of rows."""

from dataclasses import dataclass
from typing import Generic, TypeVar

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field


class FileRef(BaseModel):
    """A stored file: where it is and what its bytes hash to."""

    model_config = ConfigDict(frozen=True)

    path: str = Field(description="path below the dataset root")
    digest: str = Field(description="sha256 of the file, hexadecimal")


class TableRef(FileRef):
    """A stored table of any kind. Each kind has a class of its own, so that mypy and pydantic refuse another's."""

    rows: int = Field(description="number of rows")


class ListingRef(TableRef):
    """A stored `SHA256SUMS`: the digests of the files of its folder, a row each."""


class MatrixRef(TableRef):
    """A stored matrix or index: a table in another format, such as `.npz` or `.faiss`, whose rows are counted."""


R = TypeVar("R", bound=TableRef)


@dataclass(frozen=True)
class TableSpec(Generic[R]):
    """A table: its name, what one row is, its key (unique, and the order of the rows) and its columns.

    `ref` is the class of references to such tables.
    """

    ref: type[R]
    name: str
    row: str
    key: tuple[str, ...]
    schema: pa.Schema
