"""From the bytes of an image to the pixels that a network looks at."""

from math import ceil, floor

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from storage.errors import InputError
from tasks.acquire.reduced import read_reduced

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2, half-open, in pixels of the stored image after EXIF orientation."""
LEAST_SIDE = 32
"""Pixels a side that a network is shown at least: one cell of the coarsest maps."""


class Picture:
    """A decoded image, which is resized to as many sizes as are asked for.

    Args:
        content: the bytes of an accepted image.
        longest_side: the largest that will be asked for, in pixels; a larger image is read at a part of its size.

    Raises whatever the decoder does for bytes that are none.
    """

    def __init__(self, content: bytes, longest_side: int) -> None:
        self._image, self._factor = read_reduced(content, longest_side)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the stored image, upright; of one that was read in part, up to that many pixels more."""
        return self._image.width * self._factor, self._image.height * self._factor

    def at(self, longest_side: int, box: Box | None = None) -> Tensor:
        """Resizes the image, down or up, so that its longest side has so many pixels, and crops it.

        The box is scaled with the image, and what it holds is not resized again, as in the released code of Gordo et
        al. 2017. An image so long that its shorter side would be below `LEAST_SIDE` is widened to that.

        Returns:
            uint8 (1, 3, height, width), RGB.

        Raises:
            InputError: of the box, less than `LEAST_SIDE` pixels a side lie in the image at this size.
        """
        scale = longest_side / max(self._image.size)
        width, height = (max(LEAST_SIDE, round(side * scale)) for side in self._image.size)
        pixels = np.array(self._image.resize((width, height), Image.Resampling.BICUBIC))
        if box is not None:
            pixels = self._crop(pixels, box)
            if min(pixels.shape[:2]) < LEAST_SIDE:
                raise InputError(
                    f"box {box} has {pixels.shape[1]}×{pixels.shape[0]} pixels when the longest side is "
                    f"{longest_side}, and {LEAST_SIDE} a side are needed; choose a larger box"
                )
        return torch.from_numpy(pixels).permute(2, 0, 1)[None]

    def _crop(self, resized: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
        height, width, _ = resized.shape
        across, down = (new / (old * self._factor) for new, old in zip((width, height), self._image.size, strict=True))
        return resized[_span(box[1], box[3], down, height), _span(box[0], box[2], across, width)]


def _span(begin: float, end: float, scale: float, length: int) -> slice:
    """The whole pixels that a side of a box touches, inside the image."""
    return slice(max(0, floor(begin * scale)), max(0, min(length, ceil(end * scale))))
