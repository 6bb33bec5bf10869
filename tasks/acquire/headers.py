"""What a file says of itself before a decoder is asked: where a JPEG ends, how large a WebP's canvas is."""

from dataclasses import dataclass

_SOS, _EOI = 0xDA, b"\xff\xd9"
_BARE = {0x00, 0x01, *range(0xD0, 0xD8)}  # what no length follows
_SEQUENTIAL = {0xC0, 0xC1}  # frames that Huffman codes row by row
_PADDING = bytes(16)


@dataclass(frozen=True)
class JpegEnd:
    """Where the coded picture of a JPEG ends. `sequential`: it is coded in one scan, from top to bottom."""

    position: int
    sequential: bool


def jpeg_end(content: bytes) -> JpegEnd | None:
    """The end marker of a JPEG's first picture (ITU-T T.81, B.1.1.3), or None where it has none.

    Thumbnails in the header have end markers too, and so may what comes after the picture: in the coded data a byte FF
    is always followed by 00 or a restart marker, so the first end marker after the first scan's header is the one.
    """
    scan, sequential = _first_scan(content)
    position = content.find(_EOI, scan)
    return JpegEnd(position, sequential) if position >= 0 else None


def without_end(content: bytes, end: JpegEnd) -> bytes:
    """The same JPEG with a few zeros for its end marker: a decoder that has rows left to fill then asks for more.

    (With the marker there, libjpeg fills what is missing with grey and only warns.) In a picture of several scans the
    marker is what ends it, and it stays.
    """
    return content[: end.position] + _PADDING if end.sequential else content


def _first_scan(content: bytes) -> tuple[int, bool]:
    """Where the segments before the coded data end, and whether they announce a single sequential scan."""
    place, components = 2, None
    while place + 4 <= len(content):
        marker = content[place + 1]
        if content[place] != 0xFF or marker == 0xFF:
            place += 1
        elif marker in _BARE:
            place += 2
        elif marker == _SOS:
            return place, content[place + 4 : place + 5] == components
        else:
            if marker in _SEQUENTIAL:
                components = content[place + 9 : place + 10]
            place += 2 + int.from_bytes(content[place + 2 : place + 4])
    return len(content), False


def webp_canvas(content: bytes) -> tuple[int, int] | None:
    """Width and height that a WebP's header announces (RFC 9649, 2.5 to 2.7); None where it isn't one.

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
