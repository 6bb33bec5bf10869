"""Images to descriptors: each image decoded once, looked at in every size, and one in memory at a time."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from tasks.describe.network import Network
from tasks.describe.pictures import Box, Picture


class UndecodableError(Exception):
    """The bytes of an image can't be decoded; the text is what the decoder said."""


@torch.inference_mode()
def describe_image(network: Network, content: bytes, box: Box | None = None) -> NDArray[np.float32]:
    """Describes an image, or what a box holds of it: float32 (dimensions,), of unit length.

    Of several sizes the descriptors are summed, and the sum is scaled to unit length (Gordo et al. 2017).

    Args:
        content: the bytes of an accepted image.
        box: in pixels of the stored image, upright.

    Raises:
        UndecodableError: the bytes are not those of a whole image.
        InputError: the box is too small.
    """
    vectors = [network.pool(maps) for maps in maps_of(network, content, box)]
    described: NDArray[np.float32] = normalize(torch.cat(vectors).sum(dim=0), dim=0).cpu().numpy()
    return described


@torch.inference_mode()
def vectors_to_whiten(network: Network, content: bytes) -> NDArray[np.float32]:
    """Returns the vectors of an image that whitening is learned from, of all its sizes: float32 (n, channels).

    Raises:
        UndecodableError: the bytes are not those of a whole image.
    """
    vectors = [network.to_whiten(maps) for maps in maps_of(network, content)]
    found: NDArray[np.float32] = torch.cat(vectors).cpu().numpy()
    return found


def maps_of(network: Network, content: bytes, box: Box | None = None) -> Iterator[Tensor]:
    """Makes the maps of an image, or of what a box holds of it: (1, channels, rows, columns) for each of its sizes.

    Raises:
        UndecodableError: the bytes are not those of a whole image.
        InputError: the box is too small.
    """
    sides = network.settings.longest_sides
    picture = open_picture(content, max(sides))
    for side in sides:
        yield network.maps(picture.at(side, box).to(network.device))


def open_picture(content: bytes, longest_side: int) -> Picture:
    """Decodes an image that is to be looked at in this size, in pixels, or smaller ones.

    Raises:
        UndecodableError: the bytes are not those of a whole image.
    """
    try:
        return Picture(content, longest_side)
    except Exception as error:  # decoders raise what they like
        raise UndecodableError(f"{type(error).__name__}: {error}") from error
