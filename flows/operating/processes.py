"""Processes that outlive the command that starts them, known by a file each that says which they are."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil
from pydantic import ValidationError

from storage.errors import InputError
from storage.locks import Holder

_PATIENCE = 300.0  # seconds; a machine may be busy. What ends is not waited for
_PAUSE = 0.25
_GRACE = 15.0  # seconds in which a process may end by itself


def start(folder: Path, name: str, command: Sequence[str], env: Mapping[str, str]) -> None:
    """Starts a process that ends with no terminal; what it says is added to its log."""
    with log_of(folder, name).open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 – our own words
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_heed_interrupts,
        )
    _file(folder, name).write_text(Holder.of(process.pid).model_dump_json())


def find(folder: Path, name: str) -> psutil.Process | None:
    """Returns the process of that name, if it was started and lives.

    Raises:
        InputError: it was started on another host.
    """
    try:
        known = Holder.model_validate_json(_file(folder, name).read_text())
    except (FileNotFoundError, ValidationError):
        return None
    if known.host != socket.gethostname():
        raise InputError(
            f"{folder} belongs to {known.host}: its {name} was started there; end it there, or use another"
        )
    return None if known.is_dead() else psutil.Process(known.pid)


def wait(folder: Path, name: str, is_ready: Callable[[], bool]) -> None:
    """Waits until a process that was started is at work.

    Raises:
        InputError: it ends instead, or is not ready after minutes; the text names its log.
    """
    deadline, log = time.monotonic() + _PATIENCE, log_of(folder, name)
    while not is_ready():
        if find(folder, name) is None:
            raise InputError(f"the {name} has ended as it started; its log is {log}")
        if time.monotonic() > deadline:
            raise InputError(f"the {name} is not ready after {_PATIENCE:.0f} s; its log is {log}; see `cairn down`")
        time.sleep(_PAUSE)


def end(folder: Path, name: str) -> bool:
    """Ends the process of that name and what it started, this first; returns whether it lived."""
    found = find(folder, name)
    if found:
        _end_all(found.children(recursive=True))
        _end_all([*found.children(recursive=True), found])
    _file(folder, name).unlink(missing_ok=True)
    return found is not None


def started(folder: Path) -> list[str]:
    """Returns the names of what was started in a folder and not ended there, whether it lives or not."""
    return sorted(path.stem for path in folder.glob("*.process"))


def log_of(folder: Path, name: str) -> Path:
    """Returns what the process of that name says."""
    return folder / f"{name}.log"


def _heed_interrupts() -> None:
    """What a script starts behind itself ignores SIGINT; and a worker of Prefect's ends by sending itself one."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _end_all(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    left = _wait_for(processes)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    _wait_for(left)


def _wait_for(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Those that still live after their grace. One that is dead stays a zombie until its parent has looked at it."""
    deadline = time.monotonic() + _GRACE
    while (left := [own for own in processes if _lives(own)]) and time.monotonic() < deadline:
        time.sleep(_PAUSE)
    psutil.wait_procs(processes, timeout=0)  # looks at our own
    return left


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.process"
