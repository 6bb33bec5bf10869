"""What a checkpoint keeps comes back bit for bit; what is no checkpoint of a run is refused whole."""

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from torch.optim import SGD, Adam

from storage.errors import InputError
from tasks.train.checkpoint import Progress, export_checkpoint, restore_checkpoint
from tests.tasks.train.small import small_network

ROOT = Path(__file__).parents[3]
MINED = np.array([[0, 1, 2], [0, 3, 2]])


def trained(optimizer_class: type[SGD | Adam], steps: int) -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    network = small_network()
    optimizer = optimizer_class(network.parameters(), lr=0.01, **({"momentum": 0.9} if optimizer_class is SGD else {}))
    for step in range(steps):
        for weights in network.parameters():
            weights.grad = torch.full_like(weights, 0.1 * (step + 1))
        optimizer.step()
    return network, optimizer


@pytest.mark.parametrize("optimizer_class", [SGD, Adam])
def test_whatever_an_optimizer_knows_comes_back(optimizer_class: type[SGD | Adam]) -> None:
    progress = Progress(run="a", losses=(0.5, 0.25))
    content = export_checkpoint(*trained(optimizer_class, 2), MINED, progress)
    fresh = trained(optimizer_class, 0)
    again, mined = restore_checkpoint(content, *fresh, "a")
    assert again == progress
    assert np.array_equal(mined, MINED)
    assert export_checkpoint(*fresh, mined, again) == content


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_losses_come_back_bit_for_bit(losses: list[float]) -> None:
    progress = Progress(run="a", losses=tuple(losses))
    assert Progress.model_validate_json(progress.model_dump_json()) == progress


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_is_kept_nowhere(loss: float) -> None:
    with pytest.raises(ValidationError, match="finite"):
        Progress(run="a", losses=(loss,))


def changed(content: bytes, progress: str | None = None, **tensors: torch.Tensor | None) -> bytes:
    """A checkpoint with other tensors, None for one that is left out, or other progress."""
    now = {**safetensors.torch.load(content), **tensors}
    told = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
    metadata = told if progress is None else {"progress": progress}
    return safetensors.torch.save({name: own for name, own in now.items() if own is not None}, metadata)


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ({"network.whitening.shift": None}, "whitening.shift is missing in it"),
        ({"network.more": torch.zeros(1)}, "network: more is .* and missing here"),
        ({"network.whitening.shift": torch.zeros(7)}, r"whitening.shift is .*\[7\]"),
        ({"network.whitening.shift": torch.zeros(8).double()}, "whitening.shift is .*float64"),
        ({"optimizer.99.momentum_buffer": torch.zeros(8)}, "optimizer: it has 99.momentum_buffer"),
        ({"optimizer.0.momentum_buffer": torch.zeros(9)}, r"0.momentum_buffer of shape \(9,\)"),
        ({"mined": None}, r"int64 \(n, 3\), not torch.float32"),
        ({"mined": torch.zeros(4, 2).long()}, r"not torch.int64 \(4, 2\)"),
        ({"progress": "{"}, "no checkpoint of a training"),
        ({"progress": '{"run": "a", "losses": [NaN]}'}, "no checkpoint of a training"),
        ({"progress": '{"run": "b", "losses": []}'}, "is of run b, not of a"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(tensors: dict[str, torch.Tensor], said: str) -> None:
    content = export_checkpoint(*trained(SGD, 2), MINED, Progress(run="a"))
    fresh = trained(SGD, 1)
    before = export_checkpoint(*fresh, MINED, Progress(run="a"))
    with pytest.raises(InputError, match=said):
        restore_checkpoint(changed(content, **tensors), *fresh, "a")
    assert export_checkpoint(*fresh, MINED, Progress(run="a")) == before


@pytest.mark.parametrize(
    "content", [b"", b"\xff" * 64, b"\x80\x04N.", safetensors.torch.save({"mined": torch.zeros(1, 3).long()})]
)
def test_what_is_no_checkpoint_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match=r"no checkpoint of a training: .*; remove the file"):
        restore_checkpoint(content, *trained(SGD, 0), "a")


def test_a_checkpoint_without_its_end_is_refused() -> None:
    content = export_checkpoint(*trained(SGD, 2), MINED, Progress(run="a"))
    with pytest.raises(InputError, match="no checkpoint of a training"):
        restore_checkpoint(content[:-1], *trained(SGD, 0), "a")
