"""A backbone as a classifier of a version's classes: the first step of Deep Image Retrieval, Cls-Full."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate
from torch.optim import Optimizer

from storage.errors import InputError
from tasks.describe.network import Network
from tasks.train.loading import Asked, Unreadable
from tasks.train.mining import Indices
from tasks.train.processes import gather, gather_told, own_share
from tasks.train.settings import ClassifySettings

_SHOWN = 1.5  # longest side of a photograph by that of the square that is cut from it
_DRAWS, _CUTS = 5, 6  # streams of random numbers
_IGNORED = -100  # torch's class of what counts for no loss

Loaded = Iterable[Tensor | Unreadable]


class Classifier(nn.Module):
    """Scores of classes (batch, classes) of squares uint8 (batch, 3, side, side): the mean of the maps, and a layer."""

    def __init__(self, network: Network, classes: int, seed: int) -> None:
        super().__init__()
        self.network = network
        self.head = nn.Linear(network.channels, classes)
        random = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            self.head.weight.normal_(0, 0.01, generator=random)
            self.head.bias.zero_()

    def forward(self, pixels: Tensor) -> Tensor:
        """Makes the scores."""
        scores: Tensor = self.head(self.network.maps(pixels).mean(dim=(-2, -1)))
        return scores


class Labelled(NamedTuple):
    """Photographs by their paths, the class of each, and the names of the classes."""

    paths: list[str]
    classes: Indices
    names: list[str]


def read_labelled(images: pd.DataFrame, verdicts: pd.DataFrame) -> Labelled:
    """Returns the photographs of a version with their classes, those that it drops included; each once, by its id.

    Args:
        images: image_id, path; without leaks. verdicts: image_id, landmark_id.

    Raises:
        InputError: they are of fewer than two classes.
    """
    labelled = images.merge(verdicts.drop_duplicates("image_id"), on="image_id").sort_values("image_id")
    labelled = labelled[labelled.landmark_id != ""]
    classes, names = pd.factorize(labelled.landmark_id, sort=True)
    if len(names) < 2:
        raise InputError(f"a classifier needs two classes; the version has {len(names)}: leave out [train.classify]")
    return Labelled(list(labelled.path), classes.astype(np.int64), list(names))


def draw(labelled: Labelled, settings: ClassifySettings, iteration: int) -> Indices:
    """Returns the photographs of an iteration, drawn evenly."""
    random = np.random.default_rng([settings.seed, _DRAWS, iteration])
    return random.integers(len(labelled.paths), size=settings.batch)


def move(
    fabric: Fabric,
    classifier: _FabricModule,
    optimizer: Optimizer,
    squares: Tensor,
    classes: Tensor,
    batch: int,
) -> float:
    """Moves the weights once, and returns the mean loss of the batch.

    Args:
        squares: uint8 (n, 3, side, side), this process' share. classes: int64 (n,), theirs.
        batch: photographs of all processes.
    """
    optimizer.zero_grad(set_to_none=True)
    losses = cross_entropy(classifier(squares.to(fabric.device)), classes.to(fabric.device), reduction="none")
    # Exchanging takes the mean over the processes, and a batch's gradient is the sum over its photographs
    fabric.backward(losses.sum() * fabric.world_size / batch)
    optimizer.step()
    return float(gather(fabric, losses, batch).sum() / batch)


class Squares(NamedTuple):
    """What an iteration looks at, of this process' share.

    Attributes:
        pixels: uint8 (n, 3, side, side). classes: int64 (n,); of what could not be read, one that counts for nothing.
        left_out: why photographs of all shares could not be read, by their paths.
    """

    pixels: Tensor
    classes: Tensor
    left_out: dict[str, str]


def load_squares(
    fabric: Fabric, labelled: Labelled, settings: ClassifySettings, begin: int, load: Callable[[list[Asked]], Loaded]
) -> Iterator[Squares]:
    """Yields the squares of iterations from one on, which are loaded while those before are looked at."""
    iterations = range(begin, settings.iterations)
    shares = [own_share(fabric, draw(labelled, settings, iteration).tolist()) for iteration in iterations]
    side = round(_SHOWN * settings.side)
    coming = iter(load([Asked(labelled.paths[number], side) for share in shares for number in share]))
    for iteration, share in zip(iterations, shares, strict=True):
        random = np.random.default_rng([settings.seed, _CUTS, iteration, fabric.global_rank])
        loaded = list(islice(coming, len(share)))
        pixels = [_cut(one, settings.side, random) for one in loaded]
        classes = labelled.classes[list(share)]
        classes[[isinstance(one, Unreadable) for one in loaded]] = _IGNORED
        left_out = {one.path: one.reason for one in loaded if isinstance(one, Unreadable)}
        yield Squares(torch.cat(pixels), torch.from_numpy(classes), gather_told(fabric, left_out))


def _cut(loaded: Tensor | Unreadable, side: int, random: np.random.Generator) -> Tensor:
    """A square of a photograph, drawn evenly; of a narrow one, what there is of it, made as large."""
    if isinstance(loaded, Unreadable):
        return torch.zeros(1, 3, side, side, dtype=torch.uint8)
    height, width = loaded.shape[-2:]
    top, left = (int(random.integers(max(1, length - side + 1))) for length in (height, width))
    square = loaded[..., top : top + side, left : left + side]
    if square.shape[-2:] == (side, side):
        return square
    return interpolate(square.float(), size=(side, side), mode="bilinear").round().to(torch.uint8)
