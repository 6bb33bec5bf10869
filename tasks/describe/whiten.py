"""PCA-whitening, learned once and applied as two layers of a network: a shift and a fully connected layer."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from torch import Tensor, nn

from storage.errors import InputError


class Whitening(NamedTuple):
    """A map y = weight · (x − shift): shift float32 (d,), weight float32 (k, d)."""

    shift: NDArray[np.float32]
    weight: NDArray[np.float32]


def learn_whitening(vectors: NDArray[np.float32], dimensions: int, power: float = 0.5) -> Whitening:
    """Learns the principal components of vectors, each divided by its eigenvalue to a power.

    A power of 0.5 is whitening as R-MAC's authors' code has it; Deep Image Retrieval's later code takes 0.25.

    Args:
        vectors: float32 (n, d).
        dimensions: k, how many components are kept, at most d.

    Raises:
        InputError: there are fewer vectors than components asked for.
    """
    count, width = vectors.shape
    if count <= dimensions or width < dimensions:
        raise InputError(
            f"whitening to {dimensions} dimensions needs more than {dimensions} vectors of at least as many, and has "
            f"{count} of {width}; describe more photographs, or lower [describe] dimensions"
        )
    found = PCA(dimensions, svd_solver="covariance_eigh").fit(vectors.astype(np.float64))
    strength = np.maximum(found.explained_variance_, np.finfo(np.float32).eps * found.explained_variance_[0])
    weight = found.components_ / strength[:, None] ** power
    return Whitening(found.mean_.astype(np.float32), weight.astype(np.float32))


class Whiten(nn.Module):
    """A whitening as layers that can be trained on: (…, d) → (…, k)."""

    def __init__(self, whitening: Whitening) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.from_numpy(whitening.shift.copy()))
        self.weight = nn.Parameter(torch.from_numpy(whitening.weight.copy()))

    def forward(self, vectors: Tensor) -> Tensor:
        """Shifts and projects the vectors."""
        return nn.functional.linear(vectors - self.shift, self.weight)
