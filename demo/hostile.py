"""Files that show nothing: what dead, careless and hostile hosts send under a picture's name."""

import struct
import zlib

import cv2
import numpy as np

from demo.views import encode


def _placeholder() -> bytes:
    """The same "photo unavailable" picture that a dead photo host sends for everything."""
    picture = np.full((375, 500, 3), 238, np.uint8)
    cv2.rectangle(picture, (170, 90), (330, 200), (170, 170, 170), 3)
    cv2.line(picture, (170, 90), (330, 200), (170, 170, 170), 3)
    for text, y in (("This photo is", 260), ("no longer available", 300)):
        cv2.putText(picture, text, (110, y), cv2.FONT_HERSHEY_SIMPLEX, 0.95, (110, 110, 110), 2, cv2.LINE_AA)
    return encode(picture, 85)


def _tiny() -> bytes:
    """The 1×1 picture that trackers and dead hosts send."""
    return encode(np.full((1, 1, 3), 255, np.uint8), 85)


def _garbage() -> bytes:
    """A JPEG's first bytes, then noise."""
    return b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + np.random.default_rng(0).bytes(20_000)


def _bomb() -> bytes:
    """A valid PNG of 20,000 × 20,000 one-bit pixels: 50 KB on the way, 400 million pixels when decoded."""
    side = 20_000
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    body = zlib.compress(b"\0" * ((1 + side // 8) * side), 9)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", body) + png_chunk(b"IEND", b"")


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# File name → what makes its bytes.
MADE = {"placeholder": _placeholder, "tiny": _tiny, "garbage": _garbage, "bomb": _bomb}
