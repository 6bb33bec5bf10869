"""Looking at what came: is it an image, whole, and large enough?"""

import hashlib
import io
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

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
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow finds odd in a stranger's file is no news for the terminal; the verdict says what matters.
warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
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
        image = open_picture(content)
    except Exception as error:  # decoders raise whatever the bytes make them raise; one bad body costs one row
        return Rejected(Reason.NOT_AN_IMAGE, f"starts with {content[:16]!r} ({type(error).__name__})")
    if image.width * image.height > settings.max_pixels:
        return Rejected(Reason.TOO_MANY_PIXELS, f"{image.width}×{image.height} pixels announced")
    try:
        image.load()
        orientation = orientation_of(image)
        to_rgb(turn_upright(image, orientation))  # what later stages do with it must work
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
    image = open_picture(content)
    image.load()
    return np.asarray(to_rgb(turn_upright(image, orientation_of(image))))


def open_picture(content: bytes) -> Image.Image:
    """An image whose header is read and whose pixels are not.

    Raises whatever Pillow does for bytes that are no accepted image.
    """
    return Image.open(io.BytesIO(content), formats=[name for name in EXTENSIONS if name != "MPO"])


def orientation_of(image: Image.Image) -> int:
    """EXIF orientation of a loaded image, 1 to 8; 1 where the tag is absent or nonsense. (Loading turns a TIFF.)"""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # a malformed EXIF block says nothing, and costs nothing
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def turn_upright(image: Image.Image, orientation: int) -> Image.Image:
    """Undoes an EXIF orientation. (Pillow's own way writes all tags anew, and fails on those that are malformed.)"""
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image


def to_rgb(image: Image.Image) -> Image.Image:
    """Eight bits a channel, RGB; deeper grey images are stretched to their range."""
    image.info.pop("transparency", None)  # the colour below is what counts; Pillow would warn of a palette's
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        values = np.nan_to_num(np.asarray(image, np.float32))
        low, high = float(values.min()), float(values.max())
        image = Image.fromarray(((values - low) * (255 / max(high - low, 1e-6))).astype(np.uint8))
    return image.convert("RGB")
