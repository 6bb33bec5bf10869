"""One arm of the comparison: a network that learns from captions by the house's own loop, and what it then scores."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn

from bench.training.cleaning_network import CachedTrainer, Tail
from tasks.captions.settings import TripletSettings
from tasks.describe.network import load_network
from tasks.describe.settings import DescribeSettings
from tasks.describe.text import begin_text
from tasks.describe.whiten import read_whitening
from tasks.evaluate.methods import MEASURES, ByCaptions, ByVectors, Method, agreement_with_captions, score_queries
from tasks.train.captioned import Captioned
from tasks.train.checkpoint import Progress
from tasks.train.gradients import make_trainable
from tasks.train.loop import train
from tasks.train.mining import Indices
from tasks.train.optimizing import make_optimizer
from tasks.train.semantic import Semantics
from tasks.train.semantic_settings import (
    SemanticDrawSettings,
    SemanticLossSettings,
    SemanticOptimizerSettings,
    SemanticScoringSettings,
    SemanticSettings,
    TextSettings,
)
from tasks.train.trainer import Keeper

Vectors = NDArray[np.float32]
_RECALLED = 10
RULE = TripletSettings(nearest=16)
"""How triplets are drawn; 32 nearest, as by default, would be a sixth of what tests."""
_SPREAD = 0.001  # so small that few steps at a low rate turn a text anywhere


class Lesson(NamedTuple):
    """What all arms share.

    Attributes:
        captioned: what trains, and validates.
        tests: indices of the photographs that neither train nor validate.
        maps: of the trunk, by the paths of photographs.
        start: the whitening that training begins with.
    """

    captioned: Captioned
    tests: Indices
    maps: Mapping[str, Tensor]
    start: bytes


class Arm(NamedTuple):
    """How a network learns: with texts or without; from the captions' triplets, or so many drawn at random."""

    texts: bool
    at_random: int = 0


class Steps(NamedTuple):
    """How long, and how fast."""

    iterations: int
    batch: int
    rate: float


class Learned(NamedTuple):
    """The losses of each iteration, and the scores before and after, by name."""

    losses: Sequence[float]
    before: Mapping[str, float]
    after: Mapping[str, float]


def learn(lesson: Lesson, arm: Arm, steps: Steps, seed: int, describe: DescribeSettings) -> Learned:
    """Trains the last stage, shift and fully connected layer, and the text layer, on maps of the trunk."""
    torch.set_num_threads(1)
    settings = _settings(arm, steps, seed)
    network = Tail(load_network(describe), read_whitening(lesson.start))
    make_trainable(network)
    captioned = _at_random(lesson.captioned, arm.at_random, seed) if arm.at_random else lesson.captioned
    terms = captioned.texts.shape[1]
    text = begin_text(terms, network.dimensions, settings.text.spread, seed) if arm.texts else None
    learned = network if text is None else nn.ModuleDict({"images": network, "texts": text})
    fabric = Fabric(accelerator="cpu", devices=1)
    wrapped, optimizer = fabric.setup(network, make_optimizer(learned, settings.optimizer))
    photographs = captioned.photographs
    trainer = CachedTrainer(fabric, wrapped, optimizer, photographs, settings, _unread, 0, lambda _: (), lesson.maps)

    def scores() -> dict[str, float]:
        vectors, _, _ = trainer.describe(lesson.tests)
        with torch.no_grad():
            texts = None if text is None else text(captioned.texts[lesson.tests]).numpy()
        return score(vectors, texts, captioned.texts[lesson.tests])

    before = scores()
    ended = train(trainer, Semantics(captioned, settings, text), Progress(run=""), np.empty((0, 3), np.int64), Keeper())
    return Learned(ended.losses, before, scores())


def score(vectors: Vectors, texts: Vectors | None, said: sp.csr_array) -> dict[str, float]:
    """What images score as queries, and images and texts together, against images; and texts alone.

    Args:
        vectors, texts: float32 (n, dimensions), of unit length. said: float32 (n, terms), their tf-idf vectors.
    """
    captions, asked = ByCaptions(said), {"V": vectors} if texts is None else {"V": vectors, "VT": vectors + texts}
    found = {
        f"{name} {what}": value
        for name, queries in asked.items()
        for what, value in compare(ByVectors(queries, vectors), captions).items()
    }
    if texts is not None:
        ranks = (texts @ vectors.T > (texts * vectors).sum(axis=1)[:, None]).sum(axis=1)
        found["T recall@10"] = float((ranks < _RECALLED).mean())
    return found


def compare(method: Method, captions: ByCaptions) -> dict[str, float]:
    """Agreement on all triplets of `RULE`, and areas under the curves of NDCG and of PCC over all images."""
    images = np.arange(captions.weights.shape[0])
    (scores,) = score_queries([method], captions, images, images, len(images) - 1)
    triplets = _all_triplets(captions.similarities(images, images))
    means = dict(zip(MEASURES, np.nanmean(scores, axis=0).tolist(), strict=True))
    return {"agreement": agreement_with_captions(method, *triplets.T), "NDCG": means["ndcg"], "PCC": means["pcc"]}


def _all_triplets(relevance: NDArray[np.float64]) -> Indices:
    """Every triplet, int64 (m, 3), that the captions' rule could draw, and not one for each query alone."""
    found = [np.empty((0, 3), np.int64)]
    for query, row in enumerate(relevance):
        others = np.delete(np.arange(len(row)), query)
        near = others[np.argsort(-row[others], kind="stable")[: RULE.nearest]]
        rest = np.setdiff1d(others, near)
        pairs = np.stack(np.meshgrid(near[row[near] >= RULE.min_similarity], rest, indexing="ij"), axis=-1).reshape(
            -1, 2
        )
        pairs = pairs[row[pairs[:, 0]] - row[pairs[:, 1]] >= RULE.min_gap]
        found.append(np.insert(pairs, 0, query, axis=1))
    return np.concatenate(found)


def _settings(arm: Arm, steps: Steps, seed: int) -> SemanticSettings:
    return SemanticSettings(
        loss=SemanticLossSettings(texts=arm.texts),
        draw=SemanticDrawSettings(batch=steps.batch, seed=seed),
        optimizer=SemanticOptimizerSettings(rate=steps.rate, low_rate=steps.rate),
        validation=SemanticScoringSettings(every=steps.iterations, triplets=1),
        text=TextSettings(spread=_SPREAD),
        iterations=steps.iterations,
    )


def _at_random(captioned: Captioned, count: int, seed: int) -> Captioned:
    """The same with so many triplets whose images are drawn evenly from all that train."""
    trains = np.unique(captioned.triplets["train"])
    drawn = np.random.default_rng([seed, 7]).choice(trains, (count, 3))
    return Captioned(captioned.photographs, captioned.texts, {**captioned.triplets, "train": drawn}, captioned.joined)


def _unread(path: str) -> bytes:
    raise AssertionError(f"{path} is looked at by its maps")
