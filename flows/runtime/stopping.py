"""How a command stops before its work is done: in order where it can, and within seconds whatever its threads are at.

What a run has finished is under its root, whole, and is not done again. So nothing is lost where a thread is not waited
for.
"""

import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from rich.console import Console
from rich.text import Text

_GRACE = 6.0  # seconds in which tasks may come to their end, and Prefect may be told how the run ended
_LONG_GRACE = 30.0  # the same, where a task has failed and that is told already
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SHOW_CURSOR = "\033[?25h"


class Stopped(BaseException):
    """The command was told to stop. It is neither an Exception nor a KeyboardInterrupt, which others take for theirs.

    Attributes:
        code: that the command ends with.
    """

    def __init__(self, said: str, code: int) -> None:
        super().__init__(said)
        self.code = code


@dataclass
class _Command:
    """The command under way: why it stops, if it does, whether that was reported, and whether it has unwound."""

    reason: Stopped | None = None
    has_raised: bool = False
    has_reported: bool = False
    is_over: threading.Event = field(default_factory=threading.Event)

    def on_signal(self, number: int, _: FrameType | None) -> None:
        """A signal, in the main thread."""
        self.reason = self.reason or _interrupted(number)
        if self.has_raised:
            _end_now(self.reason, self.has_reported)
        self.has_raised = True
        raise self.reason

    def watch(self, reader: socket.socket) -> None:
        """The numbers of signals, as they come in."""
        with reader:
            while came := reader.recv(1):
                if came[0] in _SIGNALS:
                    self.reason = self.reason or _interrupted(came[0])
                    self.end_after(_GRACE)

    def end_after(self, seconds: float) -> None:
        """Ends the process, unless the command is over by then."""

        def end() -> None:
            if not self.is_over.wait(seconds) and self.reason:
                _end_now(self.reason, self.has_reported)

        threading.Thread(target=end, name="ending", daemon=True).start()


_command: _Command | None = None


@contextmanager
def stoppable() -> Iterator[None]:
    """Lets Ctrl-C, SIGTERM and `stop` end the command with a line, and seconds later whatever it is at.

    They raise Stopped in the main thread. The second Ctrl-C ends the command at once. A signal that is ignored, as
    Ctrl-C is behind a shell, stays so.
    """
    global _command
    command = _command = _Command()
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    previous = {n: signal.signal(n, command.on_signal) for n in _SIGNALS if signal.getsignal(n) != signal.SIG_IGN}
    # Python's own handlers wait for the main thread, and Prefect puts one of its own in the place of ours.
    before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=command.watch, args=(reader,), name="stopping", daemon=True).start()
    try:
        yield
    except BaseException:
        if command.reason is None:
            raise
        report(str(command.reason))  # what came of unwinding is no news, nor is Prefect's word for the signal
        raise SystemExit(command.reason.code) from None
    finally:
        _command = None
        command.is_over.set()
        signal.set_wakeup_fd(before)
        for number, handler in previous.items():
            signal.signal(number, handler)
        writer.close()


def stop(said: str, code: int) -> None:
    """Stops the command under way, from any thread, with a line and an exit code."""
    if _command:
        _command.reason = _command.reason or Stopped(said, code)
        os.kill(os.getpid(), signal.SIGTERM)


def give_up(said: str) -> None:
    """Tells at once why the command will end, and ends it when what has begun is long waited for."""
    report(said)
    if _command:
        _command.reason = _command.reason or Stopped(said, 2)
        _command.end_after(_LONG_GRACE)


def report(said: str) -> None:
    """Writes the one line that the command ends with: why it was stopped, or else the first that it is given."""
    if _command and _command.has_reported:
        return
    line = Text(str(_command.reason) if _command and _command.reason else said)
    line.highlight_words(["error:"], "bold red")
    Console(stderr=True).print(line, soft_wrap=True, highlight=False)
    if _command:
        _command.has_reported = True


def _interrupted(number: int) -> Stopped:
    return Stopped("interrupted; run the same command again to go on", 128 + number)


def _end_now(reason: Stopped, has_reported: bool) -> None:
    """Ends the process, with one line; what children of it there are end too."""
    cursor = _SHOW_CURSOR if sys.stderr.isatty() else ""
    line = "" if has_reported else f"\n{reason}\n"
    os.write(2, f"{cursor}{line}".encode(sys.stderr.encoding or "utf-8", "replace"))
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(reason.code)
