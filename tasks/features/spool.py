"""Features of a packet on disk, for there may be more of them than fit into memory."""

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, Any, overload

import numpy as np

from storage.unwritable import told_when_unwritable
from tasks.features.packed import Features, unpack

_KEYPOINT, _DESCRIPTOR = 6 * 4, 128  # bytes


@dataclass(frozen=True)
class Spool:
    """Features of pictures in a file, by name; see `fill_spool`.

    They are read with `pread` whenever they are asked for: the system keeps in memory what it has room for, and several
    threads may ask at once.

    Attributes:
        extents: of each picture, where it begins in the file and how many keypoints it has.
    """

    file: IO[bytes]
    extents: Mapping[str, tuple[int, int]]

    def __getitem__(self, name: str) -> Features:
        start, count = self.extents[name]
        content = os.pread(self.file.fileno(), count * (_KEYPOINT + _DESCRIPTOR), start)
        keypoints = np.frombuffer(content, np.float32, count * _KEYPOINT // 4)
        descriptors = np.frombuffer(content, np.uint8, offset=count * _KEYPOINT)
        return Features(keypoints.reshape(-1, 6), descriptors.reshape(-1, _DESCRIPTOR))


@contextmanager
def spool_features(features: Iterable[Mapping[str, Any]], masks: Iterable[Mapping[str, Any]]) -> Iterator[Spool]:
    """Writes features, without their masked keypoints, to a spool that goes with the context; names are sha256.

    Args:
        features, masks: rows of the tables of these names, in the same order.
    """

    def trusted() -> Iterator[tuple[str, Features]]:
        for row, mask in zip(features, masks, strict=True):
            own = unpack(row)
            masked = np.unpackbits(np.frombuffer(mask["bits"], np.uint8), count=len(own.keypoints)).astype(bool)
            yield row["sha256"], own.without(masked)

    spool = fill_spool(trusted())
    with spool.file:
        yield spool


def fill_spool(features: Iterable[tuple[str, Features]]) -> Spool:
    """Writes features under their names to a temporary file, which goes when nobody holds the spool any more.

    Raises:
        UnwritableRootError: the disk of temporary files is full, or refuses them.
    """
    extents = dict[str, tuple[int, int]]()
    with told_when_unwritable(tempfile.gettempdir(), "TMPDIR"), ExitStack() as half_written:
        file = half_written.enter_context(tempfile.TemporaryFile(prefix="cairn-features-"))
        for name, own in features:
            extents[name] = (file.tell(), len(own.keypoints))
            file.write(own.keypoints.tobytes() + own.descriptors.tobytes())
        file.flush()
        half_written.pop_all()  # the caller's from now on
    return Spool(file, extents)


class Spooled(Sequence[Features]):
    """The features of some pictures, by their sha256, each read from the spool when it is asked for.

    Args:
        keypoints: how many of each, the largest first; None: all.
    """

    def __init__(
        self, spool: Spool | Mapping[str, Features], pictures: Sequence[str], keypoints: int | None = None
    ) -> None:
        self._spool, self._pictures, self._keypoints = spool, pictures, keypoints

    def __len__(self) -> int:
        return len(self._pictures)

    @overload
    def __getitem__(self, index: int) -> Features: ...
    @overload
    def __getitem__(self, index: slice) -> "Spooled": ...
    def __getitem__(self, index: int | slice) -> "Features | Spooled":
        if isinstance(index, slice):
            return Spooled(self._spool, self._pictures[index], self._keypoints)
        features = self._spool[self._pictures[index]]
        return features if self._keypoints is None else features.largest(self._keypoints)
