"""Kills at moments spread over a whole run, and disks that are too small: the same command again must end alike."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from bench.faults.result import Drill
from bench.faults.work import Work, curate, found_whole, rows_of, start

_KILLS, _QUICK_KILLS = 30, 3
_ROOMS, _QUICK_ROOMS = (1, 3, 6, 9, 15), (3,)  # megabytes
_DISK_IS_FULL = "is full"


def undisturbed(work: Work, folder: Path) -> tuple[str, float]:
    """The digest of a run that nothing disturbs, and its seconds."""
    command = start(curate(work, folder / "undisturbed"), folder / "undisturbed.log")
    code, (digest, lost) = command.wait(), found_whole(folder / "undisturbed", rows_of(work.images))
    if code or lost or digest is None:
        raise RuntimeError(f"the undisturbed run failed: {command.said}")
    return digest, monotonic() - command.begun


def kill_runs(work: Work, folder: Path, digest: str, seconds: float, *, quick: bool) -> Drill:
    """Kills runs by signal 9, each on a fresh root and a little later than the one before, and runs them again.

    Args:
        digest, seconds: of an undisturbed run.
    """
    kills = _QUICK_KILLS if quick else _KILLS
    whole = same = lost = 0
    slowest = 0.0
    for number in range(kills):
        root = folder / f"killed-{number}"
        command = start(curate(work, root), folder / f"killed-{number}.log")
        sleep(seconds * (number + 1) / (kills + 1))
        os.killpg(command.process.pid, signal.SIGKILL)
        command.wait()
        again = start(curate(work, root), folder / f"killed-{number}-again.log")
        ended_well = again.wait() == 0
        slowest = max(slowest, monotonic() - again.begun)
        found, missing = found_whole(root, rows_of(work.images))
        whole, same, lost = whole + (ended_well and found is not None), same + (found == digest), lost + missing
    return Drill("kill -9 at moments spread over the run, then the same command", kills, whole, same, lost, slowest)


def fill_disks(work: Work, folder: Path, digest: str, *, quick: bool) -> Drill | None:
    """Runs on disks of several sizes, then again with room; None where this process may not mount one."""
    rooms = _QUICK_ROOMS if quick else _ROOMS
    survived = same = lost = 0
    slowest = 0.0
    for room in rooms:
        try:
            with _small_disk(folder / f"disk-{room}", room) as disk:
                command = start(curate(work, disk / "root"), folder / f"disk-{room}.log")
                code = command.wait()
                slowest = max(slowest, monotonic() - command.begun)
                clear = code == 2 and _DISK_IS_FULL in command.said and "Traceback" not in command.said
                _grow(disk)
                again = start(curate(work, disk / "root"), folder / f"disk-{room}-again.log").wait() == 0
                found, missing = found_whole(disk / "root", rows_of(work.images))
        except PermissionError:
            return None
        survived += clear and again and found is not None
        same, lost = same + (found == digest), lost + missing
    return Drill(
        f"disk full: {', '.join(map(str, rooms))} MB, then room made", len(rooms), survived, same, lost, slowest
    )


@contextmanager
def _small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of so many megabytes.

    Raises:
        PermissionError: this process may not mount one.
    """
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)])
    if made.returncode:
        raise PermissionError(f"{folder}: no file system could be mounted")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _grow(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=500m", str(disk)], check=True)
