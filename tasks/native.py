"""How native libraries behave in a process that carries out stages."""

import contextlib
import ctypes
import os
import platform
import sys
from collections.abc import Mapping

from threadpoolctl import threadpool_limits

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_KEPT, _OWN_MAPPING = 1 << 28, 1 << 25  # bytes


def use_one_thread() -> None:
    """Uses one native thread for each task: tasks are the parallelism, and would only get in each other's way."""
    threadpool_limits(limits=1)


def keep_freed_memory() -> None:
    """Keeps memory that a picture frees for the next, from now on.

    In the first thread of a process glibc gives the pyramid of each picture back to the system and asks for it again,
    which costs half as much as finding the keypoints: so up to 256 MB that are free stay, and what is under 32 MB comes
    out of them.
    """
    _tune({_M_MMAP_THRESHOLD: _OWN_MAPPING, _M_TRIM_THRESHOLD: _KEPT})


def share_heap() -> None:
    """Lets new threads share one heap from now on: of one for each of a hundred, each keeps what others could use."""
    _tune({_M_ARENA_MAX: 1})


def let_others_finish() -> None:
    """Lets this thread, and those that it starts, interrupt nobody when they wake.

    Linux's policy for batches: a child that decodes is not put aside for each piece of a body that arrives, which costs
    all a fifteenth.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # a sandbox may forbid it
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _tune(parameters: Mapping[int, int]) -> None:
    if platform.libc_ver()[0] == "glibc":
        for parameter, value in parameters.items():
            ctypes.CDLL(None).mallopt(parameter, value)
