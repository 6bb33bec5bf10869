"""COCO's files of captions as the tables that Visual Genome's become: `captions_train2017.json` and its like.

A file is an object with the lists `images` and `annotations`; a caption is of an image of its own file.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

import pyarrow as pa

from storage.errors import InputError
from storage.tables.annotations import IMAGE_DATA, REGIONS
from tasks.captions.fields import MalformedError, Row, integer, sides, text
from tasks.captions.records import Record, read_list, unpacked
from tasks.captions.rows import in_batches, leave_out
from tasks.captions.settings import ParseSettings

_NAME = re.compile(r"(captions_[\w-]+)\.json(\.zip)?")


def coco_kind(name: str) -> str | None:
    """Returns what a file of COCO's captions is called in tables and messages, such as `captions_val2017`.

    None of another.
    """
    found = _NAME.fullmatch(name)
    return found[1] if found else None


def is_coco(kind: str) -> bool:
    """Returns whether a file of this kind is COCO's."""
    return kind.startswith("captions_")


@dataclass
class CocoFile:
    """A file being read; afterwards `sizes`, `captions` and `skipped` tell how that went.

    Attributes:
        file: can be sought in; zipped or not. name: for messages. sizes: width and height of each image, in pixels.
        captions: read so far. skipped: rows of `skipped_records`.
    """

    kind: str
    file: IO[bytes]
    name: str
    settings: ParseSettings
    sizes: dict[int, tuple[int, int]] = field(default_factory=dict)
    captions: int = 0
    skipped: list[dict[str, Any]] = field(default_factory=list)

    def image(self, entry: dict[str, Any]) -> Row:
        """Returns what a row of `image_data` says of an entry of `images`, after its record's number."""
        image, (width, height) = integer(entry, "id"), sides(entry)
        if image in self.sizes:
            raise MalformedError(f"image {image} has a record already")
        if not width or not height:
            raise MalformedError("no width and height; the box of a caption is the whole image")
        url = None if entry.get("coco_url") is None else text(entry, "coco_url")
        self.sizes[image] = (width, height)
        return (str(image), width, height, url, image, None)

    def caption(self, entry: dict[str, Any]) -> Row:
        """Returns what a row of `regions` says of an entry of `annotations`, after its record's number."""
        image = integer(entry, "image_id")
        if image not in self.sizes:
            raise MalformedError(f"image {image} is not among the images of the file")
        row: Row = (0, str(image), integer(entry, "id"), text(entry, "caption"), [], 0.0, 0.0, *self.sizes[image])
        self.captions += 1
        return row

    def read(self, name: str, row_of: Callable[[dict[str, Any]], Row], first: int) -> Iterator[Row]:
        """Yields the rows of a list, the first record of which gets this number.

        Raises:
            InputError: the file can't be read, or more of it is malformed than the settings allow.
        """
        try:
            with unpacked(self.file) as file:
                for record in read_list(file, name):
                    try:
                        yield (first + record.number, *_row(record, row_of))
                    except MalformedError as error:
                        leave_out(self.skipped, f"{self.kind} {name}", record, -1, str(error), self.settings)
        except InputError as error:
            raise InputError(f"{self.name}: {error}") from error


def image_tables(files: Sequence[CocoFile]) -> Iterator[pa.Table]:
    """Yields rows of `image_data`: the images of all files, numbered on from file to file.

    Raises:
        InputError: a file can't be read, or two have an image in common.
    """
    yield from in_batches(_images(files), IMAGE_DATA.schema)


def caption_tables(files: Sequence[CocoFile]) -> Iterator[pa.Table]:
    """Yields rows of `regions`: the captions of all files, each of its whole image; their images are to be read before.

    Raises:
        InputError: a file can't be read.
    """
    yield from in_batches(_captions(files), REGIONS.schema)


def _images(files: Sequence[CocoFile]) -> Iterator[list[Row]]:
    taken: dict[int, str] = {}
    number = -1
    for file in files:
        for row in file.read("images", file.image, number + 1):
            number = row[0]
            yield [row]
        for image in file.sizes:
            if taken.setdefault(image, file.name) != file.name:
                raise InputError(
                    f"{file.name}: image {image} is in {taken[image]} too; give files without common images"
                )


def _captions(files: Sequence[CocoFile]) -> Iterator[list[Row]]:
    number = -1
    for file in files:
        for row in file.read("annotations", file.caption, number + 1):
            number = row[0]
            yield [row]


def _row(record: Record, row_of: Callable[[dict[str, Any]], Row]) -> Row:
    if record.problem:
        raise MalformedError(record.problem)
    return row_of(record.value)
