"""Faults made on purpose around a command in a process of its own: signals to it and to its server, a full disk."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import psutil

Victim = Literal["command", "keeper", "server", "all"]
_PATIENCE = 600.0


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: its exit code; negative: the signal. seconds: from the fault, or else from its start. said: its last line.
        lines: of its output. left: processes that it started and that still run 25 seconds later; they are ended.
    """

    code: int
    seconds: float
    said: str
    lines: int
    left: int


def run(arguments: Sequence[str], home: Path, fault: tuple[float, Victim, signal.Signals] | None = None) -> Ended:
    """Runs `cairn` with a Prefect of its own below `home`; a fault, so many seconds later, is a signal to a victim.

    The victims: the command; its server's keeper, or the server itself; or the command and all that it has started.
    """
    command = [str(Path(sys.executable).parent / "cairn"), *arguments]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    with (home / "output.log").open("w+b") as output:
        process = psutil.Popen(
            command, stdout=output, stderr=output, env=env | {"PREFECT_HOME": str(home)}, start_new_session=True
        )
        begun, below = time.monotonic(), list[psutil.Process]()
        if fault:
            after, victim, number = fault
            with_ends = time.monotonic() + after
            while time.monotonic() < with_ends and process.poll() is None:
                time.sleep(0.02)
            below, begun = _below(process), time.monotonic()
            for one in _choose(process, below, victim):
                one.send_signal(number)
        process.wait(_PATIENCE)
        seconds = time.monotonic() - begun
        _, left = psutil.wait_procs(below, timeout=25)
        for one in left:
            one.kill()
        output.seek(0)
        lines = output.read().decode(errors="replace").splitlines()
    return Ended(process.returncode, seconds, lines[-1] if lines else "", len(lines), len(left))


def _below(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def _choose(process: psutil.Process, below: list[psutil.Process], victim: Victim) -> list[psutil.Process]:
    if victim == "command":
        return [process] if process.is_running() else []
    if victim == "all":
        return [one for one in (process, *below) if one.is_running()]
    word = {"keeper": "flows.runtime.keeper", "server": "prefect"}[victim]
    return [one for one in below if one.is_running() and word in one.cmdline()]


@contextmanager
def small_disk(size: str) -> Iterator[Path]:
    """A file system of a size such as `9m`, in memory; whoever may not mount one gets a CalledProcessError."""
    with TemporaryDirectory(prefix="cairn-disk-") as folder:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


def resize(disk: Path, size: str) -> None:
    """Gives a file system of `small_disk` another size."""
    subprocess.run(["mount", "-o", f"remount,size={size}", str(disk)], check=True)
