"""The rigid grid of regions of R-MAC (Tolias et al. 2016, section 3.2), by the arithmetic of the released code."""

from math import floor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_OVERLAP = 0.4  # wanted between neighbours of the first level
_MOST_ALONG = 7  # regions of the first level that are tried along the longer side


class Level(NamedTuple):
    """The regions of one level: squares of `side` cells at every pair of the offsets `tops` and `lefts`."""

    side: int
    tops: tuple[int, ...]
    lefts: tuple[int, ...]


def region_levels(height: int, width: int, levels: int) -> list[Level]:
    """Returns the regions of a map, level by level.

    Args:
        height, width: of the map, in cells, at least 1.
        levels: how many; level l has l regions along the shorter side.

    Returns:
        Levels whose side would be below one cell are left out.
    """
    shorter = min(height, width)
    extra = _extra_along_longer_side(shorter, max(height, width))
    found = []
    for level in range(1, levels + 1):
        side = 2 * shorter // (level + 1)
        if side < 1:
            break
        down, across = level + extra * (height > width), level + extra * (width > height)
        found.append(Level(side, _offsets(height, side, down), _offsets(width, side, across)))
    return found


def region_boxes(height: int, width: int, levels: int) -> NDArray[np.int64]:
    """Returns R-MAC's regions as boxes x1, y1, x2, y2 (half-open, in cells), int64 (regions, 4).

    Rows come first in each level.
    """
    boxes = [
        (left, top, left + level.side, top + level.side)
        for level in region_levels(height, width, levels)
        for top in level.tops
        for left in level.lefts
    ]
    return np.array(boxes, np.int64).reshape(-1, 4)


def _extra_along_longer_side(shorter: int, longer: int) -> int:
    """How many more regions lie along the longer side than along the shorter, so that neighbours overlap by 40 %."""
    if shorter == longer:
        return 0
    counts = range(2, _MOST_ALONG + 1)
    overlaps = [1 - (longer - shorter) / (count - 1) / shorter for count in counts]
    return 1 + int(np.argmin([abs(overlap - _OVERLAP) for overlap in overlaps]))


def _offsets(length: int, side: int, count: int) -> tuple[int, ...]:
    """Where `count` regions of a side begin along a length, evenly spread around their middles."""
    half = floor(side / 2 - 1)
    step = (length - side) / (count - 1) if count > 1 else 0.0
    return tuple(floor(half + k * step) - half for k in range(count))
