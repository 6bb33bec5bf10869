"""A sheet of some images and what is nearest to each: what an index finds, at a glance."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from tasks.index.build import Numbers, Vectors
from tasks.index.search import search_exactly
from tasks.pages.pictures import thumbnail
from tasks.publish.illustrate import DROPPED_COLOUR, KEPT_COLOUR, Colour, tile_rows

_CLASSES = 12
_NEAREST = 9
_ASKS = (60, 60, 58)


class Row(NamedTuple):
    """An image of a class and those nearest to it, as rows of the index."""

    asks: int
    nearest: tuple[int, ...]


def nearest_of_classes(rows: pd.DataFrame, vectors: Vectors) -> list[Row]:
    """Returns the first kept image of each of the largest classes, with the images nearest to it.

    Args:
        rows: of the table `indexed`, of which `landmark_id`, `image_id` and `reason` are read. vectors: in their order.
    """
    kept = rows.reset_index(drop=True).query("reason == 'kept'").sort_values("image_id")
    largest = kept.groupby("landmark_id").size().sort_values(ascending=False, kind="stable").index[:_CLASSES]
    asks = kept.drop_duplicates("landmark_id").set_index("landmark_id").image_id
    indices = pd.Series(np.arange(len(rows)), rows.image_id)[asks.loc[largest]].to_numpy()
    if not len(indices):
        return []
    found = search_exactly(vectors, vectors[indices], min(_NEAREST + 1, len(rows))).rows
    return [Row(int(asks), _others(int(asks), nearest)) for asks, nearest in zip(indices, found, strict=True)]


def draw_nearest(found: Sequence[Row], classes: Sequence[str], read: Callable[[int], bytes]) -> bytes:
    """Returns a JPEG of a row for each: the image that asks, then the others, green of its class and red of another.

    Args:
        classes: of the rows. read: gives the file of an image by its row.
    """

    def framed(row: Row, index: int) -> tuple[bytes, Colour]:
        colour = KEPT_COLOUR if classes[index] == classes[row.asks] else DROPPED_COLOUR
        return thumbnail(read(index)), colour

    return tile_rows(
        [[(thumbnail(read(row.asks)), _ASKS), *(framed(row, index) for index in row.nearest)] for row in found]
    )


def _others(asks: int, nearest: Numbers) -> tuple[int, ...]:
    return tuple(index for index in nearest.tolist() if index != asks and index >= 0)[:_NEAREST]
