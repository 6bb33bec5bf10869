"""PNGs without the side data that nobody here asks for: damaged or large, they would stop Pillow."""

import contextlib
import zlib
from collections.abc import Iterator
from typing import NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LONGEST_TEXT = 8_000_000
"""Bytes of a text that is read; a longer one says nothing."""

_UNFOLDED = 64_000_000  # bytes that all side data may come to, their packing undone
_STEP = 1_000_000
_AROUND = 12  # bytes of a chunk beside its data
_SIDE = 0x20  # a bit of the first letter of a chunk's kind (ISO 15948, 5.4)
_SHORTEST_CLEAR = {0: 2, 2: 6}  # bytes of the transparent colour, by the type of colour: grey, RGB
_READ_TEXTS = (b"XML:com.adobe.xmp\0", b"Raw profile type exif\0")


class _Chunk(NamedTuple):
    """`whole` is the chunk with its length, kind and checksum, `intact` that the checksum is right."""

    kind: bytes
    whole: memoryview
    intact: bool
    cut: bool

    @property
    def data(self) -> bytes:
        return bytes(self.whole[8:-4])

    @property
    def is_side(self) -> bool:
        """Whether the pixels can be read without it."""
        return bool(self.kind[0] & _SIDE)


def bare(content: bytes) -> bytes:
    """Returns a PNG's chunks that say what its pixels are, which way is up, and who made it.

    Side data that are cut off or have a wrong checksum say nothing. Raises ValueError where the checksum of coded
    pixels is wrong; and where side data unfold to more than 64 MB: no pixel hangs on them, but others' readers might.
    """
    kept: list[bytes | memoryview] = [SIGNATURE]
    header, described, unfolded = bytes(13), False, 0
    for chunk in _chunks(content):
        if chunk.is_side:
            size = _unfolded_size(chunk)
            unfolded += size
            if unfolded > _UNFOLDED:
                raise ValueError(f"its texts and profiles unfold to more than {_UNFOLDED // 10**6} MB")
            if not chunk.intact or size > LONGEST_TEXT or not _is_read(chunk, header, described):
                continue
        elif chunk.kind == b"IDAT" and not (chunk.intact or chunk.cut):
            raise ValueError("the checksum of its coded pixels is wrong")
        elif chunk.kind == b"IHDR":
            header = chunk.data.ljust(13, b"\0")
        described = described or chunk.kind in (b"fcTL", b"IDAT")
        kept.append(chunk.whole)
    return b"".join(kept)


def _chunks(content: bytes) -> Iterator[_Chunk]:
    """The chunks up to the picture's end; side data that are cut off are left out."""
    view, offset, kind = memoryview(content), len(SIGNATURE), b""
    while offset + _AROUND <= len(content) and kind != b"IEND":
        kind = content[offset + 4 : offset + 8]
        end = offset + _AROUND + int.from_bytes(content[offset : offset + 4])
        whole, cut = view[offset:end], end > len(content)
        chunk = _Chunk(kind, whole, zlib.crc32(whole[4:-4]) == int.from_bytes(whole[-4:]), cut)
        if not (cut and chunk.is_side):
            yield chunk
        offset = end


def _is_read(chunk: _Chunk, header: bytes, described: bool) -> bool:
    """Whether someone here asks for these side data, in a form that Pillow reads.

    Of the frames of an animation the first is `described`, where it is the picture itself; there all others are left
    out.
    """
    kind, data = chunk.kind, chunk.data
    if kind == b"tRNS":
        return len(data) >= _SHORTEST_CLEAR.get(header[9], 0)
    if kind == b"fcTL":
        return not described and len(data) == 26 and data[:20] == bytes(4) + header[:8] + bytes(8)
    if kind == b"zTXt" and data.partition(b"\0")[2][:1] != b"\0":
        return False
    return kind == b"eXIf" or (kind == b"acTL" and len(data) == 8) or data.startswith(_READ_TEXTS)


def _unfolded_size(chunk: _Chunk) -> int:
    """How long side data are without their packing; counted no further than they may be."""
    data = chunk.data
    rest = data.partition(b"\0")[2]
    if chunk.kind in (b"iCCP", b"zTXt"):
        packed = rest[1:]
    elif chunk.kind == b"iTXt" and rest[:1] == b"\1":
        packed = rest[2:].split(b"\0", 2)[-1]
    else:
        return len(data)
    inflater, size = zlib.decompressobj(), 0
    with contextlib.suppress(zlib.error):
        while packed and size <= _UNFOLDED:
            size += len(inflater.decompress(packed, _STEP))
            packed = inflater.unconsumed_tail
    return size
