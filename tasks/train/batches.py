"""What an iteration looks at, and what it loses: triplets that were mined, or lists for the AP loss."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from storage.errors import InputError
from tasks.train.losses import ap_losses, dot_losses, squared_losses
from tasks.train.mining import JUNK, Indices, Labels, Mask, candidates, draw_triplets
from tasks.train.objective import Batch, drawn_triplets, readable_triplets
from tasks.train.settings import LossSettings, MiningSettings

_LISTS = 2  # a stream of random numbers; mining has two others
_RANKING = {"dot": dot_losses, "squared": squared_losses}


def triplet_batch(mined: Indices, settings: MiningSettings, iteration: int) -> Batch:
    """Returns the triplets of an iteration; empty where nothing that was mined loses."""
    if not len(mined):
        return Batch(np.empty(0, np.int64), np.empty((0, 3), np.int64))
    return drawn_triplets(draw_triplets(mined, settings, iteration))


def list_batch(labels: Labels, settings: MiningSettings, iteration: int) -> Batch:
    """Returns half a batch of queries, drawn evenly, and a photograph of the same class for each (Revaud et al. 2019).

    Every image is a query whose list is the others, so a batch has as many lists as images.

    Raises:
        InputError: no class has two photographs.
    """
    random = np.random.default_rng([settings.seed, _LISTS, iteration])
    known = np.flatnonzero(labels.classes != JUNK)
    photographs = np.unique([labels.classes[known], labels.pictures[known]], axis=1)  # copies count once
    classes, counts = np.unique(photographs[0], return_counts=True)
    usable = known[np.isin(labels.classes[known], classes[counts > 1])]
    if not len(usable):
        raise InputError("the AP loss needs a class with two photographs that train, and the version has none")
    queries = random.choice(usable, min(len(usable), max(1, settings.batch // 2)), replace=False)
    others = [_another(labels, usable, query, random) for query in queries]
    return Batch(np.unique([*queries, *others]).astype(np.int64), None)


def _another(labels: Labels, usable: Indices, query: int, random: np.random.Generator) -> int:
    same, other = labels.classes[usable] == labels.classes[query], labels.pictures[usable] != labels.pictures[query]
    return int(random.choice(usable[same & other]))


def loss_of(batch: Batch, labels: Labels, readable: Mask, settings: LossSettings) -> Callable[[Tensor], Tensor]:
    """Returns the loss of a batch as a function of its descriptors (images, dimensions), of what was read.

    Args:
        labels: of all images.
        readable: bool (images,), of the batch; what has an image that isn't counts as without loss.
    """
    if batch.triplets is not None:
        triplets, count = readable_triplets(batch, readable), max(1, len(batch.triplets))
        return lambda described: _RANKING[settings.loss](described[triplets], settings.margin).sum() / count
    positive, negative = (np.array(masks) & readable for masks in zip(*candidates(labels, batch.images), strict=True))
    asks = torch.from_numpy(positive.any(axis=1) & readable)
    relevant, ranked = torch.from_numpy(positive)[asks], torch.from_numpy(positive | negative)[asks]

    def lists(described: Tensor) -> Tensor:
        device = described.device
        similarities = described[asks.to(device)] @ described.T
        return ap_losses(similarities, relevant.to(device), ranked.to(device), settings.bins).sum() / max(1, len(asks))

    return lists
