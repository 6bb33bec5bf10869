"""Finding a query's object in an image: approximate max-pooling localisation, AML (Tolias et al. 2016, section 4).

The maximum of a channel over any box is approximated by a generalised mean of high power, which an integral image gives
in four look-ups. Boxes are searched on a coarse grid, and the best one is refined side by side.
"""

from collections.abc import Callable, Iterator
from itertools import product
from math import log
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

POWER = 10.0
"""Of the generalised mean: the α of the paper."""
_COARSE = 3  # cells between the coordinates that the coarse search tries
_RATIO = log(1.1)  # furthest that the shape of a coarse box may be from the query's
_REFINED = (3, 2, 1)  # cells that a side is moved by, in turn …
_SWEEPS = 5  # … so many times each


Cells = tuple[int, int, int, int]
"""A box x1, y1, x2, y2, half-open, in cells of a map."""


class Located(NamedTuple):
    """A box, and the cosine of what it shows and the query."""

    box: Cells
    score: float


class IntegralMaps:
    """The maps of one image, ready to be pooled over any box.

    Args:
        maps: (channels, height, width), not negative.
    """

    def __init__(self, maps: Tensor) -> None:
        self.height, self.width = maps.shape[-2:]
        self._largest = maps.amax(dim=(-2, -1)).double().clamp(min=1e-12)
        # Of the share of each channel's maximum: sums of tenth powers of plain activations would drown small ones
        powers = (maps.double() / self._largest[:, None, None]).pow(POWER).permute(1, 2, 0)
        self._sums = maps.new_zeros((self.height + 1, self.width + 1, len(maps)), dtype=torch.float64)
        self._sums[1:, 1:] = powers.cumsum(0).cumsum(1)

    def maxima(self, boxes: Tensor) -> Tensor:
        """Approximates the maximum of each channel in each box, from above: by at most area^(1/α).

        Args:
            boxes: int64 (n, 4), x1, y1, x2, y2 in cells, half-open, not empty.

        Returns:
            float64 (n, channels).
        """
        x1, y1, x2, y2 = boxes.unbind(1)
        sums = self._sums[y2, x2] - self._sums[y1, x2] - self._sums[y2, x1] + self._sums[y1, x1]
        return sums.clamp(min=0).pow(1 / POWER) * self._largest


def localize(maps: Tensor, query: Tensor, ratio: float) -> Located:
    """Finds the box of an image whose maxima are most like those of a query.

    Args:
        maps: (channels, height, width) of the image, not negative.
        query: (channels,), the query's MAC vector, not whitened.
        ratio: width of the query by its height.
    """
    integral, wanted = IntegralMaps(maps), normalize(query.double(), dim=0)

    def score(boxes: Tensor) -> Tensor:
        return normalize(integral.maxima(boxes), dim=1) @ wanted

    best = _best(score, _coarse_boxes(integral.height, integral.width, ratio).to(maps.device))
    for step in _REFINED:
        for _ in range(_SWEEPS):
            moved = [*_moves(best.box, step, integral.height, integral.width)]
            better = _best(score, torch.tensor([best.box, *moved], device=maps.device))
            if better.score <= best.score:
                break
            best = better
    return best


def in_pixels(box: Cells, height: int, width: int, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Gives a box of cells as x1, y1, x2, y2 in pixels of the image, each cell of whose map spans as much as any other.

    Args:
        height, width: of the map, in cells. size: width and height of the image, in pixels.
    """
    across, down = size[0] / width, size[1] / height
    x1, y1, x2, y2 = box
    return x1 * across, y1 * down, x2 * across, y2 * down


def _best(score: Callable[[Tensor], Tensor], boxes: Tensor) -> Located:
    scores = score(boxes)
    first = int(scores.argmax())
    x1, y1, x2, y2 = boxes[first].tolist()
    return Located((x1, y1, x2, y2), float(scores[first]))


def _coarse_boxes(height: int, width: int, ratio: float) -> Tensor:
    """Boxes of about the query's shape with coordinates on a coarse grid, int64 (n, 4); the whole map is the first."""
    across, down = _spans(width), _spans(height)
    ratios = (across[:, 1] - across[:, 0])[:, None] / (down[:, 1] - down[:, 0])[None]
    x, y = torch.nonzero((ratios / ratio).log().abs() <= _RATIO, as_tuple=True)
    boxes = torch.stack([across[x, 0], down[y, 0], across[x, 1], down[y, 1]], dim=1)
    return torch.cat([torch.tensor([[0, 0, width, height]]), boxes])


def _spans(length: int) -> Tensor:
    """All pairs of a begin and a later end on the coarse grid, which has the end of the map besides; int64 (n, 2)."""
    return torch.combinations(torch.tensor(sorted({*range(0, length, _COARSE), length})))


def _moves(box: Cells, step: int, height: int, width: int) -> Iterator[tuple[int, ...]]:
    """The boxes that differ in one side by a step, up to the borders of the map."""
    limits = (width, height, width, height)
    for side, change in product(range(4), (-step, step)):
        moved = [*box]
        moved[side] = min(max(moved[side] + change, 0), limits[side])
        if moved[0] < moved[2] and moved[1] < moved[3]:
            yield tuple(moved)
