"""The common case at the least cost: whole photographs, coded as most are, decoded without a copy."""

from typing import TYPE_CHECKING

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from tasks.acquire.headers import has_one_scan

if TYPE_CHECKING:
    from PIL import Image


def plain_luma(content: bytes, image: "Image.Image") -> NDArray[np.uint8] | None:
    """The luma, uint8 (height, width), of a JPEG as most are, in which libjpeg finds nothing odd.

    It is what Pillow decodes, which would copy it. All coefficients are read; those of chroma are not made into
    pixels. None for what is not of three colours in one scan, and where anything is wrong, be it a missing end marker:
    what that is, and whether it matters, is for the slower way to say.

    Args:
        image: opened by Pillow, its pixels not decoded.
    """
    if image.format != "JPEG" or image.mode != "RGB" or not has_one_scan(content):
        return None
    try:
        luma: NDArray[np.uint8] = simplejpeg.decode_jpeg(content, colorspace="GRAY", strict=True)
    except ValueError:
        return None
    return luma[:, :, 0]
