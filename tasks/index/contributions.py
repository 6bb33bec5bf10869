"""What each region of an image adds to its similarity to a query, be that a photograph, a text, or both.

A descriptor is a sum of vectors of regions, so its product with a query is the sum of their products. Gordo & Larlus
2017 explain what they find by the regions that contribute most.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.describe.descriptors import maps_of
from tasks.describe.network import Network
from tasks.describe.regions import region_boxes
from tasks.index.agreeing import Boxes, overlap

_TINY = 1e-12  # as of torch's normalize
_APART = 0.3  # intersection over union from which a region says little beside another: neighbours of the grid have less


class Parts(NamedTuple):
    """The vectors of an image's regions, scaled so that they add up to its descriptor.

    Attributes:
        vectors: float32 (regions, dimensions). boxes: float32 (regions, 4), x1, y1, x2, y2 in pixels, half-open.
    """

    vectors: NDArray[np.float32]
    boxes: Boxes


class Contribution(NamedTuple):
    """A region (x1, y1, x2, y2 in pixels), and what it adds to a similarity."""

    box: tuple[float, ...]
    similarity: float


@torch.inference_mode()
def parts_of(network: Network, content: bytes, size: tuple[int, int]) -> Parts:
    """Splits the descriptor of an image into its regions.

    Of an image that is described at several sizes, each region of the middle one has the sum of those that lie there in
    the others. Where the sum of the regions is whitened, and not each of them, each has an equal share of the shift.

    Args:
        content: the bytes of an accepted image. size: its width and height in pixels, upright.

    Raises:
        UndecodableError: the bytes are not those of a whole image.
    """
    sides = network.settings.longest_sides
    seen = [(_boxes(network, maps, size), _parts(network, maps)) for maps in maps_of(network, content)]
    boxes, _ = seen[sides.index(sorted(sides)[len(sides) // 2])]
    vectors = np.zeros((len(boxes), network.dimensions), np.float32)
    for own, parts in seen:
        np.add.at(vectors, overlap(own[:, None], boxes).argmax(axis=1), parts.cpu().numpy())
    return Parts(vectors / max(float(np.linalg.norm(vectors.sum(axis=0))), _TINY), boxes)


def largest_contributions(query: NDArray[np.float32], parts: Parts, most: int) -> list[Contribution]:
    """Returns the regions that add most to the similarity of an image and a query, the largest first.

    One that lies largely in a better one, or around it, is left out; so is one that adds nothing.

    Args:
        query: float32 (dimensions,), or a part of one. most: regions that are given at most.
    """
    products = parts.vectors @ query
    chosen: list[int] = []
    for index in np.argsort(-products, kind="stable").tolist():
        if len(chosen) == most or products[index] <= 0:
            break
        if (overlap(parts.boxes[index], parts.boxes[chosen]) <= _APART).all():
            chosen.append(index)
    return [Contribution(tuple(parts.boxes[index].tolist()), float(products[index])) for index in chosen]


def _boxes(network: Network, maps: Tensor, size: tuple[int, int]) -> Boxes:
    """The boxes of `network.regions`, float32 (regions, 4), in pixels."""
    settings, (rows, columns) = network.settings, maps.shape[2:]
    whole = np.array([[0, 0, columns, rows]])
    if settings.pooling != "rmac":
        boxes = whole
    else:
        grid = region_boxes(rows, columns, settings.levels)
        boxes = np.concatenate([grid, whole]) if settings.whole_image else grid
    return np.asarray(boxes * np.array([size[0] / columns, size[1] / rows] * 2), np.float32)


def _parts(network: Network, maps: Tensor) -> Tensor:
    """The vectors (regions, dimensions) of regions whose sum is what `network.pool` makes of maps."""
    regions = network.regions(maps)[0]
    if network.settings.regional_whitening or network.whitening is None:
        vectors = network.whiten(regions)
    else:
        whitening, shares = network.whitening, regions / _length(regions)
        vectors = torch.nn.functional.linear(shares - whitening.shift / len(shares), whitening.weight)
    return vectors / _length(vectors)


def _length(vectors: Tensor) -> Tensor:
    """Of the sum of vectors."""
    length: Tensor = torch.linalg.vector_norm(vectors.sum(dim=0))
    return length.clamp(min=_TINY)
