"""Training that tells what people would say of images, as Gordo & Larlus (2017) do: captions say what is alike."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tasks.describe.text import TextEmbedding
from tasks.evaluate.semantic import agreement
from tasks.train.captioned import Captioned
from tasks.train.checkpoint import Progress, ScoredAt
from tasks.train.losses import dot_losses, joint_losses
from tasks.train.mining import Indices, Mask
from tasks.train.objective import VALIDATION, Batch, drawn_triplets, readable_triplets
from tasks.train.semantic_settings import SemanticSettings
from tasks.train.trainer import Trainer

_BATCHES, _VALIDATING = 5, 6  # streams of random numbers


@dataclass(frozen=True)
class Semantics:
    """See `tasks.train.objective.Objective`: triplets are those of the captions, drawn evenly.

    Attributes:
        text: the layer for texts, which learns with the network; None where images alone learn.
    """

    captioned: Captioned
    settings: SemanticSettings
    text: TextEmbedding | None

    @property
    def refresh(self) -> int:
        """Never: captions don't follow what the network learns."""
        return self.settings.iterations

    @property
    def seed(self) -> int:
        """The seed of the batches."""
        return self.settings.draw.seed

    @property
    def crop(self) -> bool:
        """Whether photographs are cropped: never, for captions are of whole images."""
        return False

    def find(self, _trainer: Trainer, _progress: Progress, /) -> tuple[Indices, dict[str, str]]:
        """Returns all training triplets of the captions."""
        return self.captioned.triplets["train"], {}

    def batch(self, found: Indices, iteration: int) -> Batch:
        """Draws the triplets of a step evenly."""
        random = np.random.default_rng([self.seed, _BATCHES, iteration])
        return drawn_triplets(found[random.integers(len(found), size=self.settings.draw.batch)])

    def loss(self, batch: Batch, readable: Mask) -> Callable[[Tensor], Tensor]:
        """Returns the mean loss of triplets: of images, or of images and texts together."""
        triplets, count = readable_triplets(batch, readable), self.settings.draw.batch
        margin, text = self.settings.loss.margin, self.text
        if text is None:
            return lambda described: dot_losses(described[triplets], margin).sum() / (2 * count)
        texts = self.captioned.texts[batch.images]
        return lambda described: joint_losses(described[triplets], text(texts)[triplets], margin).sum() / count

    def score(self, trainer: Trainer, done: int) -> tuple[list[ScoredAt], dict[str, str]]:
        """Returns the share of validating triplets that the network orders as the captions do.

        Protocol `V` asks by images; `VT`, where texts are learned, by images and texts together, and then it is what
        chooses: a network is no better than its texts, which begin with nothing.
        """
        batch = drawn_triplets(self._validating())
        if not len(batch.images):
            return [ScoredAt(iteration=done, test_set=VALIDATION, protocol="V", queries=0, score=None)], {}
        vectors, readable, left_out = trainer.describe(batch.images)
        asked, triplets = {"V": vectors}, readable_triplets(batch, readable).numpy()
        if self.text is not None:
            with torch.no_grad():
                texts = self.text(self.captioned.texts[batch.images]).cpu().numpy()
            asked = {"VT": vectors + texts, **asked}  # their sum ranks as it would with unit length
        scores = [
            ScoredAt(
                iteration=done,
                test_set=VALIDATION,
                protocol=protocol,
                queries=len(triplets),
                score=_agreement(queries, vectors, triplets) if len(triplets) else None,
            )
            for protocol, queries in asked.items()
        ]
        return scores, left_out

    def _validating(self) -> Indices:
        every, count = self.captioned.triplets["val"], self.settings.validation.triplets
        random = np.random.default_rng([0, _VALIDATING])
        return every[np.sort(random.choice(len(every), min(count, len(every)), replace=False))]


def _agreement(queries: NDArray[np.float32], vectors: NDArray[np.float32], triplets: Indices) -> float:
    query, positive, negative = triplets.T
    preferences = (queries[query] * (vectors[positive] - vectors[negative])).sum(axis=1).astype(np.float64)
    return agreement(preferences, np.tile([1, 0], (len(triplets), 1)))
