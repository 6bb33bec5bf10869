"""Looking at what came: is it an image, whole, and large enough?"""

import hashlib
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from storage.reasons import Reason
from tasks.acquire.settings import AcquireSettings

EXTENSIONS = {
    "JPEG": "jpg",
    "MPO": "jpg",
    "PNG": "png",
    "WEBP": "webp",
    "GIF": "gif",
    "TIFF": "tif",
    "BMP": "bmp",
    "AVIF": "avif",
}
"""The accepted formats, by Pillow's names, and the file extension each is kept under."""

_ORIENTATION_TAG = 0x0112
Image.MAX_IMAGE_PIXELS = None  # `max_pixels` is the limit, judged by the header before a pixel is decoded


@dataclass(frozen=True)
class Picture:
    """The facts of a readable image. Width and height are in pixels after EXIF orientation."""

    sha256: str
    md5: str
    bytes: int
    width: int
    height: int
    format: str
    mode: str
    orientation: int


@dataclass(frozen=True)
class Rejected:
    """Why a body is not a usable image."""

    reason: Reason
    detail: str


def inspect(content: bytes, settings: AcquireSettings) -> Picture | Rejected:
    """Decodes a body to its end and returns its facts, or why it is refused. Never raises for what the bytes hold."""
    try:
        image = Image.open(io.BytesIO(content), formats=[name for name in EXTENSIONS if name != "MPO"])
    except Image.DecompressionBombError as error:
        return Rejected(Reason.TOO_MANY_PIXELS, str(error))
    except Exception as error:  # decoders raise whatever the bytes make them raise; one bad body costs one row
        return Rejected(Reason.NOT_AN_IMAGE, f"starts with {content[:16]!r} ({type(error).__name__})")
    if image.width * image.height > settings.max_pixels:
        return Rejected(Reason.TOO_MANY_PIXELS, f"{image.width}×{image.height} pixels announced")
    try:
        image.load()
        orientation = _orientation(image)
    except Exception as error:
        return Rejected(Reason.BROKEN_IMAGE, f"{type(error).__name__}: {error}"[:300])
    if min(image.size) < settings.min_side:
        return Rejected(Reason.TOO_SMALL, f"{image.width}×{image.height} pixels")
    width, height = image.size if orientation < 5 else image.size[::-1]
    return Picture(
        sha256=hashlib.sha256(content).hexdigest(),
        md5=hashlib.md5(content, usedforsecurity=False).hexdigest(),
        bytes=len(content),
        width=width,
        height=height,
        format=str(image.format),
        mode=image.mode,
        orientation=orientation,
    )


def decode(content: bytes) -> NDArray[np.uint8]:
    """The pixels of an accepted image (its first frame), upright by EXIF: uint8 (height, width, 3), RGB."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    image.info.pop("transparency", None)  # the colour below is what counts; Pillow would warn of a palette's
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        values = np.asarray(image, np.float32)
        low, high = float(values.min()), float(values.max())
        image = Image.fromarray(((values - low) * (255 / max(high - low, 1e-6))).astype(np.uint8))
    return np.asarray(image.convert("RGB"))


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8; 1 where the tag is absent or holds nonsense."""
    value = image.getexif().get(_ORIENTATION_TAG, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
