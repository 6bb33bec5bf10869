"""Disks that are too small for a run: it ends with a line, and goes on where there is room."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import ceil
from pathlib import Path

from bench.faults.result import Drill, total
from bench.faults.work import Work, found_whole
from bench.faults.worker import Worker

_SHARES, _QUICK_SHARES = (0.1, 0.3, 0.5, 0.7, 0.9), (0.5,)
_PAGE = 4096


def fill_disks(work: Work, worker: Worker, *, quick: bool) -> Drill | None:
    """Runs on disks that have room for some share of the root, then again with more; None where none can be mounted."""
    whole = sum(_PAGE * ceil(path.stat().st_size / _PAGE) for path in work.pristine.rglob("*"))
    sizes = [int(whole * share) for share in (_QUICK_SHARES if quick else _SHARES)]
    try:
        drills = [_fill(work, worker, size) for size in sizes]
    except subprocess.CalledProcessError:
        return None
    shown = ", ".join(f"{size / 1e6:.1f}" for size in sizes)
    return total(f"disk full: room for {shown} of {whole / 1e6:.1f} MB, then for all", drills)


def _fill(work: Work, worker: Worker, size: int) -> Drill:
    with _small_disk(work.folder / f"disk-{size}", size) as disk:
        ended = worker.run(work.curate(disk / "root"))
        # what was written last found room: the disk was full after that
        full = max(path.stat().st_mtime for path in (disk / "root").rglob("*") if path.is_file())
        clear = ended.code == 2 and ended.is_clear and "is full" in ended.said
        print(f"{disk.name}: exit {ended.code}, {ended.last}", flush=True)
        _resize(disk, 10 * size + 100_000_000)
        again = worker.run(work.curate(disk / "root"))
        digest, lost = found_whole(disk / "root", work.listed)
    survived = clear and again.code == 0 and digest is not None
    if not survived:
        print(ended.said, again.said, sep="\n", flush=True)
    return Drill(disk.name, 1, survived, digest == work.digest, lost, ended.at - full)


@contextmanager
def _small_disk(folder: Path, size: int) -> Iterator[Path]:
    """A file system of so many bytes, in memory; who may not mount one gets a CalledProcessError."""
    folder.mkdir()
    _run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)])
    try:
        yield folder
    finally:
        _run(["umount", "-l", str(folder)])


def _resize(disk: Path, size: int) -> None:
    _run(["mount", "-o", f"remount,size={size}", str(disk)])


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True)
