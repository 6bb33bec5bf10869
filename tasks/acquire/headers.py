"""What a file says of itself before a decoder is asked: where a JPEG ends, how large a WebP's canvas is."""

from collections.abc import Iterator
from dataclasses import dataclass

_SOS, _EOI = b"\xff\xda", b"\xff\xd9"
_BARE = {0x00, 0x01, *range(0xD0, 0xD8)}  # what no length follows
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_SEQUENTIAL = {0xC0, 0xC1}  # frames that Huffman codes whole, from top to bottom
_COEFFICIENTS = 64


@dataclass(frozen=True)
class JpegEnd:
    """Where the coded picture of a JPEG ends.

    `one_scan`: it is coded in one scan, from top to bottom. `complete`: its scans hold all coefficients and bits.
    """

    position: int
    one_scan: bool
    complete: bool


@dataclass(frozen=True)
class _Frame:
    """The frame header: its marker, and the identifiers of its components."""

    marker: int
    components: bytes


def jpeg_end(content: bytes) -> JpegEnd | None:
    """Returns the end marker of a JPEG's first picture (ITU-T T.81, B.1.1.3), or None where it has none.

    Thumbnails in the header have end markers too, and so may what comes after the picture: in the coded data a byte FF
    is always followed by 00 or a restart marker, so the first end marker after the first scan's header is the one.
    """
    frame, scan = _before_scans(content)
    position = content.find(_EOI, scan)
    if position < 0:
        return None
    one_scan = _has_one_scan(content, frame, scan)
    return JpegEnd(position, one_scan, one_scan or _is_complete(content, frame, scan, position))


def has_one_scan(content: bytes) -> bool:
    """Returns whether a JPEG's first picture is coded in one scan, from top to bottom.

    That it ends is not looked for.
    """
    return _has_one_scan(content, *_before_scans(content))


def jpeg_segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Yields marker, start and end of each segment of a JPEG's header; the first scan's header is the last of them."""
    offset = 2
    while offset + 4 <= len(content):
        marker = content[offset + 1]
        if content[offset] != 0xFF or marker == 0xFF:
            offset += 1
        elif marker in _BARE:
            offset += 2
        else:
            end = offset + 2 + int.from_bytes(content[offset + 2 : offset + 4])
            yield marker, offset, end
            if marker == _SOS[1]:
                return
            offset = end


def _before_scans(content: bytes) -> tuple[_Frame, int]:
    """The frame header, and where the segments before the coded data end."""
    frame = _Frame(0, b"")
    for marker, offset, _ in jpeg_segments(content):
        if marker == _SOS[1]:
            return frame, offset
        if marker in _FRAMES:  # B.2.2: precision, height, width, number of components, three bytes for each
            count = int.from_bytes(content[offset + 9 : offset + 10])
            frame = _Frame(marker, content[offset + 10 : offset + 10 + 3 * count : 3])
    return frame, len(content)


def _has_one_scan(content: bytes, frame: _Frame, scan: int) -> bool:
    return frame.marker in _SEQUENTIAL and content[scan + 4 : scan + 5] == bytes([len(frame.components)])


def _is_complete(content: bytes, frame: _Frame, scan: int, end: int) -> bool:
    """Whether the scans hold, of each component, all coefficients down to their lowest bit (G.1.1.1)."""
    missing = {(component, k) for component in frame.components for k in range(_COEFFICIENTS)}
    for components, coefficients in _final_scans(content, frame, scan, end):
        missing -= {(component, k) for component in components for k in coefficients}
    return not missing


def _final_scans(content: bytes, frame: _Frame, scan: int, end: int) -> Iterator[tuple[bytes, range]]:
    """The components and coefficients of each scan that gives their lowest bit (B.2.3)."""
    while 0 <= scan < end - 5:
        count = content[scan + 4]
        components = content[scan + 5 : scan + 5 + 2 * count : 2]
        first, last, bits = (*content[scan + 5 + 2 * count : scan + 8 + 2 * count], 0, 0, 15)[:3]
        if frame.marker in _SEQUENTIAL:
            yield components, range(_COEFFICIENTS)
        elif bits & 15 == 0:
            yield components, range(first, min(last, _COEFFICIENTS - 1) + 1)
        scan = content.find(_SOS, scan + 2, end)


def webp_canvas(content: bytes) -> tuple[int, int] | None:
    """Returns width and height that a WebP's header announces (RFC 9649, 2.5 to 2.7); None where it isn't one.

    Pillow's decoder sets memory for the whole canvas aside when it opens the file.
    """
    kind, data = content[12:16], content[20:30]
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP" or len(data) < 10:
        return None
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[4:7], "little"), 1 + int.from_bytes(data[7:10], "little")
    if kind == b"VP8 ":
        return int.from_bytes(data[6:8], "little") & 0x3FFF, int.from_bytes(data[8:10], "little") & 0x3FFF
    if kind == b"VP8L":
        bits = int.from_bytes(data[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return None
