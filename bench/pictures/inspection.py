"""The claim: knowing a picture costs little more than decoding it, in a child process too, and no second copy of it."""

import hashlib
import io
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import psutil
from PIL import Image

from bench.harness.result import Result
from bench.harness.surroundings import SHARED_DATA, demo_photos
from tasks.acquire.credits import credit
from tasks.acquire.decode import open_picture
from tasks.acquire.fingerprint import fingerprint
from tasks.acquire.headers import jpeg_end
from tasks.acquire.inspect import inspect
from tasks.acquire.inspectors import Inspectors
from tasks.acquire.settings import AcquireSettings

_PHOTOGRAPHS, _ROUNDS = 100, 7
_SIDE = 9_900  # of the largest pictures, just below `max_pixels`


def measure(quick: bool) -> Result:
    """CPU milliseconds of a photograph, part by part, and what decoding the largest pictures adds to a child."""
    contents = read_photographs()
    decoded = [_decode(content) for content in contents]
    settings = AcquireSettings()
    rounds = 2 if quick else _ROUNDS
    parts: dict[str, Callable[[], object]] = {
        "decode_ms": lambda: [_decode(content) for content in contents],
        "inspect_ms": lambda: [inspect(content, settings) for content in contents],
        "sha256_ms": lambda: [hashlib.sha256(content).hexdigest() for content in contents],
        "md5_ms": lambda: [hashlib.md5(content, usedforsecurity=False).hexdigest() for content in contents],
        "end_marker_ms": lambda: [jpeg_end(content) for content in contents],
        "fingerprint_ms": lambda: [fingerprint(image, 1) for image in decoded],
        "credits_ms": lambda: [(credit(image, "licence"), credit(image, "author")) for image in decoded],
    }
    figures: dict[str, float | None] = {
        "photographs": len(contents),
        "mean_kb": sum(map(len, contents)) / len(contents) / 1e3,
        "mean_megapixels": sum(image.width * image.height for image in decoded) / len(decoded) / 1e6,
    }
    figures |= {name: _cpu_milliseconds(part, rounds, len(contents)) for name, part in parts.items()}
    with Inspectors(settings, 1) as inspectors:
        inspectors.inspect(contents[0])
        [child] = psutil.Process().children()
        figures["child_start_ms"] = 1e3 * sum(child.cpu_times()[:2])
        figures["child_mb"] = child.memory_info().rss / 1e6
        run = partial(_inspect_all, inspectors, contents, rounds)
        figures["child_ms"], figures["parent_ms"] = _cpu_of_both(child, run, rounds * len(contents))
    largest = {name: _growth(content) for name, content in ([] if quick else _largest())}
    figures |= {f"grown_bytes_per_pixel_{name}": grown for name, grown in largest.items()}
    return Result(figures, {name: ("<=", 4.3) for name in figures if name.startswith("grown")})


def read_photographs() -> list[bytes]:
    """Photographs that an image search gave, as they came; else those of the demo."""
    found = sorted((SHARED_DATA / "landmarks").glob("*/*.jpg")) or sorted(demo_photos().glob("*.jpg"))
    return [path.read_bytes() for path in found[:: max(1, len(found) // _PHOTOGRAPHS)]]


def _decode(content: bytes) -> Image.Image:
    image = open_picture(content)
    image.load()
    return image


def _cpu_milliseconds(part: Callable[[], object], rounds: int, count: int) -> float:
    """Of the fastest round, for one of `count`: what else runs on the machine only adds."""
    taken = []
    for _ in range(rounds):
        started = time.process_time()
        part()
        taken.append(time.process_time() - started)
    return 1e3 * min(taken) / count


def _inspect_all(inspectors: Inspectors, contents: Sequence[bytes], rounds: int) -> None:
    for _ in range(rounds):
        for content in contents:
            inspectors.inspect(content)


def _cpu_of_both(child: psutil.Process, run: Callable[[], object], count: int) -> tuple[float, float]:
    """CPU milliseconds of the child and of this process for one of `count`."""
    theirs, ours = sum(child.cpu_times()[:2]), time.process_time()
    run()
    return 1e3 * (sum(child.cpu_times()[:2]) - theirs) / count, 1e3 * (time.process_time() - ours) / count


def _largest() -> list[tuple[str, bytes]]:
    """Synthetic pictures of nearly as many pixels as are accepted."""
    noise = Image.effect_noise((64, 64), 60).convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.NEAREST)
    alpha = noise.copy()
    alpha.putalpha(noise.convert("L"))
    ways = [(noise, "JPEG"), (noise, "PNG"), (alpha, "PNG"), (noise, "GIF"), (noise, "TIFF")]
    return [(f"{name.lower()}_{image.mode.lower()}", _encode(image, name)) for image, name in ways]


def _encode(image: Image.Image, name: str) -> bytes:
    sink = io.BytesIO()
    image.save(sink, name, **({"compress_level": 1} if name == "PNG" else {"compression": "tiff_lzw"}))
    return sink.getvalue()


def _growth(content: bytes) -> float:
    """The memory that a child takes for a picture beside its own and the file's, in bytes a pixel."""
    with Inspectors(AcquireSettings(max_bytes=400_000_000), 1) as inspectors:
        inspectors.inspect(b"")
        [child] = psutil.Process().children()
        before, found = child.memory_info().rss, inspectors.inspect(content)
        assert not hasattr(found, "reason"), found
        status = Path(f"/proc/{child.pid}/status").read_text()
    peak = 1024 * int(status.partition("VmHWM:")[2].split()[0])
    return float(peak - before - 2 * len(content)) / _SIDE**2
