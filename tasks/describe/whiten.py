"""PCA-whitening, learned once and applied as two layers of a network: a shift and a fully connected layer."""

import struct
from dataclasses import dataclass

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from storage.errors import InputError


@dataclass(frozen=True)
class Moments:
    """What whitening needs to know of vectors, of which none is kept; moments of parts of a collection add up.

    Attributes:
        count: of the vectors.
        total: float64 (d,), their sum.
        products: float64 (d, d), the sum of their outer products.
    """

    count: int
    total: NDArray[np.float64]
    products: NDArray[np.float64]

    @classmethod
    def of(cls, vectors: NDArray[np.floating]) -> "Moments":
        """Returns the moments of vectors (n, d)."""
        exact = vectors.astype(np.float64)
        return cls(len(exact), exact.sum(axis=0), exact.T @ exact)

    def plus(self, other: "Moments") -> "Moments":
        """Returns the moments of both collections together."""
        return Moments(self.count + other.count, self.total + other.total, self.products + other.products)


def export_moments(moments: Moments) -> bytes:
    """Returns moments as a safetensors file of `count`, `total` and `products`."""
    tensors = {"total": torch.from_numpy(moments.total), "products": torch.from_numpy(moments.products)}
    return safetensors.torch.save({"count": torch.tensor(moments.count), **tensors})


def read_moments(content: bytes) -> Moments:
    """Returns the moments of such a file, which this program wrote."""
    tensors = safetensors.torch.load(content)
    return Moments(int(tensors["count"]), tensors["total"].numpy(), tensors["products"].numpy())


class Whiten(nn.Module):
    """Whitening as layers that can be trained on: (…, d) → (…, k).

    Args:
        shift: float32 (d,). weight: float32 (k, d).
    """

    def __init__(self, shift: Tensor, weight: Tensor) -> None:
        super().__init__()
        self.shift, self.weight = nn.Parameter(shift), nn.Parameter(weight)

    def forward(self, vectors: Tensor) -> Tensor:
        """Shifts and projects the vectors."""
        return nn.functional.linear(vectors - self.shift, self.weight)


def learn_whitening(moments: Moments, dimensions: int | None, power: float) -> Whiten:
    """Learns the principal components of vectors, each divided by its eigenvalue to a power.

    A power of 0.5 is whitening as in R-MAC (Tolias et al. 2016; their released code); the later code of Gordo et al.
    takes 0.25. A component's sign, which is arbitrary, is such that its largest entry is positive.

    Args:
        dimensions: k, how many components are kept, those of the largest variance; None: all.

    Raises:
        InputError: there are too few vectors to tell so many components.
    """
    width = len(moments.total)
    kept = width if dimensions is None else dimensions
    if kept > width or moments.count <= kept:
        raise InputError(
            f"whitening to {kept} dimensions needs more than {kept} vectors of at least as many dimensions, and there "
            f"are {moments.count} of {width}; describe more photographs, or lower [whiten] dimensions"
        )
    mean = moments.total / moments.count
    covariance = (moments.products - moments.count * np.outer(mean, mean)) / (moments.count - 1)
    variances, vectors = np.linalg.eigh(covariance)
    variances, components = variances[::-1][:kept], vectors.T[::-1][:kept]
    largest = np.take_along_axis(components, np.abs(components).argmax(axis=1)[:, None], axis=1)
    strength = np.maximum(variances, np.finfo(np.float32).eps * variances[0])  # no direction is blown up beyond this
    weight = components * np.sign(largest) / strength[:, None] ** power
    return Whiten(torch.from_numpy(mean.astype(np.float32)), torch.from_numpy(np.ascontiguousarray(weight, np.float32)))


def export_whitening(whitening: Whiten) -> bytes:
    """Returns the layers as a safetensors file of `shift` (d,) and `weight` (k, d).

    Of the same layers the same bytes.
    """
    return safetensors.torch.save({name: tensor.detach().cpu() for name, tensor in whitening.state_dict().items()})


def read_whitening(content: bytes) -> Whiten:
    """Returns the layers of such a file.

    Raises:
        InputError: it is none, or its layers don't fit together.
    """
    try:
        layers = safetensors.torch.load(content)
        shift, weight = layers["shift"], layers["weight"]
    except (safetensors.SafetensorError, KeyError, ValueError, struct.error) as error:
        raise InputError(f"a whitening must be a safetensors file of `shift` and `weight`: {error}") from error
    if shift.dtype != torch.float32 or weight.dtype != torch.float32 or weight.shape[1:] != shift.shape:
        raise InputError(
            f"a whitening has float32 layers of shapes (d,) and (k, d), not {shift.dtype} {tuple(shift.shape)} and "
            f"{weight.dtype} {tuple(weight.shape)}"
        )
    return Whiten(shift, weight)
