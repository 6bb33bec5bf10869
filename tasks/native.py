"""How native libraries behave in a process that carries out stages."""

import ctypes
import platform

from threadpoolctl import threadpool_limits

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT, _OWN_MAPPING = 1 << 28, 1 << 25  # bytes


def settle_native_code() -> None:
    """One native thread for each task, and no memory given back to the system between two pictures.

    Tasks are the parallelism: several of them with several native threads each only get in each other's way. And in the
    first thread of a process glibc returns the pyramid of each picture and asks for it again, which costs half as much
    as the keypoints do: so up to 256 MB that are free stay, and what is under 32 MB comes out of them.
    """
    threadpool_limits(limits=1)
    if platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, _OWN_MAPPING)
        library.mallopt(_M_TRIM_THRESHOLD, _KEPT)
