"""How native libraries behave in a process that carries out stages."""

import ctypes
import platform

from threadpoolctl import threadpool_limits

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT, _OWN_MAPPING = 1 << 28, 1 << 25  # bytes


def use_one_thread() -> None:
    """One native thread for each task: tasks are the parallelism, and would only get in each other's way."""
    threadpool_limits(limits=1)


def keep_freed_memory() -> None:
    """From now on, memory that a picture frees is kept for the next.

    In the first thread of a process glibc gives the pyramid of each picture back to the system and asks for it again,
    which costs half as much as finding the keypoints: so up to 256 MB that are free stay, and what is under 32 MB comes
    out of them.
    """
    if platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, _OWN_MAPPING)
        library.mallopt(_M_TRIM_THRESHOLD, _KEPT)
