"""Reading a pickle of plain containers and arrays of numbers: the one kind of pickle that is ever opened.

Ground truths of the revisited sets come as `gnd_*.pkl`. Everything that such a file names is looked up here, and what
is not listed is refused before it is looked for; arrays are put together by our own code, never by numpy's
`__setstate__`. Even so it is only done in a child process (see `tasks.overlap.revisited`), since a pickle may ask for
any memory.
"""

import io
import pickle
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

_KINDS = "biuf"
"""Truth values and numbers; objects, texts and records are none."""


class RefusedError(Exception):
    """A pickle that holds something else."""


def read_plain(content: bytes) -> Any:
    """Returns what a pickle holds, where that is lists, tuples, dictionaries, texts, numbers and arrays of numbers.

    Raises:
        RefusedError: it names anything else; the text says what. Whatever Pickle raises for damaged bytes goes on.
    """
    return _made(_Unpickler(io.BytesIO(content), encoding="latin1").load())


class _Kind:
    """In place of `numpy.dtype`."""

    def __init__(self, code: Any, *_: Any) -> None:
        self.dtype = np.dtype(str(code))
        if self.dtype.kind not in _KINDS:
            raise RefusedError(f"an array of {str(code)[:40]!r}, not of numbers")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] not in ("<", ">", "|", "="):
            raise RefusedError(f"a byte order {state[1]!r}")
        self.dtype = self.dtype.newbyteorder(state[1])


class _Array:
    """In place of `numpy.ndarray`, while its bytes are still to come."""

    values: NDArray[Any] | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, by_columns, content = state
        self.values = _array(content, kind, shape, "F" if by_columns else "C")


def _reconstruct(kind: Any, *_: Any) -> _Array:
    if kind is not _Array:
        raise RefusedError(f"an array of class {kind!r}")
    return _Array()


def _from_buffer(content: Any, kind: Any, shape: Any, order: Any) -> _Array:
    made = _Array()
    made.values = _array(content, kind, shape, order)
    return made


def _scalar(kind: Any, content: Any) -> float:
    return _array(content, kind, (), "C").item()  # type: ignore[no-any-return]


def _latin1(text: Any, encoding: Any) -> bytes:
    if encoding != "latin1":
        raise RefusedError(f"text of encoding {encoding!r}")
    return bytes(text, "latin1")


def _no_bytes() -> bytes:
    """What protocols before 3 write for empty bytes."""
    return b""


def _array(content: Any, kind: Any, shape: Any, order: Any) -> NDArray[Any]:
    if not isinstance(kind, _Kind):
        raise RefusedError(f"an array of {kind!r}, not of numbers")
    raw = bytes(content, "latin1") if isinstance(content, str) else bytes(content)  # Python 2 wrote text
    return np.frombuffer(raw, kind.dtype).reshape(shape, order=order)


_NUMPY = ("numpy.core.multiarray", "numpy._core.multiarray")  # before version 2, and since
_ADMITTED: Mapping[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Kind,
    ("_codecs", "encode"): _latin1,
    ("__builtin__", "bytes"): _no_bytes,
    **{(module, "_reconstruct"): _reconstruct for module in _NUMPY},
    **{(module, "scalar"): _scalar for module in _NUMPY},
    **{(module.replace("multiarray", "numeric"), "_frombuffer"): _from_buffer for module in _NUMPY},
}


class _Unpickler(pickle.Unpickler):
    """Finds what is admitted, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise RefusedError(f"it names {module}.{name}, which only code needs") from None

    def persistent_load(self, _: Any) -> NoReturn:
        raise RefusedError("it names an object outside of it")


def _made(value: Any) -> Any:
    """The value with arrays where their stand-ins were; what is neither plain nor an array is refused."""
    if isinstance(value, _Array) and value.values is not None:
        return value.values
    if isinstance(value, dict):
        return {_made(key): _made(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_made(item) for item in value)
    if value is None or type(value) in (str, bytes, bool, int, float):
        return value
    raise RefusedError(f"it holds {type(value).__name__.lstrip('_')}, which is neither plain nor an array of numbers")
