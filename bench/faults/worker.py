"""Commands in a process that stays, since its imports take longer than most of what is drilled."""

import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic, time

_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: its exit code; negative: the signal. seconds: from its start, or from the fault that it met. said: its
            whole output. left: processes that it started and that still ran 25 seconds later; they were ended.
        at: when it ended, in seconds since 1970.
    """

    code: int
    seconds: float
    said: str
    left: int = 0
    at: float = 0.0

    @property
    def is_clear(self) -> bool:
        """Whether it did its work, or said in a line of its own what the user can do."""
        return self.code == 0 or (self.code == 2 and "error:" in self.said and "Traceback" not in self.said)

    @property
    def last(self) -> str:
        """The last line that it said."""
        return (self.said.strip().splitlines() or [""])[-1]


class Worker(AbstractContextManager["Worker"]):
    """Carries out `cairn …`, one command after another, with the environment that this process has at the first.

    Args:
        log: a file for what the commands say.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._start()

    def begin(self, arguments: Sequence[object]) -> None:
        """Begins a command."""
        self._begun, self._read = monotonic(), self._log.stat().st_size
        self._pipe.send([*map(str, arguments)])

    def end(self) -> Ended:
        """Waits for the end of the command begun; where that ended the process too, there will be another one."""
        try:
            code = int(self._pipe.recv())
        except EOFError:
            self._process.join()
            code = self._process.exitcode or 0
            self._start()
        seconds = monotonic() - self._begun
        said = self._log.read_bytes()[self._read :].decode(errors="replace")
        return Ended(code, seconds, said, at=time())

    def run(self, arguments: Sequence[object]) -> Ended:
        """A command from its beginning to its end."""
        self.begin(arguments)
        return self.end()

    def _start(self) -> None:
        self._pipe, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(target=_work, args=(theirs, self._log))
        self._process.start()
        theirs.close()
        self._pipe.recv()  # ready

    def __exit__(self, *_: object) -> None:
        self._pipe.send(None)
        self._process.join()


def _work(pipe: "Connection[int, list[str] | None]", log: Path) -> None:
    with log.open("ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    from flows.commands.cli import main  # sets Prefect up, which the process that asks shall not

    pipe.send(0)
    while (arguments := pipe.recv()) is not None:
        pipe.send(_run(main, arguments))


def _run(main: Callable[[], None], arguments: list[str]) -> int:
    sys.argv = ["cairn", *arguments]
    try:
        main()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:  # a bug's traceback is one of the outcomes
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code
