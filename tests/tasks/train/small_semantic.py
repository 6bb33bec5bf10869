"""The small network in a training by captions, of which each class has its own word."""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from torch import nn

from tasks.describe.text import begin_text
from tasks.train.captioned import Captioned
from tasks.train.checkpoint import Progress
from tasks.train.loop import train
from tasks.train.optimizing import make_optimizer
from tasks.train.processes import join_processes
from tasks.train.semantic import Semantics
from tasks.train.semantic_settings import (
    SemanticDrawSettings,
    SemanticLossSettings,
    SemanticOptimizerSettings,
    SemanticScoringSettings,
    SemanticSettings,
)
from tasks.train.trainer import Keeper, Trainer
from tests.tasks.train.small import EACH, picture, small_network, small_samples

NOTHING = np.empty((0, 3), np.int64)


def settings_of(*, texts: bool, iterations: int = 8) -> SemanticSettings:
    return SemanticSettings(
        iterations=iterations,
        longest_sides=(64,),
        checkpoint_every=3,
        loss=SemanticLossSettings(texts=texts, margin=0.5),
        draw=SemanticDrawSettings(batch=4),
        optimizer=SemanticOptimizerSettings(rate=0.02, low_rate=0.02),
        validation=SemanticScoringSettings(every=iterations),
    )


def said_of_the_small() -> Captioned:
    """Of each class its own word, which alone says what is alike."""
    photographs = small_samples().photographs
    classes = np.arange(len(photographs)) // EACH
    texts = sp.csr_array(np.eye(3, dtype=np.float32)[classes])
    every = [(q, p, (q + EACH) % len(classes)) for q, p in np.argwhere(classes[:, None] == classes) if q != p]
    triplets = np.array(every, np.int64)
    return Captioned(photographs, texts, {"train": triplets[::2], "val": triplets[1::2]}, {})


class Small(NamedTuple):
    """A training of the small network, and all that learns."""

    trainer: Trainer
    objective: Semantics
    learned: nn.Module


def small(settings: SemanticSettings, read=picture, processes: int = 1) -> Small:
    fabric, network = join_processes("cpu", processes), small_network()
    text = begin_text(3, network.dimensions, settings.text.spread, settings.draw.seed) if settings.loss.texts else None
    learned = network if text is None else nn.ModuleDict({"images": network, "texts": text})
    captioned = said_of_the_small()
    wrapped, optimizer = fabric.setup(network, make_optimizer(learned, settings.optimizer))
    trainer = Trainer(fabric, wrapped, optimizer, captioned.photographs, settings, read, 0, lambda _: ())
    return Small(trainer, Semantics(captioned, settings, text), learned)


def learn(own: Small, progress: Progress = Progress(run="small"), keeper: Keeper | None = None) -> Progress:
    return train(own.trainer, own.objective, progress, NOTHING, keeper or Keeper())
