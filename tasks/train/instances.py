"""Training that tells landmarks apart, as Gordo et al. (2016, 2017) do: classes say what is alike."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from torch import Tensor

from tasks.train.batches import list_batch, loss_of, triplet_batch
from tasks.train.checkpoint import Progress, ScoredAt
from tasks.train.mining import JUNK, Indices, Labels, Mask, draw_pool, mine_triplets
from tasks.train.objective import VALIDATION, Batch
from tasks.train.samples import Samples
from tasks.train.settings import TrainSettings
from tasks.train.trainer import Trainer
from tasks.train.validation import searched, validation_score


@dataclass(frozen=True)
class Instances:
    """See `tasks.train.objective.Objective`: triplets are the hardest of a pool, or there are lists for the AP loss."""

    samples: Samples
    settings: TrainSettings

    @property
    def refresh(self) -> int:
        """Iterations after which another pool is mined."""
        return self.settings.mining.refresh

    @property
    def seed(self) -> int:
        """The seed of pools and batches."""
        return self.settings.mining.seed

    @property
    def crop(self) -> bool:
        """Whether photographs are cropped by their boxes, as the settings have it."""
        return self.settings.crop

    @cached_property
    def labels(self) -> Labels:
        """The labels of the photographs, of which those that validate are no part of any pool."""
        own = self.samples.labels
        classes = np.where(self.samples.validates, JUNK, own.classes)
        return Labels(classes, own.pictures, own.verified if self.settings.mining.positives == "verified" else None)

    def find(self, trainer: Trainer, progress: Progress) -> tuple[Indices, dict[str, str]]:
        """Returns the triplets of a new pool; for lists, none."""
        settings = self.settings
        if settings.loss.loss == "ap":
            return np.empty((0, 3), np.int64), {}
        pool = draw_pool(self.labels, settings.mining, len(progress.losses) // settings.mining.refresh)
        vectors, readable, left_out = trainer.describe(pool, crop=settings.crop)
        margin, hardest = settings.loss.dot_margin, settings.mining.hardest
        return mine_triplets(self.labels, pool[readable], vectors[readable], margin, hardest), left_out

    def batch(self, found: Indices, iteration: int) -> Batch:
        """Returns triplets of those that were found, or a list."""
        if self.settings.loss.loss == "ap":
            return list_batch(self.labels, self.settings.mining, iteration)
        return triplet_batch(found, self.settings.mining, iteration)

    def loss(self, batch: Batch, readable: Mask) -> Callable[[Tensor], Tensor]:
        """Computes the loss of a batch, see `loss_of`."""
        return loss_of(batch, self.labels, readable, self.settings.loss)

    def score(self, trainer: Trainer, done: int) -> tuple[list[ScoredAt], dict[str, str]]:
        """Returns the mean average precision of the validating photographs among those that are searched."""
        samples = self.samples
        photographs = searched(samples.validates, self.settings.validation)
        vectors, readable, left_out = trainer.describe(photographs)
        found, queries = validation_score(vectors[readable], photographs[readable], samples.labels, samples.validates)
        value = found if queries else None
        return [ScoredAt(iteration=done, test_set=VALIDATION, protocol="own", queries=queries, score=value)], left_out
