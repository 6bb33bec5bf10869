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


class Sought(NamedTuple):
    """What is looked for: the maxima of the query's maps, float32 (channels,), and its width by its height."""

    maxima: Tensor
    ratio: float


class FoundObject(NamedTuple):
    """Where an image shows it.

    Attributes:
        box: in pixels of the stored image, upright.
        score: cosine of its maxima and the query's, from 0 to 1, as far as maxima are approximated.
        vector: float32 (dimensions,), the descriptor of the maps in the box.
    """

    box: Box
    score: float
    vector: NDArray[np.float32]


@torch.inference_mode()
def seek(network: Network, content: bytes, box: Box | None = None) -> Sought:
    """Looks at a query, or at what a box holds of it, at the network's middle size.

    Raises:
        UndecodableError: the bytes are not those of a whole image.
        InputError: the box is too small.
    """
    pixels = open_picture(content, _side(network)).at(_side(network), box)
    return Sought(mac(network.maps(pixels.to(network.device)))[0], pixels.shape[-1] / pixels.shape[-2])


@torch.inference_mode()
def find_object(network: Network, content: bytes, sought: Sought) -> FoundObject:
    """Finds the box of an image that is most like what is sought, at the network's middle size.

    Raises:
        UndecodableError: the bytes are not those of a whole image.
    """
    picture = open_picture(content, _side(network))
    maps = network.maps(picture.at(_side(network)).to(network.device))
    located = localize(maps[0], sought.maxima, sought.ratio)
    x1, y1, x2, y2 = located.box
    vector = network.pool(maps[:, :, y1:y2, x1:x2])[0].cpu().numpy()
    height, width = maps.shape[-2:]
    return FoundObject(in_pixels(located.box, height, width, picture.size), located.score, vector)


def _side(network: Network) -> int:
    sides = sorted(network.settings.longest_sides)
    return sides[len(sides) // 2]
