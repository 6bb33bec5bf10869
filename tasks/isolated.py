"""Native code in a process of its own: what crashes, hangs or grows there costs one call, never the flow.

Not a pool of `multiprocessing`: its children import the caller's main module anew, which costs seconds where that loads
Prefect, and runs a script without a `__main__` guard a second time.
"""

import ctypes
import mmap
import os
import pickle
import resource
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any, BinaryIO, ParamSpec, Self, TypeVar, cast

_P = ParamSpec("_P")
_R = TypeVar("_R")

# Many children work side by side: threads of their own would only get in each other's way.
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_PR_SET_PDEATHSIG = 1


def by_memory(content: bytes) -> bytes:
    """Makes an argument of `Isolated.call` that is laid into memory shared with the child, where there is room for it.

    Through the pipe it would be copied six times, in many small pieces. It arrives as bytes either way.
    """
    return cast("bytes", pickle.PickleBuffer(content))


class ChildDiedError(Exception):
    """The call took its process down with it, or did not return in time."""


class ChildHungError(ChildDiedError):
    """The call did not return in time."""


class Isolated:
    """Calls functions in a child process, which starts at the first call and anew after it died.

    For one thread at a time. A context manager: leaving it ends the child.
    """

    def __init__(self, time_limit: float = 120.0, memory_limit: int | None = None, room: int = mmap.PAGESIZE) -> None:
        """A child with limits.

        Args:
            time_limit: seconds per call; the default is some hundred times what the slowest photograph takes.
            memory_limit: bytes of address space that calls may take beyond what the child has once the first function
                is imported; past it, memory is refused, which Python raises as MemoryError. On Linux alone.
            room: bytes of memory shared with the child, for arguments that are `by_memory`.
        """
        self._time_limit, self._memory_limit, self._room = time_limit, memory_limit, room
        self._child: subprocess.Popen[bytes] | None = None
        self._pipe: Connection[Any, Any]
        self._starter: ThreadPoolExecutor
        self._shared: mmap.mmap

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the child, where there is one."""
        self._end()

    def call(self, function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """Returns what the function returns, or raises, in the child; it must be found there by its module and name.

        Raises:
            ChildHungError: it did neither in time.
            ChildDiedError: it did neither, and its process is gone.
        """
        if self._child is None:
            self._start()
        try:
            self._pipe.send(self._lay_out((function, args, kwargs)))
            if not self._pipe.poll(self._time_limit):
                raise ChildHungError(f"no answer in {self._time_limit:g} s")
            result, error = self._pipe.recv()
        except (EOFError, ConnectionError):
            raise ChildDiedError(f"the child process ended: {self._end()}") from None
        except BaseException:
            self._end()  # or it would answer the next call with the result of this one
            raise
        if error:
            raise error
        return result  # type: ignore[no-any-return]

    def _lay_out(self, call: Any) -> tuple[bytes, list[int]]:
        """A call as the child reads it, and the lengths of what lies in shared memory for it, one behind the other."""
        lengths: list[int] = []

        def lay_out(buffer: pickle.PickleBuffer) -> bool:  # whether it must go with the call instead
            content, begin = buffer.raw(), sum(lengths)
            if begin + content.nbytes > len(self._shared):
                return True
            self._shared[begin : begin + content.nbytes] = content
            lengths.append(content.nbytes)
            return False

        return pickle.dumps(call, pickle.HIGHEST_PROTOCOL, buffer_callback=lay_out), lengths

    def _start(self) -> None:
        self._pipe, theirs = Pipe()
        with theirs, _open_memory() as memory:
            memory.truncate(self._room)
            self._shared = mmap.mmap(memory.fileno(), self._room)
            arguments = (theirs.fileno(), memory.fileno(), self._memory_limit)
            # The kernel would end the child with the thread that started it, which may go long before we do
            self._starter = ThreadPoolExecutor(1, thread_name_prefix="isolated")
            self._child = self._starter.submit(
                subprocess.Popen,
                [sys.executable, "-P", "-c", f"from tasks.isolated import serve; serve{arguments}"],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno(), memory.fileno()],
                process_group=0,  # Ctrl-C is for its parent, who decides; it might come before the child can ignore it
                env={**os.environ, **_ENVIRONMENT, "PYTHONPATH": os.pathsep.join(sys.path)},
            ).result()
        try:
            self._pipe.recv()
        except EOFError:
            raise RuntimeError(f"no child process can be started ({self._end()}); it printed why") from None

    def _end(self) -> str:
        """Ends the child and tells how it ended."""
        if self._child is None:
            return "there was none"
        child, self._child = self._child, None
        self._pipe.close()
        child.kill()  # if it is dead already, its own status stands
        status = child.wait()
        self._starter.shutdown()
        return signal.Signals(-status).name if status < 0 else f"exit status {status}"


def serve(handle: int, memory: int, memory_limit: int | None) -> None:
    """Serves the child's side: answers calls that come through the pipe of one handle and the memory of another.

    Until the parent is gone.
    """
    end_with_parent()
    limited, shared = False, mmap.mmap(memory, 0, access=mmap.ACCESS_READ)
    with Connection(handle) as pipe:
        pipe.send(None)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # native code complains of strangers' files as it likes
        while True:
            try:
                request, lengths = pipe.recv()
            except EOFError:
                return
            spans = zip(accumulate(lengths, initial=0), accumulate(lengths), strict=False)
            call = _load(request, (shared[begin:end] for begin, end in spans))
            if memory_limit is not None and not limited:
                _limit_memory(memory_limit)
                limited = True
            pipe.send(_answer(call))


def end_with_parent() -> None:
    """Has the kernel end this process with the thread that started it, even where that is killed; on Linux alone."""
    if sys.platform == "linux":  # elsewhere a child that hangs outlives a parent that is killed
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _open_memory() -> BinaryIO:
    """A file in memory, or, but for Linux, one without a name on disk."""
    return os.fdopen(os.memfd_create("cairn"), "r+b") if sys.platform == "linux" else tempfile.TemporaryFile()


def _load(request: bytes, buffers: Iterable[bytes]) -> Any:
    """The call of a request, its function imported; or what was raised instead."""
    try:
        return pickle.loads(request, buffers=buffers)  # noqa: S301  it comes from the parent
    except Exception as error:
        return error


def _answer(call: Any) -> tuple[Any, Exception | None]:
    try:
        if isinstance(call, Exception):
            raise call
        function, args, kwargs = call
        return function(*args, **kwargs), None
    except Exception as error:
        error.add_note(traceback.format_exc())  # a traceback does not travel
        return None, error


def memory_left() -> int | None:
    """Returns bytes of address space that this process may still take, or None where nothing limits it."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if limit == resource.RLIM_INFINITY or sys.platform != "linux" else limit - _address_space()


def _limit_memory(more: int) -> None:
    """Lets this process grow by so many bytes, counted from now."""
    if sys.platform == "linux":
        limit = _address_space() + more
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
