"""Kills spread over a whole run, of the command and of what it has started; the same command again must end alike."""

import os
import sys
import time
from itertools import cycle, islice
from pathlib import Path
from typing import Literal

import psutil

from bench.faults.result import Drill, total
from bench.faults.work import Work, found_whole
from bench.faults.worker import Ended, Worker

Victim = Literal["command", "keeper", "server", "all"]
_WORDS = {"keeper": "flows.runtime.keeper", "server": "prefect"}
_KINDS: dict[Victim, str] = {
    "command": "kill -9 of the command",
    "keeper": "kill -9 of the keeper of its server",
    "server": "kill -9 of its server",
    "all": "kill -9 of the command and all that it started",
}
_ROOTS, _QUICK_ROOTS = 6, 1
_EACH = 5
"""Kills in one root, each when more is in it than at the one before."""
_PAUSE = 0.01  # seconds between two looks
_PATIENCE = 600.0


def kill_runs(work: Work, worker: Worker, *, quick: bool) -> list[Drill]:
    """Kills by signal 9 in several roots, five times each, and then finishes what was begun there.

    The moments are spread over a run by the number of files in its root: the kills of one root lie between those of
    the others.
    """
    roots = _QUICK_ROOTS if quick else _ROOTS
    drills = {victim: list[Drill]() for victim in _KINDS}
    victims, files = cycle(_KINDS), _files(work.pristine)
    for number in range(roots):
        root, met = work.folder / f"killed-{number}", list[tuple[Victim, Ended]]()
        for index, victim in enumerate(islice(victims, _EACH)):
            ended = _kill(work, root, victim, int(files * (number + roots * index + 0.5) / (roots * _EACH)))
            met += [(victim, ended)] if ended else []
        again = worker.run(work.curate(root))
        digest, lost = found_whole(root, work.listed)
        print(f"{root.name}: then exit {again.code}, same digest {digest == work.digest}", flush=True)
        for victim, ended in met:
            survived = _ended_well(victim, ended) and again.code == 0 and digest is not None
            seconds = ended.seconds if ended.code >= 0 else None
            drills[victim].append(Drill(victim, 1, survived, digest == work.digest, lost, seconds))
    return [total(kind, drills[victim]) for victim, kind in _KINDS.items()]


def _ended_well(victim: Victim, ended: Ended) -> bool:
    """Whether a command that was not hit itself ended with a line, and nothing that it had started goes on."""
    return not ended.left and (ended.is_clear or victim in ("command", "all"))


def _kill(work: Work, root: Path, victim: Victim, until: int) -> Ended | None:
    """Starts a command, and hits the victim once so many files are in the root; None where it ended before."""
    log, home = root.with_suffix(".log"), work.folder / "kills"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_API")}
    with log.open("wb") as output:
        process = psutil.Popen(
            [sys.executable, "-m", "flows.commands.cli", *work.curate(root)],
            stdout=output,
            stderr=output,
            env=environment | {"PREFECT_HOME": str(home)},
            start_new_session=True,
        )
    while process.poll() is None and _files(root) < until:
        time.sleep(_PAUSE)
    if process.poll() is not None:
        return None
    below, newest = process.children(recursive=True), _newest(root)
    for one in _choose(process, below, victim):
        one.kill()
    begun = time.monotonic()
    process.wait(_PATIENCE)
    seconds = time.monotonic() - begun
    _, left = psutil.wait_procs(below, timeout=25)
    for one in left:
        one.kill()
    ended = Ended(process.returncode, seconds, log.read_text(errors="replace"), len(left))
    print(f"{victim:8} {_files(root):4} files, {newest}: exit {ended.code}, {seconds:.1f} s, {ended.last}", flush=True)
    return ended


def _choose(process: psutil.Process, below: list[psutil.Process], victim: Victim) -> list[psutil.Process]:
    if victim == "command":
        return [process]
    if victim == "all":
        return [one for one in (process, *below) if one.is_running()]
    return [one for one in below if one.is_running() and _WORDS[victim] in one.cmdline()]


def _files(root: Path) -> int:
    return sum(len(files) for _, _, files in os.walk(root))


def _newest(root: Path) -> str:
    """The folder that was written to last: what the run is at."""
    folders = [folder for folder, _, _ in os.walk(root) if Path(folder).exists()]
    return str(max(map(Path, folders), key=lambda folder: folder.stat().st_mtime).relative_to(root))
