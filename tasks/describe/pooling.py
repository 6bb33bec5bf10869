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

    The regions of a level are squares on a grid, so rows are reduced first and columns after them, for all regions of
    a batch together, with the channels of a cell side by side: a few passes over the maps.

    Args:
        maps: (batch, channels, height, width).
        levels: of the grid; see `tasks.describe.regions`.
        whole: whether the whole map is one more region, the last, as in cirtorch's R-MAC.

    Returns:
        (batch, regions, channels), the regions in the order of `region_boxes`.
    """
    height, width = maps.shape[-2:]
    cells = maps.permute(0, 2, 3, 1).contiguous()
    found = []
    for side, tops, lefts in region_levels(height, width, levels):
        rows = torch.stack([cells[:, top : top + side].amax(dim=1) for top in tops], dim=1)
        squares = torch.stack([rows[:, :, left : left + side].amax(dim=2) for left in lefts], dim=2)
        found.append(squares.flatten(1, 2))
    if whole:
        found.append(mac(maps)[:, None])
    return torch.cat(found, dim=1)


def aggregate(regions: Tensor) -> Tensor:
    """Sums the vectors of an image's regions, and scales the sum to unit length.

    Args:
        regions: (batch, regions, dimensions), each of unit length.

    Returns:
        (batch, dimensions).
    """
    return normalize(regions.sum(dim=1), dim=-1)
