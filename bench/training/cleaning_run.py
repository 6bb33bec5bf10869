"""One arm of the comparison, trained by the house's own loop, and scored on the way on classes that are held back."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor

from bench.training.cleaning_network import CachedTrainer, Tail
from tasks.describe.network import Network, load_network
from tasks.describe.settings import DescribeSettings
from tasks.describe.whiten import read_whitening
from tasks.evaluate.protocol import OWN, score
from tasks.index.search import search_exactly
from tasks.train.checkpoint import Progress, ScoredAt
from tasks.train.gradients import make_trainable
from tasks.train.instances import Instances
from tasks.train.loop import train
from tasks.train.mining import JUNK, Indices, Labels
from tasks.train.optimizing import make_optimizer
from tasks.train.samples import Photograph, Samples
from tasks.train.settings import MiningSettings, OptimizerSettings, TrainSettings, ValidationSettings
from tasks.train.trainer import Keeper, Trainer

APs = NDArray[np.float64]
"""Average precisions (scores, queries)."""
SIDE = 128
DESCRIBE = DescribeSettings(levels=2, longest_sides=(SIDE,))


class Exam(NamedTuple):
    """What a network is scored on.

    Attributes:
        paths: of the photographs that are searched, those that ask first.
        classes: int64 (queries,), of those that ask.
    """

    paths: list[str]
    classes: Indices

    def average_precisions(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Of each query, which asks for the others of its class among all: float64 (queries,)."""
        rankings = list(search_exactly(vectors, vectors[: len(self.classes)], len(vectors)).rows)
        grades = [
            {"positive": np.setdiff1d(np.flatnonzero(self.classes == own), [query]), "query": np.array([query])}
            for query, own in enumerate(self.classes)
        ]
        return score(rankings, grades, OWN["own"]).average_precisions


class Lesson(NamedTuple):
    """What an arm trains on: the paths of its photographs, and their classes, int64 (n,)."""

    paths: list[str]
    classes: Indices


def settings_of(iterations: int, batch: int, rate: float, seed: int) -> TrainSettings:
    """Triplets as the house mines them, in pools of all photographs; four scores, the first before."""
    return TrainSettings(
        mining=MiningSettings(batch=batch, seed=seed),
        optimizer=OptimizerSettings(rate=rate),
        validation=ValidationSettings(every=max(1, iterations // 3), database=1),
        iterations=iterations,
        longest_sides=(SIDE,),
    )


def train_tail(lesson: Lesson, settings: TrainSettings, exam: Exam, start: bytes, maps: dict[str, Tensor]) -> APs:
    """Trains the last stage, shift and fully connected layer, from a whitening, on maps of the trunk by path.

    Returns:
        float64 (scores, queries), average precisions before, on the way, and after.
    """
    tail = Tail(load_network(DESCRIBE), read_whitening(start))
    return _train(lesson, settings, exam, tail, partial(CachedTrainer, maps=maps))


def train_whole(lesson: Lesson, settings: TrainSettings, exam: Exam, start: bytes) -> APs:
    """The same of the whole network, on the pictures themselves."""
    return _train(lesson, settings, exam, load_network(DESCRIBE, start), Trainer)


def _train(lesson: Lesson, settings: TrainSettings, exam: Exam, network: Network, make: Callable[..., Trainer]) -> APs:
    torch.set_num_threads(1)
    make_trainable(network)
    fabric, found = Fabric(accelerator="cpu", devices=1), list[NDArray[np.float64]]()
    wrapped, optimizer = fabric.setup(network, make_optimizer(network, settings.optimizer))
    examined = len(lesson.paths) + np.arange(len(exam.paths))

    def examine(_: int) -> list[ScoredAt]:
        vectors, readable, left_out = trainer.describe(examined)
        assert readable.all(), left_out
        found.append(exam.average_precisions(vectors))
        return []

    samples = _samples(lesson, exam)
    trainer = make(fabric, wrapped, optimizer, samples.photographs, settings, _read, 0, examine)
    train(trainer, Instances(samples, settings), Progress(run=""), np.empty((0, 3), np.int64), Keeper())
    return np.array(found)


def _samples(lesson: Lesson, exam: Exam) -> Samples:
    """What trains, and then what is searched, which is junk to the loop."""
    paths = [*lesson.paths, *exam.paths]
    classes = np.concatenate([lesson.classes, np.full(len(exam.paths), JUNK)])
    labels, validates = Labels(classes, np.arange(len(paths))), np.zeros(len(paths), np.bool_)
    return Samples([Photograph(path, path, None) for path in paths], labels, [], validates)


def _read(path: str) -> bytes:
    return Path(path).read_bytes()
