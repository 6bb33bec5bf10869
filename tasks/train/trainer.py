"""What trains, and how its processes look at photographs together."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule
from numpy.typing import NDArray
from torch import Tensor
from torch.optim import Optimizer

from storage.errors import InputError
from tasks.train.checkpoint import Progress, ScoredAt
from tasks.train.loading import Asked, Unreadable, load_pictures
from tasks.train.mining import Indices, Mask
from tasks.train.processes import gather, gather_told, own_share
from tasks.train.samples import Photograph
from tasks.train.settings import LoopSettings

_BLANK = 64  # pixels a side of what stands in for a photograph that can't be read


class Keeper:
    """Keeps what has to outlast a kill, and tells how far the loop is; this one does nothing."""

    def keep_best(self, iteration: int) -> None:
        """Keeps the network, which is the best so far."""

    def keep(self, progress: Progress, mined: Indices) -> None:
        """Keeps the state of a training in which so far all went well."""

    def tell(self, progress: Progress) -> None:
        """Tells that an iteration or a score is done."""


@dataclass(frozen=True)
class Trainer:
    """The network and its optimizer as Fabric set them up, and where photographs come from.

    Attributes:
        photographs: that are asked for by their indices.
        read: gives the bytes under a path.
        workers: processes that read and decode for each process that trains.
        score_sets: scores the network on test sets after so many iterations; called in the first process alone.
    """

    fabric: Fabric
    network: _FabricModule
    optimizer: Optimizer
    photographs: Sequence[Photograph]
    settings: LoopSettings
    read: Callable[[str], bytes]
    workers: int
    score_sets: Callable[[int], Sequence[ScoredAt]]

    def share(self, numbers: Indices) -> list[int]:
        """Loads this process's share of some photographs, or one of another's, since each process has to take part."""
        return list(own_share(self.fabric, numbers.tolist())) or numbers[:1].tolist()

    def load(self, asked: Sequence[Asked]) -> Iterable[Tensor | Unreadable]:
        """Reads and decodes photographs, in their order."""
        return load_pictures(self.read, asked, self.workers)

    def ask(self, number: int, side: int, *, crop: bool) -> Asked:
        """Returns how a photograph is asked for."""
        photograph = self.photographs[number]
        return Asked(photograph.path, side, photograph.box if crop else None)

    def readable(self, numbers: Indices, loaded: Sequence[Tensor | Unreadable]) -> tuple[Mask, dict[str, str]]:
        """Returns which photographs could be read, bool (n,), and why the others could not: the same in each process.

        Args:
            loaded: the share of this process.
        """
        own = torch.tensor([isinstance(one, Tensor) for one in loaded], dtype=torch.uint8, device=self.fabric.device)
        counted = own[: len(own_share(self.fabric, range(len(numbers))))]
        readable: Mask = gather(self.fabric, counted, len(numbers)).cpu().numpy().astype(np.bool_)
        left_out = {one.path: one.reason for one in loaded if isinstance(one, Unreadable)}
        return readable, gather_told(self.fabric, left_out)

    def describe(self, numbers: Indices, *, crop: bool = False) -> tuple[NDArray[np.float32], Mask, dict[str, str]]:
        """Describes photographs by all processes, at the largest size that trains.

        Returns:
            float32 (n, dimensions), which of them could be read, and why the others could not.

        Raises:
            InputError: a descriptor is no number any more, of which a score would still make one.
        """
        side, share = max(self.settings.longest_sides), self.share(numbers)
        loaded, vectors = list[Tensor | Unreadable](), list[Tensor]()
        with torch.no_grad():
            for one in self.load([self.ask(number, side, crop=crop) for number in share]):
                loaded.append(one if isinstance(one, Unreadable) else BLANK)  # of pixels, it is enough that they came
                vectors.append(self.network(pixels_of(one).to(self.fabric.device)))
        readable, left_out = self.readable(numbers, loaded)
        own = torch.cat(vectors)[: len(own_share(self.fabric, range(len(numbers))))]
        described = gather(self.fabric, own, len(numbers)).cpu().numpy()
        if not np.isfinite(described).all():
            raise InputError(
                "the network's descriptors are no finite numbers: training diverges; lower [train.optimizer] rate"
            )
        return described, readable, left_out


BLANK = torch.zeros(1, 3, _BLANK, _BLANK, dtype=torch.uint8)
"""Stands in for a photograph that can't be read."""


def pixels_of(loaded: Tensor | Unreadable) -> Tensor:
    """Returns the pixels, or those of `BLANK`."""
    return BLANK if isinstance(loaded, Unreadable) else loaded


def with_left_out(progress: Progress, left_out: dict[str, str]) -> Progress:
    """Returns the progress that knows of more photographs that could not be read."""
    return progress.model_copy(update={"left_out": progress.left_out | left_out}) if left_out else progress
