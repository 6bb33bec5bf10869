"""Files that are no plain photograph: bombs whose header promises more than anyone can decode, and odd ones."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

from demo.hostile import png_chunk

_SIDE = 50_000
"""Width and height that bombs announce: 2.5 gigapixels."""


def photograph(format_name: str = "JPEG", mode: str = "RGB", seed: int = 0, **options: Any) -> bytes:
    """A picture of coarse random patches, 96 × 80, in a format and mode of Pillow's names; it is synthetic."""
    sink = io.BytesIO()
    _patches(seed).convert(mode).save(sink, format_name, **options)
    return sink.getvalue()


def _patches(seed: int) -> Image.Image:
    patches = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(patches).resize((96, 80))


def flat() -> bytes:
    """One colour all over."""
    return _encoded(Image.new("RGB", (96, 80), (238, 238, 238)), "JPEG")


def deep_grey() -> bytes:
    """PNG of 16 bits a pixel."""
    values = np.random.default_rng(1).integers(0, 65536, (80, 96), dtype=np.uint16)
    return _encoded(Image.fromarray(values), "PNG")


def animation(frames: int, format_name: str = "GIF") -> bytes:
    """Many frames, each of another picture."""
    pictures = [_patches(seed) for seed in range(frames)]
    return _encoded(pictures[0], format_name, save_all=True, append_images=pictures[1:])


def bad_exif() -> bytes:
    """A JPEG whose EXIF block points outside itself and names types that do not exist."""
    nonsense = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" * 40
    plain = photograph()
    return plain[:2] + b"\xff\xe1" + struct.pack(">H", len(nonsense) + 2) + nonsense + plain[2:]


def with_archive() -> bytes:
    """A JPEG with a ZIP archive after its end, as files look that are two things at once."""
    return photograph() + b"PK\x03\x04" + bytes(2000)


def packed_zeros(block: int, times: int) -> bytes:
    """zlib's packing of `block` × `times` zeros, made by packing one block: for 10 MB and 100, a gigabyte in 1 MB."""
    packer = zlib.compressobj(9, wbits=-15)
    packed = packer.compress(bytes(block)) + packer.flush(zlib.Z_FULL_FLUSH)  # which any number may follow
    checksum = (block * times % 65521) << 16 | 1
    return b"\x78\xda" + packed * times + b"\x03\0" + struct.pack(">I", checksum)


def png_bomb() -> bytes:
    """A valid PNG of one-bit pixels: 300 KB on the way, 2.5 gigapixels when decoded."""
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 1, 0, 0, 0, 0)
    body = packed_zeros(1000 * (1 + _SIDE // 8), _SIDE // 1000)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", body) + png_chunk(b"IEND", b"")


def png_text_bomb() -> bytes:
    """A small picture with a compressed comment: 700 KB on the way, 700 MB when unpacked."""
    plain = photograph("PNG")
    return plain[:33] + png_chunk(b"zTXt", b"Comment\0\0" + packed_zeros(10_000_000, 70)) + plain[33:]


def gif_bomb() -> bytes:
    """A GIF that announces the largest screen there is."""
    screen = struct.pack("<HHBBB", 65535, 65535, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"," + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0) + b"\x02\x02\x4c\x01\0"
    return b"GIF89a" + screen + frame + b";"


def tiff_bomb() -> bytes:
    """A TIFF of 2.5 gigapixels, all in one strip of which a few bytes are there."""
    tags = [
        (256, 4, _SIDE), (257, 4, _SIDE), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1),
        (278, 4, _SIDE), (279, 4, 100),
    ]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + entries + bytes(104)


def webp_bomb() -> bytes:
    """A lossless WebP that announces the largest picture there is: 268 megapixels."""
    header = b"\x2f" + struct.pack("<I", 16383 | 16383 << 14) + bytes(20)
    chunk = b"VP8L" + struct.pack("<I", len(header)) + header + bytes(len(header) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def bmp_bomb() -> bytes:
    """A BMP of 2.5 gigapixels, run-length encoded."""
    header = struct.pack("<IiiHHIIiiII", 40, _SIDE, _SIDE, 1, 8, 1, 8, 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 1086, 0, 0, 1078) + header + bytes(1024) + b"\xff\0\0\x01" + bytes(4)


def jpeg_bomb() -> bytes:
    """A JPEG whose header announces 65,500 × 65,500 pixels."""
    plain = photograph()
    start = plain.index(b"\xff\xc0") + 5
    return plain[:start] + struct.pack(">HH", 65500, 65500) + plain[start + 4 :]


def empty_gif() -> bytes:
    """A GIF of no width and no height."""
    plain = photograph("GIF")
    frame = plain.index(b",", 13 + 3 * 2 ** ((plain[10] & 7) + 1))
    return plain[:6] + bytes(4) + plain[10 : frame + 5] + bytes(4) + plain[frame + 9 :]


def _encoded(picture: Image.Image, format_name: str, **options: Any) -> bytes:
    sink = io.BytesIO()
    picture.save(sink, format_name, **options)
    return sink.getvalue()
