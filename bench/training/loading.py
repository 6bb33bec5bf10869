"""The claim: photographs come to a network faster than by torchvision's ImageFolder and a DataLoader.

The same files at the same longest sides by as many workers, in alternating turns; of each way the fastest turn counts,
since what else the machine does only adds. ImageFolder gives its pictures once as bytes, as Cairn does, and once by
ToTensor as the usual recipe has it, in float32.
"""

import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter

from PIL import Image
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import Compose, InterpolationMode, PILToTensor, Resize, ToTensor

from bench.harness.result import Result
from bench.pictures.inspection import read_photographs
from tasks.train.loading import Asked, load_pictures

_SIDES, _QUICK_SIDES = (224, 288, 448, 800), (288,)
_WORKERS, _AHEAD = 2, 4
_ROUNDS, _QUICK_ROUNDS = 5, 2
_LEAST = 1.3  # times as many images a second as ImageFolder gives in the usual recipe


def measure(quick: bool) -> Result:
    """Images a second of three ways at each size."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = _write(folder, read_photographs()[:: 4 if quick else 1])
        figures: dict[str, float | None] = {"photographs": len(paths), "workers": _WORKERS}
        for side in _QUICK_SIDES if quick else _SIDES:
            figures |= _speeds(folder, paths, side, _QUICK_ROUNDS if quick else _ROUNDS)
    return Result(figures, {name: (">=", _LEAST) for name in figures if name.startswith("ratio")})


def _write(folder: Path, contents: Sequence[bytes]) -> list[Path]:
    """The photographs as files of one class, as ImageFolder wants them."""
    (folder / "class").mkdir()
    paths = [folder / "class" / f"{number:04d}.jpg" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


def _speeds(folder: Path, paths: Sequence[Path], side: int, rounds: int) -> dict[str, float | None]:
    asked = [Asked(str(path), side) for path in paths]
    resize = _LongestSide(side)
    ways: dict[str, Callable[[], Iterable[object]]] = {
        "cairn": partial(load_pictures, _read, asked, _WORKERS),
        "folder_bytes": partial(_loader, ImageFolder(folder, Compose([resize, PILToTensor()]))),
        "folder_float": partial(_loader, ImageFolder(folder, Compose([resize, ToTensor()]))),
    }
    taken = {name: list[float]() for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            started = perf_counter()
            assert sum(1 for _ in way()) == len(paths)
            taken[name].append(perf_counter() - started)
    speeds = {name: len(paths) / min(own) for name, own in taken.items()}
    print(side, {name: round(speed, 1) for name, speed in speeds.items()}, flush=True)
    return {
        **{f"{name}_{side}": speed for name, speed in speeds.items()},
        f"ratio_bytes_{side}": speeds["cairn"] / speeds["folder_bytes"],
        f"ratio_float_{side}": speeds["cairn"] / speeds["folder_float"],
    }


class _LongestSide:
    """torchvision's Resize knows shorter sides; this one asks it for that which the longest comes to."""

    def __init__(self, side: int) -> None:
        self._side = side

    def __call__(self, image: Image.Image) -> Image.Image:
        scale = self._side / max(image.size)
        height, width = round(image.height * scale), round(image.width * scale)
        resized: Image.Image = Resize((height, width), InterpolationMode.BICUBIC)(image)
        return resized


def _loader(pictures: ImageFolder) -> DataLoader[object]:
    return DataLoader(pictures, batch_size=None, num_workers=_WORKERS, prefetch_factor=_AHEAD)


def _read(path: str) -> bytes:
    return Path(path).read_bytes()
