"""The claim: what is damaged is dropped, by its pixels, and what is whole is kept, whatever is written beside them."""

import io
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.harness.result import Result
from bench.pictures.inspection import read_photographs
from tasks.acquire.inspect import Limits, Picture, inspect

_EACH, _QUICK = 50, 10  # mutants of each format and kind of damage
_PHOTOGRAPHS = 40
_SIDE = 320  # pixels, the longest
_HEADER = 0.1  # of a file, that is left as it is: tables and sizes
_OFF, _OF_A_ROW = 8, 0.1  # a row is damaged where a tenth of its pixels is off by more than this
_LIMITS = Limits(100_000_000, 1)
_LEVELS = {"2_percent": 0.02, "half_percent": 0.005}

_FORMATS: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "jpeg": ("JPEG", {"quality": 85}),
    "progressive": ("JPEG", {"quality": 85, "progressive": True}),
    "restarts": ("JPEG", {"quality": 85, "restart_marker_rows": 1}),
    "png": ("PNG", {}),
    "tiff": ("TIFF", {"compression": "tiff_deflate"}),
    "gif": ("GIF", {}),
    "webp": ("WEBP", {"quality": 85}),
    "avif": ("AVIF", {"quality": 75, "speed": 9}),
    "bmp": ("BMP", {}),
}
_Damage = Callable[[bytes, int, Random], bytes]
_DAMAGES: Mapping[str, _Damage] = {
    "cut": lambda content, offset, _: content[:offset],
    "missing": lambda content, offset, _: content[:offset] + content[offset + 512 :],
    "sector": lambda content, offset, random: content[:offset] + random.randbytes(512) + content[offset + 512 :],
    "zeros": lambda content, offset, _: content[:offset] + bytes(512) + content[offset + 512 :],
    "bytes": lambda content, offset, random: content[:offset] + random.randbytes(4) + content[offset + 4 :],
    "bit": lambda content, offset, random: (
        content[:offset] + bytes([content[offset] ^ 1 << random.randrange(8)]) + content[offset + 1 :]
    ),
}


def measure(quick: bool) -> Result:
    """Damages the coded data of whole photographs, and the side data of others, and sees what is kept of each."""
    photographs = [_shrink(content) for content in read_photographs()[:_PHOTOGRAPHS]]
    kept: dict[str, Counter[str]] = {}
    print(f"{'format':12} {'damage':8} {'mutants':>8} {'visible':>8} {'kept, > 0.5 %':>14} {'> 2 %':>6}")
    for name, (form, options) in _FORMATS.items():
        whole = [_encode(photograph, form, **options) for photograph in photographs]
        for damage, change in _DAMAGES.items():
            kept[f"{name}_{damage}"] = seen = _damaged(whole, change, _QUICK if quick else _EACH)
            counts = (seen["mutants"], seen["visible"], seen["half_percent"], seen["2_percent"])
            print(f"{name:12} {damage:8} {counts[0]:8} {counts[1]:8} {counts[2]:14} {counts[3]:6}", flush=True)
    wholes = list(_with_odd_side_data(photographs))
    dropped = [f"{name}: {found}" for name, found in wholes if not isinstance(found, Picture)]
    print(*dropped, sep="\n")
    figures = {"whole": len(wholes), "whole_dropped": len(dropped)}
    figures |= {
        f"kept_{damage}_over_{level}": sum(kept[f"{name}_{damage}"][level] for name in _FORMATS if name != "bmp")
        for damage in _DAMAGES
        for level in _LEVELS
    }
    return Result(figures, {"whole_dropped": ("==", 0), "kept_cut_over_2_percent": ("==", 0)})


def _damaged(whole: list[bytes], change: _Damage, count: int) -> Counter[str]:
    """How many mutants there were, how many show it, and of those that were kept how many have that many bad rows."""
    seen = Counter[str]()
    for number in range(count):
        random = Random(number)
        content = random.choice(whole)
        mutant = change(content, random.randrange(int(_HEADER * len(content)), len(content) - 1), random)
        share = _share_of_bad_rows(_grey(content), _grey(mutant))
        is_kept = isinstance(inspect(mutant, _LIMITS), Picture)
        seen.update(mutants=1, visible=share > 0)
        seen.update({level: is_kept and share > least for level, least in _LEVELS.items()})
    return seen


def _share_of_bad_rows(clean: NDArray[np.uint8] | None, found: NDArray[np.uint8] | None) -> float:
    if clean is None or found is None or clean.shape != found.shape:
        return 1.0
    return float(((cv2.absdiff(clean, found) > _OFF).mean(axis=1) > _OF_A_ROW).mean())


def _grey(content: bytes) -> NDArray[np.uint8] | None:
    """By OpenCV: another reader than ours. None where it finds no picture."""
    found = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
    return None if found is None else found.astype(np.uint8)


def _with_odd_side_data(photographs: list[Image.Image]) -> Iterator[tuple[str, object]]:
    """What comes of whole pictures with side data of all kinds, damaged, cut, or large."""
    for number, photograph in enumerate(photographs):
        random = Random(number)
        odd = [random.randbytes(random.choice((0, 3, 12, 400, 20_000))) for _ in range(3)]
        for name in ("jpeg", "progressive", "restarts"):
            content = _encode(photograph, "JPEG", **_FORMATS[name][1])
            for marker, start in _SEGMENTS:
                data = start + random.choice(odd)
                segment = bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data
                yield f"{name} with segment {marker:X} {start!r}", inspect(content[:2] + segment + content[2:], _LIMITS)
            filled = content[:-2] + random.choice((b"\0", b"\xff", b"\x20")) * random.randrange(1, 999) + content[-2:]
            yield f"{name} with filling before its end", inspect(filled, _LIMITS)
            yield f"{name} with more behind its end", inspect(content + random.choice(odd), _LIMITS)
        content = _encode(photograph, "PNG")
        for offset in (33, len(content) - 12):
            for kind in _CHUNKS:
                data, damage = random.choice(odd), random.choice((0, 1))
                chunk = struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data) ^ damage)
                yield f"png with {kind!r} at {offset}", inspect(content[:offset] + chunk + content[offset:], _LIMITS)


_SEGMENTS = [
    *((marker, b"") for marker in (*range(0xE0, 0xF0), 0xFE)),
    *((0xE1, start) for start in (b"Exif\0\0", b"Exif\0\0II*\0\x08\0\0\0", b"http://ns.adobe.com/xap/1.0/\0")),
    *((0xE2, start) for start in (b"ICC_PROFILE\0", b"ICC_PROFILE\0\1\1", b"MPF\0", b"MPF\0II*\0\x08\0\0\0")),
    *((0xED, start) for start in (b"Photoshop 3.0\0", b"Photoshop 3.0\x008BIM", b"Photoshop 3.0\x008BIM\x04\x04")),
]
_CHUNKS = (b"iCCP", b"iTXt", b"zTXt", b"tEXt", b"eXIf", b"gAMA", b"cHRM", b"sRGB", b"pHYs", b"acTL", b"tIME", b"prVt")


def _shrink(content: bytes) -> Image.Image:
    with Image.open(io.BytesIO(content)) as image:
        image.thumbnail((_SIDE, _SIDE))
        return image.convert("RGB")


def _encode(image: Image.Image, form: str, **options: object) -> bytes:
    sink = io.BytesIO()
    image.save(sink, form, **options)
    return sink.getvalue()
