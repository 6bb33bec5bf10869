"""The regions of a photograph as a network sees them, to be compared with those of another."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import normalize

from tasks.describe.descriptors import maps_of
from tasks.describe.network import Network
from tasks.describe.pooling import region_maxima
from tasks.describe.regions import region_boxes
from tasks.index.query import Box, Photograph


class Regions(NamedTuple):
    """Regions of R-MAC's grid.

    Attributes:
        vectors: float32 (regions, dimensions), of unit length; whitened if the network whitens.
        boxes: float32 (regions, 4), x1, y1, x2, y2 in pixels of the photograph, half-open.
    """

    vectors: NDArray[np.float32]
    boxes: NDArray[np.float32]


@torch.inference_mode()
def regions_of(network: Network, photograph: Photograph, box: Box | None = None) -> Regions:
    """The regions of a photograph, or of what a box holds of it, in the first of the network's sizes.

    Raises:
        UndecodableError: it can't be decoded.
        InputError: the box is too small.
    """
    maps = next(maps_of(network, photograph.content, box))
    rows, columns = maps.shape[2:]
    levels = network.settings.levels
    vectors = network.whiten(normalize(region_maxima(maps, levels), dim=-1))[0]
    x1, y1, x2, y2 = box or (0.0, 0.0, float(photograph.width), float(photograph.height))
    cell = np.array([(x2 - x1) / columns, (y2 - y1) / rows] * 2)
    boxes = region_boxes(rows, columns, levels) * cell + np.array([x1, y1] * 2)
    return Regions(vectors.cpu().numpy(), boxes.astype(np.float32))
