"""Looking at what came: is it an image, whole, and large enough?"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from storage.reasons import Reason
from tasks.acquire.credits import credit
from tasks.acquire.decode import count_frames, is_accepted, open_picture, tile_size
from tasks.acquire.deflated import check_deflated
from tasks.acquire.fingerprint import fingerprint
from tasks.acquire.headers import webp_canvas
from tasks.acquire.jpeg import DamagedError, UnusualError, padded, read_jpeg
from tasks.acquire.orientation import orientation_of
from tasks.isolated import memory_left

if TYPE_CHECKING:  # a child process that inspects does without pydantic
    from tasks.acquire.settings import AcquireSettings

_HUNGRIEST = 15  # bytes a pixel that WebP takes; a JPEG of several scans takes 7 to 10
_MANY_FRAMES = 2**31 - 1  # what a column of the table holds; a file may announce more


@dataclass(frozen=True)
class Picture:
    """The facts of a readable image; columns of the table `images` say what each is.

    Width and height are in pixels after EXIF orientation.
    """

    sha256: str
    md5: str
    bytes: int
    width: int
    height: int
    format: str
    mode: str
    orientation: int
    frames: int
    pixel_hash: str
    phash: str
    licence: str | None
    author: str | None


@dataclass(frozen=True)
class Rejected:
    """Why a body is not a usable image."""

    reason: Reason
    detail: str


class Limits(NamedTuple):
    """What of the settings decides whether a picture is accepted."""

    max_pixels: int
    min_side: int


def inspect(content: bytes, settings: "AcquireSettings | Limits") -> Picture | Rejected:
    """Decodes a body to its end and returns its facts, or why it is refused. Never raises for what the bytes hold.

    Of animations and files of several pages the first frame counts. All that a JPEG has is read and checked, but its
    colours are not made, which nobody asks for: the hashes are of its luma. Beside the content and Pillow's picture of
    four bytes a pixel, and what a decoder needs of its own, nothing of the picture's size is kept.
    """
    image = _open(content, settings)
    return image if isinstance(image, Rejected) else _decode(content, image)


def for_each(
    look: Callable[[bytes, Limits], Picture | Rejected], contents: Sequence[bytes], limits: Limits
) -> list[Picture | Rejected]:
    """Returns what looking at each body comes to."""
    return [look(content, limits) for content in contents]


def _open(content: bytes, settings: "AcquireSettings | Limits") -> Image.Image | Rejected:
    """The image, its header read and within the limits, its pixels not decoded."""
    if not is_accepted(content):
        return Rejected(Reason.NOT_AN_IMAGE, f"starts with {content[:16]!r}")
    canvas = webp_canvas(content)
    if canvas and (refused := _judge_size(*canvas, settings)):
        return refused
    try:
        image = open_picture(content)
        tile = tile_size(image)
    except Exception as error:  # decoders raise whatever the bytes make them raise; one bad body costs one row
        return _failed(error, canvas or (0, 0))
    if tile[0] * tile[1] > settings.max_pixels:
        return Rejected(Reason.TOO_MANY_PIXELS, f"tiles of {tile[0]}×{tile[1]} pixels announced")
    return _judge_size(*image.size, settings) or image


def _judge_size(width: int, height: int, settings: "AcquireSettings | Limits") -> Rejected | None:
    if width * height > settings.max_pixels:
        return Rejected(Reason.TOO_MANY_PIXELS, f"{width}×{height} pixels announced")
    if min(width, height) < settings.min_side:
        return Rejected(Reason.TOO_SMALL, f"{width}×{height} pixels")
    return None


def _decode(content: bytes, image: Image.Image) -> Picture | Rejected:
    """The facts of an opened image, every pixel of its first frame decoded."""
    file_format, mode, frames = str(image.format), image.mode, count_frames(content, image)
    try:
        picture = _load(content, image)
        orientation = orientation_of(image)
        prints = fingerprint(picture, orientation)
        blank = prints.blank and (isinstance(picture, Image.Image) or _has_one_colour(content))
    except DamagedError as error:
        return Rejected(error.reason, str(error))
    except Exception as error:
        return _failed(error, image.size)
    if blank:
        return Rejected(Reason.BLANK_IMAGE, f"{image.width}×{image.height} pixels of one colour")
    width, height = image.size if orientation < 5 else image.size[::-1]
    return Picture(
        sha256=hashlib.sha256(content).hexdigest(),
        md5=hashlib.md5(content, usedforsecurity=False).hexdigest(),
        bytes=len(content),
        width=width,
        height=height,
        format=file_format,
        mode=mode,
        orientation=orientation,
        frames=min(frames, _MANY_FRAMES),
        pixel_hash=prints.pixel_hash,
        phash=prints.phash,
        licence=credit(image, "licence"),
        author=credit(image, "author"),
    )


def _load(content: bytes, image: Image.Image) -> Image.Image | NDArray[np.uint8]:
    """Decodes an opened image, and raises what is found; of JPEGs it gives the luma, (height, width), or the inks."""
    if image.format not in ("JPEG", "MPO"):
        image.load()
        if isinstance(image, TiffImagePlugin.TiffImageFile):
            check_deflated(content, image.tag_v2)
        return image
    try:
        pixels = read_jpeg(content, "CMYK" if image.mode == "CMYK" else "GRAY")
    except UnusualError:
        image = open_picture(padded(content))
        image.draft("L", None)
        image.load()
        return np.asarray(image) if image.mode == "L" else image
    if pixels.shape[2] == 1:
        return pixels[:, :, 0]
    return Image.fromarray(np.bitwise_not(pixels, out=pixels), "CMYK")  # inks are stored the other way round


def _has_one_colour(content: bytes) -> bool:
    """Whether all pixels of a JPEG of one luma have one colour, too."""
    image = open_picture(content)
    image.load()
    return image.getcolors(1) is not None


def _failed(error: Exception, size: tuple[int, int]) -> Rejected:
    """Why a picture of this size could not be decoded; of 0×0 where it is not known yet."""
    text = f"{type(error).__name__}: {error}"[:300]
    pixels = f"{size[0]}×{size[1]} pixels" if any(size) else "its header"
    left = memory_left()
    if isinstance(error, MemoryError) or "out of memory" in text:
        return Rejected(Reason.TOO_MUCH_MEMORY, f"no memory was left to decode {pixels}")
    if "truncated" in text.lower():
        return Rejected(Reason.TRUNCATED_IMAGE, text)
    if left is not None and size[0] * size[1] * _HUNGRIEST > left:  # some decoders don't say what they lacked
        return Rejected(Reason.TOO_MUCH_MEMORY, f"{pixels} are too many for this format; {text}")
    if isinstance(error, UnidentifiedImageError):  # its text has an address in memory, another one in each run
        return Rejected(Reason.BROKEN_IMAGE, "its header can't be read")
    return Rejected(Reason.BROKEN_IMAGE, text)
