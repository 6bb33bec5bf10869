"""Reading pictures: from the bytes of an accepted file to upright RGB pixels."""

import contextlib
import io
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from tasks.acquire import bare_jpeg, bare_png
from tasks.acquire.orientation import keep_to_exif, orientation_of, turn_upright

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

_READERS = (
    JpegImagePlugin.JpegImageFile,  # and what is found to be more than one JPEG, an MPO
    PngImagePlugin.PngImageFile,
    WebPImagePlugin.WebPImageFile,
    GifImagePlugin.GifImageFile,
    TiffImagePlugin.TiffImageFile,
    BmpImagePlugin.BmpImageFile,
    AvifImagePlugin.AvifImageFile,
)  # named one by one: Pillow would otherwise load its readers of all formats
_FORMATS = [reader.format for reader in _READERS]
_TILE_TAGS = TiffImagePlugin.TILEWIDTH, TiffImagePlugin.TILELENGTH

_ALPHA = {"RGBA", "RGBa", "LA", "La", "PA"}

# What Pillow finds odd in a stranger's file is no news for the terminal; the verdict says what matters.
warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
Image.MAX_IMAGE_PIXELS = None  # `max_pixels` is the limit, judged by the header before a pixel is decoded
PngImagePlugin.MAX_TEXT_CHUNK = bare_png.LONGEST_TEXT  # longer ones are left out before Pillow sees them
AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # as all decoders here: pictures are what is worked on side by side

Levels = tuple[float, float]
"""The darkest and the brightest value of a picture of more than eight bits."""


def decode(content: bytes) -> NDArray[np.uint8]:
    """Returns the pixels of an accepted image (its first frame), upright by EXIF: uint8 (height, width, 3), RGB."""
    image = open_picture(content)
    image.load()
    return np.asarray(to_rgb(turn_upright(image, orientation_of(image))))


def is_accepted(content: bytes) -> bool:
    """Returns whether the first bytes are those of an accepted format."""
    tests = [Image.OPEN[name][1] for name in _FORMATS]
    return any(test and test(content[:16]) for test in tests)


def open_picture(content: bytes) -> Image.Image:
    """Returns an image whose header is read and whose pixels are not. What its side data hold never stops it.

    Raises whatever Pillow does for bytes that are no accepted image, and ValueError for a PNG that can't be whole.
    """
    if content.startswith(bare_png.SIGNATURE):
        content = bare_png.bare(content)
    try:
        image = _open(content)
    except Exception:
        image = _open_with_less(content)
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        keep_to_exif(image)
    return image


def _open(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content), formats=_FORMATS)


def _open_with_less(content: bytes) -> Image.Image:
    """Opens a JPEG without what Pillow may have stumbled over; raises what it does for all else."""
    if content.startswith(bare_jpeg.SIGNATURE):
        for less in bare_jpeg.with_less(content):
            with contextlib.suppress(Exception):
                return _open(less)
    return _open(content)


def count_frames(content: bytes, image: Image.Image) -> int:
    """Returns how many frames or pages the file of an opened image announces; 1 where that can't be told."""
    try:
        if image.format in ("GIF", "TIFF"):  # which are walked through, and may be left anywhere
            image = open_picture(content)
        return int(getattr(image, "n_frames", 1))
    except Exception:  # of what is wrong with later frames nobody need know
        return 1


def tile_size(image: Image.Image) -> tuple[int, int]:
    """Returns width and height of the tiles that an opened TIFF comes in, which its decoder makes room for.

    Else 0, 0.
    """
    tags = image.tag_v2 if isinstance(image, TiffImagePlugin.TiffImageFile) else {}
    width, height = (int(tags.get(tag, 0)) for tag in _TILE_TAGS)
    return width, height


def levels_of(image: Image.Image) -> Levels | None:
    """Returns darkest and brightest finite value of a loaded image of more than eight bits; None for all others."""
    if not _is_deep(image):
        return None
    low, high = np.inf, -np.inf
    for row in range(0, image.height, 64):
        values = _numbers(image.crop((0, row, image.width, min(row + 64, image.height))))
        low, high = min(low, float(values.min())), max(high, float(values.max()))
    return low, high


def to_rgb(image: Image.Image, levels: Levels | None = None) -> Image.Image:
    """Returns eight bits a channel, RGB, on white where it is transparent.

    Deeper grey images are stretched to their range.

    Args:
        levels: that range, for a part of a picture; None takes the range of the image itself.
    """
    if _is_deep(image):
        low, high = levels or levels_of(image) or (0.0, 0.0)
        grey = (_numbers(image) - low) * (255 / max(high - low, 1e-6))
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    if image.mode in _ALPHA or "transparency" in image.info:
        clear = image.convert("LA" if image.mode == "La" else "RGBA").convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")  # which would copy it


def _is_deep(image: Image.Image) -> bool:
    return image.mode.startswith("I;16") or image.mode in ("I", "F")


def _numbers(image: Image.Image) -> NDArray[np.float64]:
    """The values of a deep image; what is no number counts as 0."""
    values = np.asarray(image).astype(np.float64)
    return np.nan_to_num(values, copy=False, posinf=0, neginf=0)
