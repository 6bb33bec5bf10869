"""What a command costs with all its descendants: `python -m bench.harness.spent COMMAND…`, the last line is JSON.

CPU is of every process of the tree from its start to its end, as the kernel counts it; memory is the largest sum over
the processes of their proportional set sizes (what they share counts once), sampled.
"""

import ctypes
import json
import os
import resource
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

_PR_SET_CHILD_SUBREAPER = 36
_EVERY = 0.5
"""Seconds between two samples of memory."""


@dataclass(frozen=True)
class Spent:
    """What a command cost: seconds of CPU, seconds of the clock, bytes of memory; and the last line that it printed."""

    cpu: float
    seconds: float
    peak: int
    said: str


def spent(command: list[str], environment: Mapping[str, str] | None = None) -> Spent:
    """Runs a command, watched by a process of its own.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    watched = [sys.executable, "-m", "bench.harness.spent", *command]
    done = subprocess.run(
        watched, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, **(environment or {})}
    )
    return Spent(**json.loads(done.stdout.splitlines()[-1]))


def main(command: list[str]) -> int:
    """Runs the command, waits until nothing of its tree is left, and prints the costs."""
    # Orphans of the tree come to this process, so that their time is counted too
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    begun, ended, peak = monotonic(), threading.Event(), [0]
    sampler = threading.Thread(target=_sample, args=(ended, peak))
    sampler.start()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    seconds = monotonic() - begun
    ended.set()
    sampler.join()
    while _reap():
        pass
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = (done.stdout.splitlines() or [""])[-1]
    print(json.dumps({"cpu": used.ru_utime + used.ru_stime, "seconds": seconds, "peak": peak[0], "said": said}))
    return done.returncode


def _reap() -> bool:
    try:
        os.wait()
    except ChildProcessError:
        return False
    return True


def _sample(ended: threading.Event, peak: list[int]) -> None:
    while not ended.wait(_EVERY):
        peak[0] = max(peak[0], sum(map(_proportional, _descendants(os.getpid()))))


def _descendants(ancestor: int) -> list[int]:
    """The children of a process, theirs, and so on."""
    children = defaultdict[int, list[int]](list)
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            # the fields after the name, which may hold anything: state, parent
            parent = int(status.read_text().rsplit(") ", 1)[1].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        children[parent].append(int(status.parent.name))
    found = list(children[ancestor])
    for process in found:
        found += children[process]
    return found


def _proportional(process: int) -> int:
    """Proportional set size in bytes; 0 of a process that has just ended."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return 1024 * next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
