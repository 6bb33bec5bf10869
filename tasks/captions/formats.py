"""What the records of Visual Genome's files hold, in both published formats, and what makes a row of it.

v1.0.0 calls ids `id` and `image` where v1.2.0 has `image_id`, `region_id`, `object_id`, `relationship_id`; the names of
an object are `names`, `name` or `object_names`; only v1.2.0 has synsets. The same row comes of both.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from storage.errors import InputError
from storage.tables.annotations import ATTRIBUTES, IMAGE_DATA, OBJECTS, REGIONS, RELATIONSHIPS
from storage.tables.spec import TableSpec
from tasks.captions.fields import MalformedError, Row, integer, optional, shown, sides, text, texts

_LARGEST_COORDINATE = 1e6


@dataclass(frozen=True)
class Format:
    """A kind of file: the list that its records hold, its table, and what makes a row of an entry of that list.

    Where `entries` is None, a record is itself the one entry.
    """

    entries: str | None
    spec: TableSpec[Any]
    row: Callable[[dict[str, Any]], Row]


def kind_of(name: str) -> str:
    """Tells which of the files it is by its name: `objects.json`, `objects_v1_2.json.zip`.

    Raises:
        InputError: none.
    """
    for kind in FORMATS:
        if name.startswith(kind):
            return kind
    expected = f"its name must begin with one of {', '.join(FORMATS)}, or be as captions_train2017.json"
    raise InputError(f"{name}: can't tell what it holds; {expected}")


def spec_of(kind: str) -> TableSpec[Any]:
    """Returns the table that a kind of file becomes."""
    return FORMATS[kind].spec


def entries_of(record: dict[str, Any], name: str) -> list[Any]:
    """Returns the list of this name in a record.

    Raises:
        MalformedError: there is no such list.
    """
    entries = record.get(name)
    if type(entries) is not list:
        raise MalformedError(f"{name} is {shown(entries)}, expected a list")
    return entries


def image_id_of(record: dict[str, Any], *names: str) -> int:
    """Returns the id of the image that a record is of, by any of these names.

    Raises:
        MalformedError: there is none, or two that differ.
    """
    found = {integer(record, name) for name in names if name in record}
    if len(found) != 1:
        raise MalformedError("image_id and id differ" if found else "no image_id")
    return found.pop()


def _region(entry: dict[str, Any]) -> Row:
    graph = entry.get("synsets") or []
    if type(graph) is not list or any(type(part) is not dict for part in graph):
        raise MalformedError(f"synsets is {shown(graph)}, expected a list of objects")
    synsets = [text(part, "synset_name") for part in graph if part.get("synset_name") is not None]
    return (integer(entry, "region_id", "id"), text(entry, "phrase"), synsets, *_box(entry, "width", "height"))


def _object(entry: dict[str, Any]) -> Row:
    return (integer(entry, "object_id", "id"), *_naming(entry), *_box(entry, "w", "h"))


def _attributed(entry: dict[str, Any]) -> Row:
    attributes = texts(entry, "attributes")
    return (integer(entry, "object_id", "id"), *_naming(entry), attributes, *_box(entry, "w", "h"))


def _relationship(entry: dict[str, Any]) -> Row:
    ends: list[Any] = []
    for name in ("subject", "object"):
        end = entry.get(name)
        if type(end) is not dict:
            raise MalformedError(f"{name} is {shown(end)}, expected an object")
        ends += [integer(end, "object_id", "id"), _naming(end)[0]]
    own = (integer(entry, "relationship_id", "id"), text(entry, "predicate"), texts(entry, "synsets"))
    return (*own, *ends)


def _image(entry: dict[str, Any]) -> Row:
    url = None if entry.get("url") is None else text(entry, "url")
    return (*sides(entry), url, optional(entry, "coco_id"), optional(entry, "flickr_id"))


def _naming(entry: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Names and synsets of an object."""
    if "name" in entry and "names" not in entry:
        return [text(entry, "name")], texts(entry, "synsets")
    names = texts(entry, "names" if "names" in entry else "object_names")
    if not names:
        raise MalformedError("no name")
    return names, texts(entry, "synsets")


def _box(entry: dict[str, Any], width: str, height: str) -> Row:
    x, y, w, h = entry.get("x"), entry.get("y"), entry.get(width), entry.get(height)
    for value in (x, y, w, h):
        if (type(value) is not int and type(value) is not float) or abs(value) > _LARGEST_COORDINATE:
            raise MalformedError(f"box {shown([x, y, w, h])}, expected x, y, {width} and {height}")
    return (x, y, x + w, y + h)  # type: ignore[operator]


FORMATS: dict[str, Format] = {
    "image_data": Format(None, IMAGE_DATA, _image),
    "region_descriptions": Format("regions", REGIONS, _region),
    "region_graphs": Format("regions", REGIONS, _region),
    "objects": Format("objects", OBJECTS, _object),
    "attributes": Format("attributes", ATTRIBUTES, _attributed),
    "relationships": Format("relationships", RELATIONSHIPS, _relationship),
}
