"""The regions of a photograph as a network sees them, to be compared with those of another."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import normalize

from tasks.describe.network import Network
from tasks.describe.objects import View
from tasks.describe.pooling import region_maxima
from tasks.describe.regions import region_boxes


class Regions(NamedTuple):
    """Regions of R-MAC's grid.

    Attributes:
        vectors: float32 (regions, dimensions), of unit length; whitened if the network whitens.
        boxes: float32 (regions, 4), x1, y1, x2, y2 in pixels of the photograph, half-open.
    """

    vectors: NDArray[np.float32]
    boxes: NDArray[np.float32]


@torch.inference_mode()
def regions_of(network: Network, view: View) -> Regions:
    """Returns the regions of a photograph, or of what a box holds of it."""
    rows, columns = view.maps.shape[2:]
    levels = network.settings.levels
    vectors = network.whiten(normalize(region_maxima(view.maps, levels), dim=-1))[0]
    x1, y1, x2, y2 = view.box
    cell = np.array([(x2 - x1) / columns, (y2 - y1) / rows] * 2)
    boxes = region_boxes(rows, columns, levels) * cell + np.array([x1, y1] * 2)
    return Regions(vectors.cpu().numpy(), boxes.astype(np.float32))
