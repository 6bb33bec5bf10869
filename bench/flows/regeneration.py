"""The claim: a list that hardly changed costs hardly anything to curate again.

Photographs of landmarks with three new ones in a class, and a made-up list of a hundred classes, each of views of one
photograph: unchanged, with 1 % of its rows changed in 1 % of its classes, and with as many spread evenly. A row that is
changed is a picture that goes and another that comes. CPU is that of the flow's process from its first stage on, so
without Prefect's start and imports; decoding in children and Prefect's server are left out on both sides.
"""

import shutil
import tempfile
from pathlib import Path

import cv2
import numpy as np

from bench.flows.overhead import Cost, carry_out, shoot_tests
from bench.harness.result import Comparison, Result
from bench.harness.surroundings import SHARED_DATA, set_prefect_apart
from demo import views

_CLASSES, _VIEWS, _QUICK_CLASSES = 100, 6, 12
_NEW = 3
_TARGETS: dict[str, tuple[Comparison, float]] = {
    "unchanged": ("<=", 0.01),
    "changed_in_few_classes": ("<=", 0.05),
    "changed_evenly": ("<=", 0.35),
}


def measure(quick: bool) -> Result:
    """Curates both lists, and again after each change."""
    if not SHARED_DATA.is_dir():
        raise SystemExit(f"bench regeneration needs the photographs in {SHARED_DATA}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        set_prefect_apart(folder / "prefect")
        tests = {"demo_tests": shoot_tests(folder / "tests")}
        figures = _of_made_up_list(folder, tests, _QUICK_CLASSES if quick else _CLASSES)
        if not quick:
            figures |= _of_landmarks(folder, tests)
    return Result(figures, {} if quick else _TARGETS)


def _of_made_up_list(folder: Path, tests: dict[str, Path], classes: int) -> dict[str, float]:
    images = folder / "made-up"
    photographs = _photographs(classes)
    for index, photograph in enumerate(photographs):
        for number in range(_VIEWS):
            _shoot(photograph, images / f"{index:03d}", f"{index}-{number}")
    first = _curate("first", images, tests, folder / "root")
    unchanged = _curate("unchanged", images, tests, folder / "root")
    rows = max(1, classes * _VIEWS // 100)
    few = max(1, classes // 100)
    kept = shutil.copytree(folder / "root", folder / "again", symlinks=True)
    for number in range(rows):
        _replace(photographs, images, number % few, number)
    in_few = _curate(f"{rows} rows changed in {few} of {classes} classes", images, tests, folder / "root")
    shutil.rmtree(folder / "root")
    for number in range(rows):
        _replace(photographs, images, number * classes // rows, rows + number)
    evenly = _curate(f"{rows} more changed in {rows} of {classes} classes", images, tests, kept)
    return {
        "first_cpu_seconds": first.cpu,
        "unchanged": unchanged.cpu / first.cpu,
        "changed_in_few_classes": in_few.cpu / first.cpu,
        "changed_evenly": evenly.cpu / first.cpu,
    }


def _of_landmarks(folder: Path, tests: dict[str, Path]) -> dict[str, float]:
    images = shutil.copytree(SHARED_DATA / "landmarks", folder / "landmarks")
    classes = sorted(path for path in images.iterdir() if path.is_dir())
    held = sorted(classes[0].iterdir())[:_NEW]
    for path in held:
        path.rename(folder / path.name)
    first = _curate("photographs of landmarks", images, tests, folder / "landmark-root")
    unchanged = _curate("the same again", images, tests, folder / "landmark-root")
    for path in held:
        (folder / path.name).rename(path)
    more = _curate(f"{_NEW} more in one class of {len(classes)}", images, tests, folder / "landmark-root")
    return {
        "landmarks_first_cpu_seconds": first.cpu,
        "landmarks_unchanged": unchanged.cpu / first.cpu,
        "landmarks_three_more": more.cpu / first.cpu,
    }


def _photographs(count: int) -> list[views.Pixels]:
    """Photographs of landmarks, by turns of each class."""
    files = sorted((SHARED_DATA / "landmarks").glob("*/*.jpg"), key=lambda path: (path.stem, path.parent.name))
    found = (cv2.imread(str(path)) for path in files)
    large = (np.ascontiguousarray(pixels[..., ::-1]) for pixels in found if pixels is not None)
    usable = (pixels for pixels in large if min(pixels.shape[:2]) >= views.SMALLEST_VIEW)
    return [np.asarray(pixels, np.uint8) for pixels, _ in zip(usable, range(count), strict=False)]


def _shoot(photograph: views.Pixels, folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    recipe = views.draw(f"regeneration-{name}", (photograph.shape[0], photograph.shape[1]), None)
    (folder / f"{name}.jpg").write_bytes(views.shoot(photograph, recipe).jpeg)


def _replace(photographs: list[views.Pixels], images: Path, index: int, number: int) -> None:
    """One picture of a class goes, another comes."""
    folder = images / f"{index:03d}"
    sorted(folder.iterdir())[0].unlink()
    _shoot(photographs[index], folder, f"{index}-new-{number}")


def _curate(what: str, images: Path, tests: dict[str, Path], root: Path) -> Cost:
    print(what, end=": ", flush=True)
    return carry_out("flow", images, tests, root)
