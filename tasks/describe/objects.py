"""Looking for a query's object in images that search found: its box, how alike it is, and its descriptor.

Re-ranking of Tolias et al. 2016, section 5: by the score of each image's best box, and expansion by the vectors of the
best boxes.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.describe.descriptors import open_picture
from tasks.describe.localize import in_pixels, localize
from tasks.describe.network import Network
from tasks.describe.pictures import Box
from tasks.describe.pooling import mac


class View(NamedTuple):
    """An image, or what a box holds of it, as a network sees it at its middle size.

    Attributes:
        maps: (1, channels, rows, columns).
        box: what the maps span, in pixels of the stored image, upright.
    """

    maps: Tensor
    box: Box


class FoundObject(NamedTuple):
    """Where an image shows the object of a query, and how alike it is there.

    Attributes:
        box: in pixels of the stored image, upright.
        score: cosine of its maxima and the query's, from 0 to 1, as far as maxima are approximated.
        vector: float32 (dimensions,), the descriptor of the maps in the box.
    """

    box: Box
    score: float
    vector: NDArray[np.float32]


@torch.inference_mode()
def look_at(network: Network, content: bytes, box: Box | None = None) -> View:
    """Looks at an image, or at what a box holds of it.

    Raises:
        UndecodableError: the bytes are not those of a whole image.
        InputError: the box is too small.
    """
    side = sorted(network.settings.longest_sides)[len(network.settings.longest_sides) // 2]
    picture = open_picture(content, side)
    width, height = picture.size
    maps = network.maps(picture.at(side, box).to(network.device))
    return View(maps, box or (0.0, 0.0, float(width), float(height)))


@torch.inference_mode()
def find_object(network: Network, view: View, query: View) -> FoundObject:
    """Finds the box of an image, seen whole, that is most like a query."""
    x1, y1, x2, y2 = query.box
    located = localize(view.maps[0], mac(query.maps)[0], (x2 - x1) / (y2 - y1))
    left, top, right, bottom = located.box
    vector = network.pool(view.maps[:, :, top:bottom, left:right])[0].cpu().numpy()
    height, width = view.maps.shape[-2:]
    size = round(view.box[2]), round(view.box[3])
    return FoundObject(in_pixels(located.box, height, width, size), located.score, vector)
