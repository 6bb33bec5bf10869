"""Reading JPEGs to the end of their first picture: its luma, or what is wrong with it."""

import contextlib
import re
from collections.abc import Iterator
from typing import Literal

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from storage.reasons import Reason
from tasks.acquire.bare_jpeg import bare
from tasks.acquire.headers import JpegEnd, has_one_scan, jpeg_end

_END = b"\xff\xd9"
_LEFT_OVER = re.compile(r"(\d+) extraneous bytes before marker 0xd9")
_PADDING = bytes(16)
_UNKNOWN = ("Could not determine", "Unsupported color conversion")  # what simplejpeg makes no picture of
_LONGEST_TAIL = 2  # bytes of coded data that may be like the filling after them

Colours = Literal["GRAY", "CMYK"]


class DamagedError(Exception):
    """A picture that is not whole: the reason, and the evidence as text."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class UnusualError(Exception):
    """A JPEG that this decoder does not know, whole or not."""


def read_jpeg(content: bytes, colours: Colours) -> NDArray[np.uint8]:
    """Decodes the first picture of a JPEG, uint8 (height, width, 1 for GRAY or 4 for CMYK), as Pillow does, uncopied.

    All coefficients are read; for GRAY those of chroma are not made into pixels. libjpeg puts grey or garbage where
    coded data are missing or wrong, and only warns: its first warning is an error here, unless it is about side data,
    or about filling between the coded data and the end marker. Raises DamagedError for what is not whole to its end
    marker, and UnusualError for what simplejpeg can't decode.
    """
    try:
        pixels = _decode(content, colours)
    except ValueError:
        return _decode_bare(content, colours)
    if not has_one_scan(content):
        _check_scans(content)
    return pixels


def _decode(content: bytes, colours: Colours) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(content, colorspace=colours, strict=True)
    return pixels


def _decode_bare(content: bytes, colours: Colours) -> NDArray[np.uint8]:
    """Decodes what is left without side data: what libjpeg says of it is about pixels."""
    picture = bare(content, _check_scans(content))
    try:
        return _decode(picture, colours)
    except ValueError as error:
        complaint = str(error)
    if left_over := _LEFT_OVER.search(complaint):
        for unfilled in _without_filling(picture, int(left_over[1])):
            with contextlib.suppress(ValueError):
                return _decode(unfilled, colours)
    if "memory" in complaint:
        raise MemoryError(complaint)
    if any(words in complaint for words in _UNKNOWN):
        raise UnusualError(complaint)
    raise DamagedError(Reason.TRUNCATED_IMAGE if "remature" in complaint else Reason.BROKEN_IMAGE, complaint)


def _check_scans(content: bytes) -> JpegEnd:
    """The end of a JPEG that has one, and all its scans; raises DamagedError for others."""
    end = jpeg_end(content)
    if end is None:
        raise DamagedError(Reason.TRUNCATED_IMAGE, f"{len(content)} bytes of a JPEG without its end marker")
    if not end.complete:
        raise DamagedError(Reason.TRUNCATED_IMAGE, f"{len(content)} bytes of a JPEG that lacks some of its scans")
    return end


def _without_filling(picture: bytes, count: int) -> Iterator[bytes]:
    """The picture without the run of equal bytes before its end marker, if it is at least so long."""
    coded = picture.removesuffix(_END)
    filling = coded[-1:]
    kept = coded.rstrip(filling)
    if len(coded) - len(kept) >= count:
        for tail in range(_LONGEST_TAIL + 1):
            yield kept + tail * filling + _END


def padded(content: bytes) -> bytes:
    """Returns a JPEG's first picture, with a few zeros for its end marker.

    A decoder with rows left to fill then asks for more.

    In a picture of several scans the marker is what ends it, and it stays. Raises DamagedError where it has none.
    """
    end = _check_scans(content)
    picture = bare(content, end)
    return picture.removesuffix(_END) + _PADDING if end.one_scan else picture
