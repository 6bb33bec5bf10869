"""The network cut in two: a trunk, whose maps are computed once, and the last stage with what follows, which train."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet
from numpy.typing import NDArray
from torch import Tensor, nn

from tasks.describe.backbones import IMAGENET
from tasks.describe.descriptors import open_picture
from tasks.describe.network import Network
from tasks.describe.whiten import Moments, Whiten, learn_whitening
from tasks.train.loading import Asked, Unreadable
from tasks.train.mining import Indices, Mask
from tasks.train.trainer import Trainer


class Tail(Network):
    """What describes maps of the trunk as the whole network describes their pictures.

    Args:
        whole: EfficientNet-lite0; its last stage and the convolution after it are shared with it, not copied.
    """

    def __init__(self, whole: Network, whitening: Whiten | None) -> None:
        super().__init__(_LastStage(_lite(whole)), whole.settings, whitening)

    def maps(self, pixels: Tensor) -> Tensor:
        """The maps that are pooled, of maps of the trunk (batch, 192, rows, columns)."""
        return self._maps(pixels)


class _LastStage:
    mean, std = IMAGENET  # of no use: the trunk has seen the pictures normalised

    def __init__(self, lite: EfficientNet) -> None:
        parts = {"stage": lite._blocks[-1], "head": lite._conv_head, "norm": lite._bn1, "activation": lite._swish}
        self.network: nn.Module = nn.Sequential(OrderedDict(parts))

    def maps(self, pixels: Tensor) -> Tensor:
        """See `Backbone`."""
        maps: Tensor = self.network(pixels)
        return maps


@torch.no_grad()
def trunk_maps(whole: Network, pixels: Tensor) -> Tensor:
    """What comes into the last stage, of pictures uint8 (batch, 3, height, width): (batch, 192, rows, columns)."""
    lite = _lite(whole)
    normal = ((pixels - whole.mean) / whole.std).contiguous(memory_format=torch.channels_last)
    maps: Tensor = nn.Sequential(lite._conv_stem, lite._bn0, lite._swish, *lite._blocks[:-1])(normal)
    return maps.contiguous()


def _lite(whole: Network) -> EfficientNet:
    assert isinstance(whole.network, EfficientNet)
    return whole.network


def cache_maps(whole: Network, paths: Iterable[str]) -> dict[str, Tensor]:
    """The trunk's maps of pictures, by their paths, at the network's size."""
    (side,) = whole.settings.longest_sides
    return {path: trunk_maps(whole, open_picture(Path(path).read_bytes(), side).at(side)) for path in paths}


@torch.no_grad()
def learn_start(whole: Network, maps: Iterable[Tensor], dimensions: int = 256, power: float = 0.5) -> Whiten:
    """The whitening that all arms begin with, of trunk's maps of the list (see `learn_whitening`)."""
    tail = Tail(whole, None)
    vectors = torch.cat([tail.to_whiten(tail.maps(one)) for one in maps])
    return learn_whitening(Moments.of(vectors.numpy()), dimensions, power)


@dataclass(frozen=True)
class CachedTrainer(Trainer):
    """A trainer whose network looks at the trunk's maps in place of pixels.

    Attributes:
        maps: by the paths of photographs.
    """

    maps: Mapping[str, Tensor]

    def load(self, asked: Sequence[Asked]) -> Iterable[Tensor | Unreadable]:
        """The maps of photographs, in their order."""
        return [self.maps[one.path] for one in asked]

    @torch.no_grad()
    def describe(self, numbers: Indices, *, crop: bool = False) -> tuple[NDArray[np.float32], Mask, dict[str, str]]:
        """Describes photographs whose maps have the same shape at once, in a fifth of the time."""
        assert not crop, "maps are of whole photographs"
        maps = [self.maps[self.photographs[number].path] for number in numbers]
        vectors = np.empty((len(maps), self.network.dimensions), np.float32)
        shapes = [tuple(one.shape) for one in maps]
        for shape in set(shapes):
            indices = [index for index, own in enumerate(shapes) if own == shape]
            vectors[indices] = self.network(torch.cat([maps[index] for index in indices])).numpy()
        return vectors, np.ones(len(maps), np.bool_), {}
