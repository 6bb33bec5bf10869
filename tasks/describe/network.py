"""A network that describes: a backbone, the pooling of its maps, and the whitening of what was pooled."""

import hashlib
import json

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn
from torch.nn.functional import normalize

from storage.errors import InputError
from storage.tables.spec import FileRef
from tasks.describe.backbones import Backbone, load_backbone
from tasks.describe.pictures import LEAST_SIDE
from tasks.describe.pooling import aggregate, gem, mac, region_maxima
from tasks.describe.settings import DescribeSettings
from tasks.describe.weights import decode_weights, digest_of
from tasks.describe.whiten import Whiten, read_whitening


class Network(nn.Module):
    """Describes pictures by vectors of unit length; differentiable from end to end.

    The steps and their order are those of R-MAC (Tolias et al. 2016) and of Deep Image Retrieval (Gordo et al. 2017):
    regions, unit length, whitening, unit length, sum, unit length. MAC and GeM have one region, the image.

    Args:
        whitening: None leaves that step out.
    """

    def __init__(self, backbone: Backbone, settings: DescribeSettings, whitening: Whiten | None = None) -> None:
        super().__init__()
        self.settings, self.network, self.whitening = settings, backbone.network, whitening
        self._maps, self._colours = backbone.maps, (backbone.mean, backbone.std)
        mean, std = (torch.tensor(colour).view(1, 3, 1, 1) for colour in (backbone.mean, backbone.std))
        self.register_buffer("mean", mean * 255, persistent=False)
        self.register_buffer("std", std * 255, persistent=False)
        self.mean: Tensor
        self.std: Tensor

    @property
    def device(self) -> torch.device:
        """The device that the network computes on."""
        return self.mean.device

    @property
    def channels(self) -> int:
        """How many maps the backbone makes."""
        least = torch.zeros(1, 3, LEAST_SIDE, LEAST_SIDE, dtype=torch.uint8, device=self.device)
        return self.maps(least).shape[1]

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        return self.channels if self.whitening is None else len(self.whitening.weight)

    def maps(self, pixels: Tensor) -> Tensor:
        """Maps (batch, channels, rows, columns), like the weights, of pictures uint8 (batch, 3, height, width), RGB."""
        normal = ((pixels - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        with torch.autocast(normal.device.type, torch.bfloat16, enabled=self.settings.bfloat16):
            return self._maps(normal).to(normal.dtype)

    def regions(self, maps: Tensor) -> Tensor:
        """Returns the vectors of the regions of maps, of unit length and not whitened: (batch, regions, channels)."""
        own = self.settings
        if own.pooling == "rmac":
            return normalize(region_maxima(maps, own.levels, whole=own.whole_image), dim=-1)
        return normalize(mac(maps) if own.pooling == "mac" else gem(maps, own.gem_power), dim=-1)[:, None]

    def whiten(self, vectors: Tensor) -> Tensor:
        """Returns vectors (…, channels) whitened and of unit length again: (…, dimensions)."""
        return vectors if self.whitening is None else normalize(self.whitening(vectors), dim=-1)

    def pool(self, maps: Tensor) -> Tensor:
        """Returns the vectors (batch, dimensions) of maps, or of a window of maps."""
        if self.settings.regional_whitening:
            return aggregate(self.whiten(self.regions(maps)))
        return self.whiten(aggregate(self.regions(maps)))

    def to_whiten(self, maps: Tensor) -> Tensor:
        """Returns what whitening is learned from: (n, channels), the vectors that `pool` hands to it."""
        regions = self.regions(maps)
        return regions.flatten(0, 1) if self.settings.regional_whitening else aggregate(regions)

    def forward(self, pixels: Tensor) -> Tensor:
        """Returns the vectors (batch, dimensions) of pictures uint8 (batch, 3, height, width), RGB."""
        return self.pool(self.maps(pixels))

    def digest(self) -> str:
        """Hashes all that decides an image's vector, but for the device and its software: sha256, hexadecimal."""
        parts = {
            "weights": digest_of(self.state_dict()),
            "colours": self._colours,
            "settings": self.settings.model_dump(mode="json", exclude={"weights", "weights_sha256", "device"}),
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class Stored(BaseModel):
    """What of a network is stored in a root: the file of its whitening, and of its backbone where it was trained."""

    model_config = ConfigDict(frozen=True)

    whitening: FileRef | None = None
    backbone: FileRef | None = None


def load_network(settings: DescribeSettings, whitening: bytes | None = None, backbone: bytes | None = None) -> Network:
    """Returns the network of these settings, ready to describe on their device.

    Args:
        whitening: a file that `export_whitening` made.
        backbone: a file that `export_weights` made; it takes the place of the weights that the settings name.

    Raises:
        InputError: the backbone, its weights, the whitening or the device can't be had.
    """
    _check_device(settings.device)
    layers = read_whitening(whitening) if whitening is not None else None
    weights = decode_weights(backbone, "backbone.safetensors") if backbone is not None else None
    network = Network(load_backbone(settings, weights), settings, layers)
    network.eval().requires_grad_(False).to(settings.device, torch.float32).to(memory_format=torch.channels_last)
    if layers is not None and len(layers.shift) != network.channels:
        raise InputError(
            f"the whitening is of {len(layers.shift)} dimensions and {settings.backbone} makes {network.channels}; "
            "learn it from this network"
        )
    return network


def _check_device(device: str) -> None:
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there[device]:
        found = ", ".join(name for name, is_there in there.items() if is_there)
        raise InputError(f"[describe] device {device!r} is not on this machine, which has {found}")
