"""What a training is for: which photographs an iteration looks at, what it loses by them, and how well it does."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from tasks.train.checkpoint import Progress, ScoredAt
from tasks.train.mining import Indices, Mask
from tasks.train.trainer import Trainer

VALIDATION = "val"
"""The name of the version's own validating photographs among test sets."""


class Batch(NamedTuple):
    """Images, each once, and the triplets of them by index, int64 (triplets, 3); of lists for the AP loss, none."""

    images: Indices
    triplets: Indices | None


class Objective(Protocol):
    """What the loop asks of a kind of training; its images are indices of the trainer's photographs."""

    @property
    def refresh(self) -> int:
        """Iterations after which triplets are found anew."""

    @property
    def seed(self) -> int:
        """The seed of what is drawn: another one draws other sizes."""

    @property
    def crop(self) -> bool:
        """Whether photographs are cropped to their boxes when they train."""

    def find(self, trainer: Trainer, progress: Progress, /) -> tuple[Indices, dict[str, str]]:
        """Finds triplets that iterations draw from, int64 (n, 3), and says why some photographs could not be read."""

    def batch(self, found: Indices, iteration: int) -> Batch:
        """Returns what an iteration looks at; empty where nothing that was found loses."""

    def loss(self, batch: Batch, readable: Mask) -> Callable[[Tensor], Tensor]:
        """Returns the loss of a batch as a function of its descriptors (images, dimensions), of what was read."""

    def score(self, trainer: Trainer, done: int) -> tuple[list[ScoredAt], dict[str, str]]:
        """Scores on what validates, of which the first chooses the best network; and why some was not read."""


def drawn_triplets(triplets: Indices) -> Batch:
    """Returns the batch of triplets, int64 (n, 3) of images, of which each image is looked at once."""
    images, indices = np.unique(triplets, return_inverse=True)
    return Batch(images, indices.reshape(-1, 3))


def readable_triplets(batch: Batch, readable: Mask) -> Tensor:
    """Returns the triplets of a batch, by index, of which all three photographs could be read."""
    assert batch.triplets is not None
    return torch.from_numpy(batch.triplets[readable[batch.triplets].all(axis=1)])
