"""All that a run of training needs to go on as if it had never stopped, in one file that can hold no code.

The file is safetensors: the weights, the optimizer's state, and the mined triplets that iterations still draw from,
which could not be mined again, since the network has moved on. The run's progress is JSON in the file's metadata, so
that one write keeps both or neither. What else a run needs follows from its settings and the number of the iteration:
learning rates, and all random numbers.
"""

import json
from collections.abc import Mapping

import safetensors.torch
import torch
from pydantic import BaseModel, ConfigDict, FiniteFloat
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.optim import Optimizer

from storage.errors import InputError
from tasks.train.mining import Indices

_NETWORK, _OPTIMIZER, _MINED = "network.", "optimizer.", "mined"


class ScoredAt(BaseModel):
    """What the network scored after so many iterations: None where there was nothing to score."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    iteration: int
    test_set: str
    protocol: str
    queries: int
    score: FiniteFloat | None


class Progress(BaseModel):
    """How far a run of training is.

    Attributes:
        run: the digest of what it trains on and how; no run of another digest goes on from its checkpoints.
        losses: of each iteration so far; one that is not a finite number is refused, since nothing good follows it.
        scores: on the way, oldest first.
        best: after how many iterations the network was the best so far.
        left_out: photographs that could not be read, with the reason.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    losses: tuple[FiniteFloat, ...] = ()
    scores: tuple[ScoredAt, ...] = ()
    best: int = 0
    left_out: dict[str, str] = {}

    def with_loss(self, loss: float) -> "Progress":
        """Returns the progress after one more iteration. Raises ValidationError where the loss is no finite number."""
        return Progress(**{**dict(self), "losses": (*self.losses, loss)})


def export_checkpoint(network: nn.Module, optimizer: Optimizer, mined: Indices, progress: Progress) -> bytes:
    """Returns a checkpoint as the bytes of a file; of the same run at the same iteration the same bytes.

    Args:
        optimizer: one whose state is tensors alone, as those of SGD and Adam are.
        mined: int64 (triplets, 3), what iterations draw from.
    """
    state = optimizer.state_dict()["state"]
    tensors = {
        **{_NETWORK + name: tensor for name, tensor in network.state_dict().items()},
        **{f"{_OPTIMIZER}{of}.{name}": tensor for of, own in state.items() for name, tensor in own.items()},
        _MINED: torch.from_numpy(mined),
    }
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return safetensors.torch.save(plain, metadata={"progress": progress.model_dump_json()})


def restore_checkpoint(content: bytes, network: nn.Module, optimizer: Optimizer, run: str) -> tuple[Progress, Indices]:
    """Returns sets a network and its optimizer to what they were, and returns the progress and the mined triplets.

    Args:
        content: of a file that may be anybody's.
        network, optimizer: made as those of the run were; after an error they are as before.
        run: the digest that the checkpoint must be of.

    Raises:
        InputError: it is no checkpoint, is of another run, or does not fit the network and the optimizer.
    """
    try:
        tensors = safetensors.torch.load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])  # safetensors' own reader skips it
        progress = Progress.model_validate_json(header["__metadata__"]["progress"])
    except (SafetensorError, KeyError, ValueError) as error:
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        raise InputError(f"this is no checkpoint of a training: {said}; remove the file, and train anew") from error
    if progress.run != run:
        raise InputError(
            f"the checkpoint is of run {progress.run[:12]}, not of {run[:12]}: version, settings or software differ; "
            "train with those that it is of, or anew"
        )
    weights, mined = _below(_NETWORK, tensors), tensors.get(_MINED, torch.empty(0))
    _check_form(network.state_dict(), weights)
    if mined.dtype != torch.int64 or mined.shape[1:] != (3,):
        raise InputError(f"mined triplets of a checkpoint are int64 (n, 3), not {mined.dtype} {tuple(mined.shape)}")
    state = _state_of(optimizer, _below(_OPTIMIZER, tensors))
    network.load_state_dict(weights)
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    return progress, mined.numpy()


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _check_form(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    """Raises InputError unless tensors have the names, types and shapes of others; torch would convert them unasked."""
    wanted, given = ({name: (own.dtype, own.shape) for name, own in some.items()} for some in (expected, found))
    for name in sorted(wanted.keys() | given.keys()):
        if wanted.get(name) != given.get(name):
            raise InputError(
                f"the checkpoint doesn't fit the network: {name} is {given.get(name, 'missing')} in it and "
                f"{wanted.get(name, 'missing')} here; give the network that was trained"
            )


def _state_of(optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    """The state by the number of the weights that it is of, which it must have the shape of, unless it is a number."""
    shapes = {
        str(number): weights.shape
        for number, weights in enumerate(own for group in optimizer.param_groups for own in group["params"])
    }
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        number, _, kind = name.partition(".")
        if number not in shapes or tensor.shape not in (torch.Size(), shapes[number]):
            raise InputError(f"the checkpoint doesn't fit the optimizer: it has {name} of shape {tuple(tensor.shape)}")
        state.setdefault(int(number), {})[kind] = tensor
    return state
