"""The claim: whatever a file holds, its inspection ends in facts or a reason, in time, and within its memory."""

import io
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np
import psutil
from PIL import Image

from bench.harness.result import Result
from storage.reasons import Reason
from tasks.acquire.decode import decode
from tasks.acquire.inspect import Picture
from tasks.acquire.inspectors import Inspectors
from tasks.acquire.settings import AcquireSettings
from tasks.isolated import Isolated

_INPUTS, _QUICK = 100_000, 4_000
_SETTINGS = AcquireSettings(max_pixels=4_000_000, max_bytes=1_000_000)
_EXTREMES = (0, 1, 2, 127, 128, 255, 256, 32_767, 32_768, 65_535, 65_536, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
_HEADER = 400  # bytes in which most of a format's fields lie


@dataclass
class Seen:
    """What came of the inputs."""

    reasons: Counter[str] = field(default_factory=Counter)
    escaped: list[str] = field(default_factory=list)
    unreadable: int = 0
    slowest: float = 0.0
    peak: int = 0


def measure(quick: bool) -> Result:
    """Inspects mutated images of all formats, each from its number alone, and reads what was accepted again."""
    seen, originals, started = Seen(), make_originals(), time.monotonic()
    inputs = _QUICK if quick else _INPUTS
    with Inspectors(_SETTINGS, 1) as inspectors, Isolated(_SETTINGS.inspect_timeout) as reader:
        inspectors.inspect(originals[0])
        before = _peak_of_children()
        for number in range(inputs):
            _try_one(mutate(originals, number), number, seen, inspectors, reader)
            if number % 100 == 99:  # a child's peak is gone with the child
                seen.peak = max(seen.peak, _peak_of_children())
            if number % 10_000 == 9_999:
                print(f"{number + 1:,} after {time.monotonic() - started:.0f} s: {_told(seen)}", flush=True)
    print(*seen.escaped, sep="\n")
    print(_told(seen))
    figures = {
        "inputs": inputs,
        "originals": len(originals),
        "accepted": seen.reasons["accepted"],
        "escaped": len(seen.escaped),
        "accepted_unreadable": seen.unreadable,
        "crashed": seen.reasons[Reason.CRASHED_DECODER],
        "hung": seen.reasons[Reason.HUNG_DECODER],
        "slowest_seconds": seen.slowest,
        "child_grew_mb": (seen.peak - before) / 1e6,
    }
    room = 2 * _SETTINGS.max_bytes + 4 * _SETTINGS.max_pixels + 64_000_000
    return Result(
        figures,
        {
            "escaped": ("==", 0),
            "accepted_unreadable": ("==", 0),
            "hung": ("==", 0),
            "child_grew_mb": ("<=", room / 1e6),
        },
    )


def _try_one(content: bytes, number: int, seen: Seen, inspectors: Inspectors, reader: Isolated) -> None:
    clock = time.monotonic()
    try:
        found = inspectors.inspect(content)
    except Exception as error:
        seen.escaped.append(f"input {number}: {type(error).__name__}: {error}")
        return
    seen.slowest = max(seen.slowest, time.monotonic() - clock)
    seen.reasons["accepted" if isinstance(found, Picture) else str(found.reason)] += 1
    if isinstance(found, Picture):
        try:
            seen.unreadable += reader.call(shape_of, content) != (found.height, found.width, 3)
        except Exception as error:
            seen.unreadable += 1
            print(f"input {number}: accepted, and then {type(error).__name__}: {error}")


def shape_of(content: bytes) -> tuple[int, ...]:
    """The shape of the pixels that later stages read."""
    return decode(content).shape


def _told(seen: Seen) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in seen.reasons.most_common())


def _peak_of_children() -> int:
    """The most resident memory that any child of this process has had, in bytes."""
    status = [Path(f"/proc/{child.pid}/status").read_text() for child in psutil.Process().children()]
    return max((1024 * int(text.partition("VmHWM:")[2].split()[0]) for text in status), default=0)


def mutate(originals: Sequence[bytes], number: int) -> bytes:
    """The mutated image of this number: one of the originals after one to four mutations."""
    random = Random(number)
    content = bytearray(random.choice(originals))
    for _ in range(random.choice((1, 1, 1, 2, 3, 4))):
        content = random.choice(_MUTATIONS)(content, originals, random)
    return bytes(content)


def _flip_bytes(content: bytearray, _: Sequence[bytes], random: Random) -> bytearray:
    for _number in range(random.choice((1, 2, 8, 32))):
        content[random.randrange(len(content))] = random.randrange(256)
    return content


def _flip_bit(content: bytearray, _: Sequence[bytes], random: Random) -> bytearray:
    content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    return content


def _edit_field(content: bytearray, _: Sequence[bytes], random: Random) -> bytearray:
    """A whole number of the header becomes an extreme one."""
    size = random.choice((1, 2, 2, 4, 4))
    position = random.randrange(max(1, min(len(content), _HEADER) - size + 1))
    value = random.choice(_EXTREMES) % 256**size
    content[position : position + size] = value.to_bytes(size, random.choice(("big", "little")))
    return content


def _truncate(content: bytearray, _: Sequence[bytes], random: Random) -> bytearray:
    return content[: random.randrange(1, len(content) + 1)]


def _splice(content: bytearray, originals: Sequence[bytes], random: Random) -> bytearray:
    """The beginning of one image and the end of another."""
    other = random.choice(originals)
    return content[: random.randrange(1, len(content) + 1)] + other[random.randrange(len(other)) :]


def _duplicate(content: bytearray, _: Sequence[bytes], random: Random) -> bytearray:
    """A part stands once more somewhere, up to a hundred times."""
    start, position = random.randrange(len(content)), random.randrange(len(content))
    part = content[start : start + random.choice((4, 12, 64, 400, 2000))]
    return content[:position] + part * random.choice((1, 1, 2, 100)) + content[position:]


def _remove(content: bytearray, _: Sequence[bytes], random: Random) -> bytearray:
    start = random.randrange(len(content))
    left = content[:start] + content[start + random.choice((1, 4, 12, 200)) :]
    return left or content


_MUTATIONS: tuple[Callable[[bytearray, Sequence[bytes], Random], bytearray], ...] = (
    _flip_bytes,
    _flip_bit,
    _edit_field,
    _edit_field,
    _truncate,
    _splice,
    _duplicate,
    _remove,
)


def make_originals() -> list[bytes]:
    """Small synthetic pictures in every format, mode and way of coding that Pillow writes."""
    return [_encode(image, name, **options) for image, name, options in _recipes()]


def _recipes() -> Iterator[tuple[Image.Image, str, dict[str, object]]]:
    patches = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    rgb = Image.fromarray(patches).resize((112, 88), Image.Resampling.BICUBIC)
    clear = rgb.copy()
    clear.putalpha(rgb.convert("L"))
    deep = Image.fromarray(np.asarray(rgb.convert("L")).astype(np.uint16) * 200)
    exif = Image.Exif()
    exif[0x0112], exif[0x8298], exif[0x013B] = 6, "CC BY 4.0", "Ann"
    xmp = b"<rdf:RDF><dc:rights><rdf:Alt><rdf:li>CC0</rdf:li></rdf:Alt></dc:rights></rdf:RDF>"
    yield rgb, "JPEG", {}
    yield rgb, "JPEG", {"progressive": True, "exif": exif, "xmp": xmp}
    yield rgb, "JPEG", {"restart_marker_rows": 1, "subsampling": 0, "comment": b"hello"}
    yield rgb.convert("L"), "JPEG", {}
    yield rgb.convert("CMYK"), "JPEG", {}
    yield rgb, "MPO", _frames(rgb)
    for image in (rgb, clear, rgb.convert("P"), rgb.convert("1"), rgb.convert("LA"), deep):
        yield image, "PNG", {"exif": exif}
    yield rgb.convert("P"), "PNG", {"transparency": bytes(range(256))}
    yield rgb, "PNG", _frames(rgb)
    yield rgb, "GIF", {}
    yield rgb, "GIF", {"interlace": 1, "transparency": 3}
    yield rgb, "GIF", _frames(rgb)
    for image in (rgb, clear):
        yield image, "WEBP", {"exif": exif, "xmp": xmp}
        yield image, "WEBP", {"lossless": True}
        yield image, "WEBP", _frames(rgb)
        yield image, "AVIF", {"exif": exif}
    yield rgb, "AVIF", _frames(rgb)
    for compression in ("raw", "tiff_lzw", "tiff_deflate", "jpeg", "packbits", "zstd", "lzma"):
        yield rgb, "TIFF", {"compression": compression, "exif": exif}
    for image in (
        clear,
        deep,
        rgb.convert("1"),
        rgb.convert("CMYK"),
        rgb.convert("F"),
        Image.merge("LAB", rgb.split()),
    ):
        yield image, "TIFF", {"compression": "tiff_lzw"}
    yield rgb.convert("1"), "TIFF", {"compression": "group4"}
    yield rgb, "TIFF", _frames(rgb)
    for image in (rgb, rgb.convert("P"), rgb.convert("1"), clear):
        yield image, "BMP", {}


def _frames(image: Image.Image) -> dict[str, object]:
    return {"save_all": True, "append_images": [image.rotate(180), image.rotate(90)]}


def _encode(image: Image.Image, name: str, **options: object) -> bytes:
    sink = io.BytesIO()
    image.copy().save(sink, name, **options)  # Pillow leaves in an image how it was last encoded
    return sink.getvalue()
