"""Weights of networks: read from files that may be anybody's, and told apart by their digest."""

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from storage.errors import InputError

Weights = Mapping[str, Tensor]


def read_weights(path: str, sha256: str) -> dict[str, Tensor]:
    """Reads a file of weights, of which nothing is executed.

    Args:
        path: a safetensors file by its name's end, or else what `torch.save` wrote of a state dict.
        sha256: of the file, hexadecimal.

    Raises:
        InputError: it can't be read, is another file, or holds something else than tensors by name.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"weights {path} can't be read: {error.strerror}; give [describe] weights a file") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise InputError(f"weights {path} have sha256 {found}, not {sha256}; give the file that was promised")
    return decode_weights(content, path)


def decode_weights(content: bytes, path: str) -> dict[str, Tensor]:
    """Returns the weights that a file holds, of which nothing is executed.

    Args:
        path: the file's, as `read_weights` takes it.

    Raises:
        InputError: it holds something else than tensors by name.
    """
    try:
        loaded = safetensors.torch.load(content) if path.endswith(".safetensors") else _load_torch(content)
    except Exception as error:  # of what a file holds, each reader complains in its own way
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        raise InputError(
            f"weights {path} are neither safetensors nor a state dict that torch loads without executing it: {said}"
        ) from error
    if not isinstance(loaded, Mapping) or not all(isinstance(tensor, Tensor) for tensor in loaded.values()):
        raise InputError(f"weights {path} must hold tensors by name; save model.state_dict() alone")
    return dict(loaded)


def _load_torch(content: bytes) -> Any:
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def export_weights(network: nn.Module) -> bytes:
    """Returns the weights of a network by their names, as a safetensors file; of the same weights the same bytes."""
    return safetensors.torch.save({name: own.detach().cpu().contiguous() for name, own in network.state_dict().items()})


def load_into(network: nn.Module, weights: Weights, name: str, unused: tuple[str, ...]) -> None:
    """Loads weights into a network, which must have a place for each, and each place its weights.

    Args:
        unused: begins the names of what describing does not use, the classifier; the weights may lack these.

    Raises:
        InputError: names or shapes differ; the first is told.
    """
    try:
        missing, extra = network.load_state_dict(weights, strict=False, assign=True)
    except RuntimeError as error:  # of shapes that differ
        raise InputError(f"weights don't fit {name}: {str(error).splitlines()[-1].strip()}") from error
    missing = [own for own in missing if not own.startswith(unused)]
    if missing or extra:
        told = f"there is no {missing[0]}" if missing else f"it has no place for {extra[0]}"
        raise InputError(f"weights don't fit {name}: {told} ({len(missing) + len(extra)} in all differ)")


def digest_of(weights: Weights) -> str:
    """Hashes tensors by name: their names, types, shapes and values, whatever their order; sha256, hexadecimal."""
    digest = hashlib.sha256()
    for name, tensor in sorted(weights.items()):
        digest.update(f"{name} {tensor.dtype} {[*tensor.shape]}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
