"""JPEGs without their side data, which hold no pixel, but stop readers or make them complain where they are damaged."""

from collections.abc import Collection, Iterator

from tasks.acquire.headers import JpegEnd, jpeg_segments

SIGNATURE = b"\xff\xd8\xff"

_SOS, _APP0, _APP1, _APP14 = 0xDA, 0xE0, 0xE1, 0xEE
_SIDE = {*range(0xE0, 0xF0), 0xFE}  # APPn and comments
_JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
_TRANSFORM = 15  # where Adobe's segment says it, from its marker on
_TRANSFORMS = (b"\0", b"\1", b"\2")
_ALL_COEFFICIENTS = bytes((0, 63, 0))  # as the header of a sequential scan has it


def with_less(content: bytes) -> Iterator[bytes]:
    """Yields a JPEG without the side data that nobody here asks for, and then without EXIF and XMP, too."""
    for kept in ({_APP1, _APP14}, {_APP14}):
        head, scan = _head(content, kept)
        yield head + content[scan:]


def bare(content: bytes, end: JpegEnd) -> bytes:
    """Returns a JPEG's first picture as its pixels need it: what a decoder complains of then is damage to them.

    What it would complain of and pass over is left out or set right: an unknown version of JFIF or transform of
    Adobe's, bytes between segments, a scan of all coefficients that says it holds a part of them.
    """
    head, scan = _head(content, {_APP14})
    coded = content[scan : end.position + 2]
    if end.one_scan:
        said = 5 + 2 * coded[4]
        coded = coded[:said] + _ALL_COEFFICIENTS + coded[said + 3 :]
    return head + coded


def _head(content: bytes, kept: Collection[int]) -> tuple[bytes, int]:
    """The header with these segments of its side data alone, and where the first scan begins.

    Its JFIF segment, which tells the colours, is put in its shortest form.
    """
    parts = [SIGNATURE[:2]]
    for marker, start, end in jpeg_segments(content):
        segment = content[start:end]
        if marker == _SOS:
            return b"".join(parts), start
        if marker == _APP0 and segment[4:9] == b"JFIF\0":
            parts.append(_JFIF)
        elif marker == _APP14 and segment[_TRANSFORM : _TRANSFORM + 1] not in _TRANSFORMS:
            continue
        elif marker not in _SIDE or marker in kept:
            parts.append(segment)
    return b"".join(parts), len(content)
