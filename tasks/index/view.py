"""Photographs side by side, as a network sees them: where one shows what another asks for, and which regions agree."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from tasks.describe.descriptors import maps_of
from tasks.describe.localize import localize
from tasks.describe.network import Network
from tasks.describe.pooling import mac, region_maxima
from tasks.describe.regions import region_boxes
from tasks.index.agreeing import Agreement, agreeing_regions
from tasks.index.query import Box, Photograph


@dataclass(frozen=True)
class View:
    """A photograph, or what a box holds of it, in the first of a network's sizes.

    Attributes:
        maps: (channels, rows, columns).
        regions: float32 (regions, dimensions), vectors of the regions of R-MAC's grid, of unit length, whitened if the
            network whitens.
        frame: x1, y1, x2, y2 in pixels of the photograph, what the maps are of.
    """

    maps: Tensor
    regions: NDArray[np.float32]
    frame: Box

    def pixels(self, cells: NDArray[np.int64]) -> NDArray[np.float32]:
        """Boxes (n, 4) in cells of the maps as pixels of the photograph."""
        rows, columns = self.maps.shape[1:]
        x1, y1, x2, y2 = self.frame
        scale = np.array([(x2 - x1) / columns, (y2 - y1) / rows] * 2)
        return (cells * scale + np.array([x1, y1] * 2)).astype(np.float32)


@torch.inference_mode()
def view(network: Network, photograph: Photograph, box: Box | None = None) -> View:
    """Looks at a photograph.

    Raises:
        UndecodableError: it can't be decoded.
        InputError: the box is too small.
    """
    maps = next(maps_of(network, photograph.content, box))
    regions = normalize(region_maxima(maps, network.settings.levels), dim=-1)
    frame = box or (0.0, 0.0, float(photograph.width), float(photograph.height))
    return View(maps[0], network.whiten(regions)[0].cpu().numpy(), frame)


def agreements(network: Network, query: View, result: View, most: int) -> list[Agreement]:
    """The pairs of regions that agree most, the best first."""
    boxes = [one.pixels(region_boxes(*one.maps.shape[1:], network.settings.levels)) for one in (query, result)]
    return agreeing_regions(query.regions, boxes[0], result.regions, boxes[1], most)


@torch.inference_mode()
def locate(query: View, result: View) -> Box:
    """Where a result shows what looks most like the query, in its pixels (AML, Tolias et al. 2016, section 4)."""
    ratio = query.maps.shape[2] / query.maps.shape[1]
    found = localize(result.maps, mac(query.maps[None])[0], ratio)
    x1, y1, x2, y2 = result.pixels(np.array([found.box]))[0].tolist()
    return x1, y1, x2, y2
