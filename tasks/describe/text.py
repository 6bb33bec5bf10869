"""Texts in the space of images: θ = Wᵀt / ‖Wᵀt‖₂ of a text's tf-idf vector t (Gordo & Larlus 2017, section 4.2)."""

import struct

import safetensors.torch
import scipy.sparse as sp
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag, normalize

from storage.errors import InputError


class TextEmbedding(nn.Module):
    """The layer W, a vector for each term of a vocabulary, learned with the network whose space it is of.

    Args:
        weight: float32 (terms, dimensions).
    """

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        return self.weight.shape[1]

    def forward(self, texts: sp.csr_array) -> Tensor:
        """Returns the vectors of texts, of unit length; a text without a term has zeros.

        Args:
            texts: float32 (n, terms), their tf-idf vectors.

        Returns:
            (n, dimensions), where and in the dtype that the layer is.
        """
        device = self.weight.device
        terms, begins = (
            torch.as_tensor(own, dtype=torch.int64, device=device) for own in (texts.indices, texts.indptr)
        )
        shares = torch.as_tensor(texts.data, dtype=self.weight.dtype, device=device)
        summed = embedding_bag(
            terms, self.weight, begins, mode="sum", per_sample_weights=shares, include_last_offset=True
        )
        return normalize(summed, dim=-1)


def begin_text(terms: int, dimensions: int, spread: float, seed: int) -> TextEmbedding:
    """Returns a layer that has learned nothing: normal numbers of a standard deviation."""
    generator = torch.Generator().manual_seed(seed)
    return TextEmbedding(spread * torch.randn(terms, dimensions, generator=generator))


def export_text(layer: TextEmbedding) -> bytes:
    """Returns the layer as a safetensors file of `weight` (terms, dimensions); of the same layer the same bytes."""
    return safetensors.torch.save({"weight": layer.weight.detach().cpu().contiguous()})


def read_text(content: bytes, terms: int, dimensions: int) -> TextEmbedding:
    """Returns the layer of such a file.

    Args:
        terms: of the vocabulary that it must fit. dimensions: of the network's vectors, likewise.

    Raises:
        InputError: it is none, is of another vocabulary or network, or holds what is no finite number.
    """
    try:
        weight = safetensors.torch.load(content)["weight"]
    except (safetensors.SafetensorError, KeyError, ValueError, struct.error) as error:
        raise InputError(f"a text embedding must be a safetensors file of `weight`: {error}") from error
    if weight.dtype != torch.float32 or weight.shape != (terms, dimensions):
        raise InputError(
            f"a text embedding of {terms} terms and {dimensions} dimensions is float32 ({terms}, {dimensions}), not "
            f"{weight.dtype} {tuple(weight.shape)}; take the vocabulary and the network that it was trained with"
        )
    if not weight.isfinite().all():  # every search by text would find nothing
        raise InputError("a text embedding has weights that are no finite numbers; train it anew, with a lower rate")
    return TextEmbedding(weight)
