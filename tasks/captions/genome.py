"""Visual Genome's files as tables, a batch of rows at a time, with what is malformed left out and told."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

import pyarrow as pa

from storage.errors import InputError
from tasks.captions.fields import MalformedError, Row, shown
from tasks.captions.formats import FORMATS, entries_of, image_id_of
from tasks.captions.records import Record, read_records, unpacked
from tasks.captions.rows import in_batches, leave_out
from tasks.captions.settings import ParseSettings


@dataclass
class GenomeFile:
    """A file being read: `tables` yields its rows; afterwards the rest tells how that went.

    Attributes:
        file: can be sought in; zipped or not. name: for messages. records: read so far. skipped: rows of
            `skipped_records`.
    """

    kind: str
    file: IO[bytes]
    name: str
    settings: ParseSettings
    records: int = 0
    skipped: list[dict[str, Any]] = field(default_factory=list)

    def tables(self) -> Iterator[pa.Table]:
        """Yields the rows in parts that end with a record, in the order of the file.

        Raises:
            InputError: the file can't be read, or more of it is malformed than the settings allow.
        """
        yield from in_batches(self._parts(), FORMATS[self.kind].spec.schema)

    def _parts(self) -> Iterator[list[Row]]:
        """The rows of each record that can be read."""
        seen: dict[int, int] = {}
        try:
            with unpacked(self.file) as file:
                for record in read_records(file):
                    try:
                        image = _image_of(record, seen)
                        part = self._rows_of(record, image)
                    except MalformedError as error:
                        self._skip(record, -1, str(error))
                    else:
                        seen[image] = record.number
                        self.records += 1
                        yield part
        except InputError as error:
            raise InputError(f"{self.name}: {error}") from error

    def _rows_of(self, record: Record, image: int) -> list[Row]:
        shape, image_id = FORMATS[self.kind], str(image)
        if shape.entries is None:
            return [(record.number, image_id, *shape.row(record.value))]
        rows = []
        for number, entry in enumerate(entries_of(record.value, shape.entries)):
            try:
                if type(entry) is not dict:
                    raise MalformedError(f"expected an object, found {shown(entry)}")
                own = entry.get("image_id", entry.get("image"))
                if own is not None and own != image:
                    raise MalformedError(f"says that it is of image {shown(own)}, its record of {image_id}")
                rows.append((record.number, number, image_id, *shape.row(entry)))
            except MalformedError as error:
                self._skip(record, number, str(error))
        return rows

    def _skip(self, record: Record, item: int, problem: str) -> None:
        leave_out(self.skipped, self.kind, record, item, problem, self.settings)


def _image_of(record: Record, seen: Mapping[int, int]) -> int:
    if record.problem:
        raise MalformedError(record.problem)
    image = image_id_of(record.value, "image_id", "id")
    if image in seen:
        raise MalformedError(f"image {image} has a record already, {seen[image]}")
    return image
