"""Photographs on their way to a network: read and decoded by worker processes, in the order that they are asked for."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from storage.errors import InputError
from tasks.describe.descriptors import UndecodableError, open_picture
from tasks.describe.pictures import Box

_AHEAD = 4  # photographs that a worker has ready


class Asked(NamedTuple):
    """A photograph that is asked for: where its bytes are, in which size in pixels, and what of it."""

    path: str
    longest_side: int
    box: Box | None = None


class Unreadable(NamedTuple):
    """Why a photograph is left out."""

    path: str
    reason: str


def load_pictures(read: Callable[[str], bytes], asked: Sequence[Asked], workers: int) -> Iterator[Tensor | Unreadable]:
    """Reads and decodes photographs, in the order that they are asked for, however many workers do it.

    A JPEG much larger than is asked for is decoded at a half, a quarter or an eighth of its size.

    Args:
        read: gives the bytes under a path; it travels to the workers. An InputError of it leaves the photograph out.
        workers: processes; 0 has this one do it.

    Yields:
        Pixels uint8 (1, 3, height, width), RGB, or why there are none.
    """
    ahead = _AHEAD if workers else None
    loader = DataLoader(_Pictures(read, asked), batch_size=None, num_workers=workers, prefetch_factor=ahead)
    yield from loader


class _Pictures(Dataset[Tensor | Unreadable]):
    def __init__(self, read: Callable[[str], bytes], asked: Sequence[Asked]) -> None:
        self._read, self._asked = read, asked

    def __len__(self) -> int:
        return len(self._asked)

    def __getitem__(self, number: int) -> Tensor | Unreadable:
        path, side, box = self._asked[number]
        torch.set_num_threads(1)
        try:
            return open_picture(self._read(path), side).at(side, box)
        except (InputError, UndecodableError) as error:
            return Unreadable(path, str(error))
