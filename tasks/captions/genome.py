"""Visual Genome's files as rows of tables, in both published formats.

v1.0.0 calls ids `id` and `image` where v1.2.0 has `image_id`, `region_id`, `object_id`, `relationship_id`; the names of
an object are `names`, `name` or `object_names`; only v1.2.0 has synsets. The same row comes of both.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

import pyarrow as pa

from storage.errors import InputError
from storage.tables import ATTRIBUTES, IMAGE_DATA, OBJECTS, REGIONS, RELATIONSHIPS, TableSpec
from tasks.captions.records import Record, read_records, unpacked
from tasks.captions.settings import ParseSettings

_BATCH = 1 << 14
_LARGEST_ID = 2**63 - 1
_LARGEST_COORDINATE = 1e6
_SHOWN = 3

Row = tuple[Any, ...]


class _MalformedError(ValueError):
    """A record, or a part of one, that is not what the format says."""


@dataclass(frozen=True)
class _Format:
    """A kind of file: the list that its records hold, its table, and what makes a row of an entry of that list."""

    entries: str | None
    spec: TableSpec
    row: Callable[[dict[str, Any]], Row]


def kind_of(name: str) -> str:
    """Which of the files it is, by its name: `objects.json`, `objects_v1_2.json.zip`.

    Raises:
        InputError: none.
    """
    for kind in FORMATS:
        if name.startswith(kind):
            return kind
    raise InputError(f"{name}: can't tell what it holds; its name must begin with one of {', '.join(FORMATS)}")


def spec_of(kind: str) -> TableSpec:
    """The table that a kind of file becomes."""
    return FORMATS[kind].spec


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
        """The rows in parts that end with a record, in the order of the file.

        Raises:
            InputError: the file can't be read, or more of it is malformed than the settings allow.
        """
        rows: list[Row] = []
        schema = FORMATS[self.kind].spec.schema
        for row in self._rows():
            if len(rows) >= _BATCH and row[0] != rows[-1][0]:
                yield _table(rows, schema)
                rows = []
            rows.append(row)
        if rows:
            yield _table(rows, schema)

    def _rows(self) -> Iterator[Row]:
        shape, seen = FORMATS[self.kind], dict[str, int]()
        try:
            with unpacked(self.file) as file:
                for record in read_records(file):
                    try:
                        image_id = self._image_of(record, seen)
                        entries = _entries(record.value, shape.entries)
                    except _MalformedError as error:
                        self._skip(record, -1, str(error))
                        continue
                    self.records += 1
                    yield from self._rows_of(record, image_id, entries)
        except InputError as error:
            raise InputError(f"{self.name}: {error}") from error

    def _image_of(self, record: Record, seen: dict[str, int]) -> str:
        if record.problem:
            raise _MalformedError(record.problem)
        image_id = str(_image_id(record.value, "image_id", "id"))
        if image_id in seen:
            raise _MalformedError(f"image {image_id} has a record already, {seen[image_id]}")
        seen[image_id] = record.number
        return image_id

    def _rows_of(self, record: Record, image_id: str, entries: list[Any] | None) -> Iterator[Row]:
        row = FORMATS[self.kind].row
        if entries is None:
            try:
                yield (record.number, image_id, *row(record.value))
            except _MalformedError as error:
                self._skip(record, -1, str(error))
            return
        for number, entry in enumerate(entries):
            try:
                if type(entry) is not dict:
                    raise _MalformedError(f"expected an object, found {_shown(entry)}")
                own = entry.get("image_id", entry.get("image"))
                if own is not None and str(own) != image_id:
                    raise _MalformedError(f"says that it is of image {_shown(own)}, its record of {image_id}")
                yield (record.number, number, image_id, *row(entry))
            except _MalformedError as error:
                self._skip(record, number, str(error))

    def _skip(self, record: Record, item: int, problem: str) -> None:
        place = {"source": self.kind, "record": record.number, "item": item, "offset": record.offset}
        self.skipped.append({**place, "problem": problem})
        if len(self.skipped) > self.settings.max_malformed:
            firsts = "; ".join(_told(row) for row in self.skipped[:_SHOWN])
            limit = f"more than {self.settings.max_malformed} malformed records ([parse] max_malformed)"
            raise InputError(f"{limit}: {firsts}")


def _told(skipped: dict[str, Any]) -> str:
    part = f", part {skipped['item']}" if skipped["item"] >= 0 else ""
    return f"record {skipped['record']}{part} (byte {skipped['offset']}): {skipped['problem']}"


def _table(rows: list[Row], schema: pa.Schema) -> pa.Table:
    columns = zip(zip(*rows, strict=True), schema, strict=True)
    return pa.Table.from_arrays([pa.array(column, field.type) for column, field in columns], schema=schema)


# What the records and their parts must be


def _entries(record: dict[str, Any], name: str | None) -> list[Any] | None:
    if name is None:
        return None
    entries = record.get(name)
    if type(entries) is not list:
        raise _MalformedError(f"{name} is {_shown(entries)}, expected a list")
    return entries


def _image_id(record: dict[str, Any], *names: str) -> int:
    found = {_integer(record, name) for name in names if name in record}
    if len(found) != 1:
        raise _MalformedError("image_id and id differ" if found else "no image_id")
    return found.pop()


def _region(entry: dict[str, Any]) -> Row:
    graph = entry.get("synsets") or []
    if type(graph) is not list or any(type(part) is not dict for part in graph):
        raise _MalformedError(f"synsets is {_shown(graph)}, expected a list of objects")
    synsets = [_text(part, "synset_name") for part in graph]
    return (_integer(entry, "region_id", "id"), _text(entry, "phrase"), synsets, *_box(entry, "width", "height"))


def _object(entry: dict[str, Any]) -> Row:
    return (_integer(entry, "object_id", "id"), *_naming(entry), *_box(entry, "w", "h"))


def _attributed(entry: dict[str, Any]) -> Row:
    attributes = _texts(entry, "attributes")
    return (_integer(entry, "object_id", "id"), *_naming(entry), attributes, *_box(entry, "w", "h"))


def _relationship(entry: dict[str, Any]) -> Row:
    ends: list[Any] = []
    for name in ("subject", "object"):
        end = entry.get(name)
        if type(end) is not dict:
            raise _MalformedError(f"{name} is {_shown(end)}, expected an object")
        ends += [_integer(end, "object_id", "id"), _naming(end)[0]]
    own = (_integer(entry, "relationship_id", "id"), _text(entry, "predicate"), _texts(entry, "synsets"))
    return (*own, *ends)


def _image(entry: dict[str, Any]) -> Row:
    sides = (_optional(entry, "width"), _optional(entry, "height"))
    if any(side is not None and side > 2**31 - 1 for side in sides):
        raise _MalformedError("its size is no image's")
    url = None if entry.get("url") is None else _text(entry, "url")
    return (*sides, url, _optional(entry, "coco_id"), _optional(entry, "flickr_id"))


def _naming(entry: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Names and synsets of an object."""
    if "name" in entry and "names" not in entry:
        return [_text(entry, "name")], _texts(entry, "synsets")
    names = _texts(entry, "names" if "names" in entry else "object_names")
    if not names:
        raise _MalformedError("no name")
    return names, _texts(entry, "synsets")


def _box(entry: dict[str, Any], width: str, height: str) -> Row:
    x, y, w, h = entry.get("x"), entry.get("y"), entry.get(width), entry.get(height)
    for value in (x, y, w, h):
        if (type(value) is not int and type(value) is not float) or abs(value) > _LARGEST_COORDINATE:
            raise _MalformedError(f"box {_shown([x, y, w, h])}, expected x, y, {width} and {height}")
    return (x, y, x + w, y + h)  # type: ignore[operator]


def _integer(entry: dict[str, Any], *names: str) -> int:
    for name in names:
        if name in entry:
            value = entry[name]
            if type(value) is not int or not 0 <= value <= _LARGEST_ID:
                raise _MalformedError(f"{name} is {_shown(value)}, expected an id")
            return value
    raise _MalformedError(f"no {names[0]}")


def _optional(entry: dict[str, Any], name: str) -> int | None:
    return None if entry.get(name) is None else _integer(entry, name)


def _text(entry: dict[str, Any], name: str) -> str:
    value = entry.get(name)
    if type(value) is not str or not _is_text(value):
        raise _MalformedError(f"{name} is {_shown(value)}, expected text")
    return value


def _texts(entry: dict[str, Any], name: str) -> list[str]:
    values = entry.get(name) or []
    if type(values) is not list or not all(type(value) is str and _is_text(value) for value in values):
        raise _MalformedError(f"{name} is {_shown(values)}, expected a list of texts")
    return values


def _is_text(value: str) -> bool:
    """Whether it is characters alone: JSON can write halves of a surrogate pair, which are none."""
    return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)


def _shown(value: Any) -> str:
    text = repr(value)
    return ascii(text)[1:-1] if not _is_text(text) else text if len(text) <= 60 else f"{text[:57]}..."


FORMATS: dict[str, _Format] = {
    "image_data": _Format(None, IMAGE_DATA, _image),
    "region_descriptions": _Format("regions", REGIONS, _region),
    "region_graphs": _Format("regions", REGIONS, _region),
    "objects": _Format("objects", OBJECTS, _object),
    "attributes": _Format("attributes", ATTRIBUTES, _attributed),
    "relationships": _Format("relationships", RELATIONSHIPS, _relationship),
}
