"""TIFFs packed by deflate: their decoder stops where it has all pixels, before the checksum that tells damage."""

import zlib
from collections.abc import Mapping
from typing import Any

from PIL import TiffImagePlugin

_DEFLATE = (8, 32946)  # Adobe's, and the older number
_PARTS = (
    (TiffImagePlugin.STRIPOFFSETS, TiffImagePlugin.STRIPBYTECOUNTS),
    (TiffImagePlugin.TILEOFFSETS, TiffImagePlugin.TILEBYTECOUNTS),
)
_AT_ONCE = 1 << 20  # bytes unpacked


def check_deflated(content: bytes, tags: Mapping[int, Any]) -> None:
    """Reads each strip or tile of a page to its end, where the Adler-32 of its bytes stands (RFC 1950).

    A stream without an end is let pass: some writers leave it out, and missing pixels are found by the decoder.

    Args:
        tags: of the page; one that is packed otherwise is not read.

    Raises:
        ValueError: a checksum is wrong, or codes are.
    """
    if tags.get(TiffImagePlugin.COMPRESSION) not in _DEFLATE:
        return
    for offsets, lengths in _PARTS:
        for offset, length in zip(tags.get(offsets, ()), tags.get(lengths, ()), strict=False):
            _check_stream(content[offset : offset + length])


def _check_stream(packed: bytes) -> None:
    stream = zlib.decompressobj()
    try:
        while packed and not stream.eof:
            stream.decompress(packed, _AT_ONCE)
            packed = stream.unconsumed_tail
    except zlib.error as error:
        raise ValueError(f"a strip of the TIFF is damaged: {error}") from error
