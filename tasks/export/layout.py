"""What formats are made from, and what they make: the photographs of an export, and the files of its folder."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil, floor
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from tasks.export.kept import BOX
from tasks.export.names import picture_names

SPLITS = ("train", "val")
_LOADED_EVERYWHERE = {("JPEG", "RGB"), ("JPEG", "L"), ("MPO", "RGB"), ("PNG", "RGB"), ("PNG", "L")}


class Box(NamedTuple):
    """Half-open, in pixels of the upright picture."""

    x1: float
    y1: float
    x2: float
    y2: float

    def pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Returns the whole pixels that it touches, inside a picture of this size."""
        return max(0, floor(self.x1)), max(0, floor(self.y1)), min(width, ceil(self.x2)), min(height, ceil(self.y2))


@dataclass(frozen=True, slots=True)
class Photograph:
    """A picture of an export.

    Attributes:
        name: `CLASS/PICTURE`, of file names that are safe; no two alike. stored: its path below the dataset root.
        width, height: of the exported picture. box: in it. supports: verified pairs that the box rests on.
        crop: what of the stored picture is exported, in whole pixels; None for all of it.
        as_stored: whether the stored bytes are exported as they are. bytes: their number.
    """

    image_id: str
    landmark_id: str
    class_index: int
    split: str
    name: str
    stored: str
    bytes: int
    width: int
    height: int
    box: Box
    supports: int
    crop: tuple[int, int, int, int] | None
    as_stored: bool

    @property
    def file(self) -> str:
        """The name with a suffix, `.jpg` or `.png`."""
        return f"{self.name}.png" if self.as_stored and self.stored.endswith(".png") else f"{self.name}.jpg"


@dataclass(frozen=True)
class Content:
    """All that a format is told.

    Attributes:
        name: of the dataset. folder: where the export will stand, absolute. photographs: by class index and image_id.
        classes: the landmark_id of each class index.
        pairs: gives image_a, image_b: verified pairs of photographs of a class, neither of which is the other's copy.
    """

    name: str
    folder: Path
    photographs: tuple[Photograph, ...]
    classes: tuple[str, ...]
    pairs: Callable[[], pd.DataFrame]

    def of(self, split: str) -> list[Photograph]:
        """Returns the photographs of a split."""
        return [photograph for photograph in self.photographs if photograph.split == split]


@dataclass(frozen=True)
class Picture:
    """A file of the export: a photograph by itself."""

    path: str
    photograph: Photograph


Read = Callable[[Photograph], bytes]
"""Reads the exported bytes of a photograph."""


@dataclass(frozen=True)
class File:
    """A file of the export that is made from photographs."""

    path: str
    make: Callable[[Read], bytes]


@dataclass(frozen=True)
class Folder:
    """A folder that has to be there, be it empty."""

    path: str


Layout = Iterator[Picture | File | Folder]
"""What a format makes; paths are below the export's folder."""


def photographs(kept: pd.DataFrame, *, crop: bool) -> tuple[Photograph, ...]:
    """Returns the photographs of an export.

    Args:
        kept: as `kept_images` gives it.
    """
    names = picture_names(kept.image_id, kept.landmark_id)
    return tuple(_photograph(row, name, crop) for row, name in zip(kept.itertuples(), names, strict=True))


def _photograph(row: Any, name: str, crop: bool) -> Photograph:
    box, width, height = Box(*(getattr(row, side) for side in BOX)), row.width, row.height
    cut = None
    if crop:
        x1, y1, x2, y2 = cut = box.pixels(width, height)
        width, height = x2 - x1, y2 - y1
        box = Box(0.0, 0.0, width, height)
    return Photograph(
        image_id=row.image_id,
        landmark_id=row.landmark_id,
        class_index=row.class_index,
        split=row.split,
        name=name,
        stored=row.path,
        bytes=row.bytes,
        width=width,
        height=height,
        box=box,
        supports=row.supports,
        crop=cut,
        as_stored=cut is None and row.orientation == 1 and (row.format, row.mode) in _LOADED_EVERYWHERE,
    )
