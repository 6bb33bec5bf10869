"""The knobs of describe."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from storage.errors import InputError
from tasks.settings import StageSettings, settings_of_manifest

Device = Literal["cpu", "cuda", "mps"]
RESOLUTIONS = (550, 800, 1050)
"""Longest sides, in pixels, of the multi-resolution descriptor (Gordo et al. 2017; their released code)."""


class DescribeSettings(StageSettings):
    """Which network describes an image, how its maps become a vector, and on what device."""

    backbone: str = Field(
        "efficientnet-lite0",
        description="`efficientnet-lite0`, `resnet18`, `resnet50`, `resnet101`, `vgg16`, or MODULE:NAME of your own",
    )
    weights: str | None = Field(
        None, description="local file of weights, safetensors or a state dict of torch; without one, the published ones"
    )
    weights_sha256: str | None = Field(
        None, pattern="^[0-9a-f]{64}$", description="sha256 of that file, hexadecimal; nothing else is loaded"
    )
    pooling: Literal["mac", "rmac", "gem"] = Field("rmac", description="how maps become vectors")
    levels: int = Field(
        3, ge=1, le=6, description="levels of R-MAC's grid: 3 in Tolias et al. 2016, 2 in Gordo et al. 2017"
    )
    whole_image: bool = Field(
        False, description="whether the whole image is one more region of R-MAC, as in cirtorch (Radenović et al.)"
    )
    gem_power: float = Field(3.0, ge=1, description="power of GeM's mean (Radenović et al. 2018)")
    regional_whitening: bool = Field(
        True,
        description="whether each region is whitened, and then all summed (Tolias et al. 2016), or the sum (cirtorch)",
    )
    longest_sides: tuple[int, ...] = Field(
        (800,), min_length=1, description="longest sides, in pixels, that an image is described at; vectors are summed"
    )
    bfloat16: bool = Field(False, description="whether the network computes in bfloat16 rather than float32")
    device: Device = Field("cpu", description="what the network computes on")

    @model_validator(mode="after")
    def _check(self) -> "DescribeSettings":
        if (self.weights is None) != (self.weights_sha256 is None):
            raise ValueError("weights and weights_sha256 belong together; `sha256sum FILE` prints the second")
        if min(self.longest_sides) < 64 or len({*self.longest_sides}) < len(self.longest_sides):
            raise ValueError(f"longest_sides {self.longest_sides} must differ and be 64 pixels at least")
        return self


def settings_of_index(told: Mapping[str, Any], trusted: str | None) -> DescribeSettings:
    """Reads the settings that an index was made by, as its manifest tells them.

    Args:
        trusted: a backbone MODULE:NAME that the caller lets import its module. A manifest alone does not: it lies in a
            root that somebody else may have prepared.

    Raises:
        InputError: the manifest names another one, or tells settings that there are none of.
    """
    settings = settings_of_manifest(told, DescribeSettings)
    if ":" in settings.backbone and settings.backbone != trusted:
        raise InputError(
            f"it was made by backbone {settings.backbone!r}, and to use it imports that module; if you know and trust "
            f"it, give --backbone {settings.backbone}, or name it in [describe] backbone"
        )
    return settings


def settings_of_network(told: Mapping[str, Any], given: DescribeSettings) -> DescribeSettings:
    """Returns the settings `describe` of a trained network, as its manifest tells them, but for given sizes and device.

    Raises:
        InputError: the manifest names a backbone of somebody's own, and the settings given do not.
    """
    own = settings_of_index(told, given.backbone)
    free = {"longest_sides", "device", "bfloat16"} & given.model_fields_set
    return own.model_copy(update={name: getattr(given, name) for name in free})


class WhitenSettings(StageSettings):
    """How PCA-whitening is learned."""

    dimensions: int | None = Field(None, ge=1, description="components that are kept; without it, all")
    power: float = Field(
        0.5,
        ge=0,
        le=1,
        description="power of the eigenvalues that components are divided by: 0.5 whitens (Tolias et al. 2016); "
        "0.25 is the later code's of Gordo et al.",
    )
