"""From the maps of a convolutional network to vectors: MAC, GeM, and the maxima of R-MAC's regions.

Every function is differentiable, and works on whatever device and dtype its maps have.
"""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from tasks.describe.regions import region_levels

_TINY = 1e-6


def mac(maps: Tensor) -> Tensor:
    """Takes the maximum activation of each channel (Tolias et al. 2016, section 3.1).

    Args:
        maps: (batch, channels, height, width).

    Returns:
        (batch, channels).
    """
    return maps.amax(dim=(-2, -1))


def gem(maps: Tensor, power: float = 3.0) -> Tensor:
    """Takes the generalised mean of each channel (Radenović et al. 2018, section 3.2).

    Args:
        maps: (batch, channels, height, width), not negative.
        power: 1 is the mean; the larger it is, the nearer the result is to the maximum.

    Returns:
        (batch, channels).
    """
    return maps.clamp(min=_TINY).pow(power).mean(dim=(-2, -1)).pow(1 / power)


def region_maxima(maps: Tensor, levels: int, *, whole: bool = False) -> Tensor:
    """Takes the maximum activation of each channel in each region of the rigid grid, exactly.

    The regions of a level are squares on a grid, so rows are reduced first and columns after them: a few passes over
    the maps, however many regions there are.

    Args:
        maps: (batch, channels, height, width).
        levels: of the grid; see `tasks.describe.regions`.
        whole: whether the whole map is one more region, the last, as in cirtorch's R-MAC.

    Returns:
        (batch, regions, channels), the regions in the order of `region_boxes`.
    """
    height, width = maps.shape[-2:]
    found = []
    for side, tops, lefts in region_levels(height, width, levels):
        rows = maps.unfold(2, side, 1)[:, :, list(tops)].amax(dim=-1)  # (batch, channels, tops, width)
        cells = rows.unfold(3, side, 1)[:, :, :, list(lefts)].amax(dim=-1)  # (batch, channels, tops, lefts)
        found.append(cells.flatten(2))
    if whole:
        found.append(mac(maps)[:, :, None])
    return torch.cat(found, dim=2).transpose(1, 2)


def aggregate(regions: Tensor) -> Tensor:
    """Sums the vectors of an image's regions, and scales the sum to unit length.

    Args:
        regions: (batch, regions, dimensions), each of unit length.

    Returns:
        (batch, dimensions).
    """
    return normalize(regions.sum(dim=1), dim=-1)
