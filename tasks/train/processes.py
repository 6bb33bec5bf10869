"""Several processes that train one network, by Lightning Fabric: what each of them does, and how they add up."""

import os
import platform
from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor
from torch.nn.functional import pad

_PATIENCE = timedelta(hours=2)  # in which others wait for the first process, which scores test sets
_T = TypeVar("_T")


def join_processes(device: str, expected: int) -> Fabric:
    """Joins the processes that torchrun has started, of which this is one.

    Args:
        device: `cpu`, `cuda` or `mps`; of CUDA, each process takes a card of its own.
        expected: how many they are to be.

    Raises:
        RuntimeError: they are not as many.
    """
    several = expected > 1
    backend = "nccl" if device == "cuda" else "gloo"
    # Buffers never change, and to exchange them would have each process describe as many images as the others
    ddp = DDPStrategy(process_group_backend=backend, timeout=_PATIENCE, broadcast_buffers=False)
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    fabric = Fabric(accelerator=device, devices=here, num_nodes=expected // here, strategy=ddp if several else "auto")
    fabric.launch()
    if fabric.world_size != expected:
        raise RuntimeError(f"{fabric.world_size} processes train, not {expected}; start them by torchrun")
    return fabric


def own_share(fabric: Fabric, items: Sequence[_T]) -> Sequence[_T]:
    """Returns those of the items that this process deals with: each process takes every so-manieth."""
    return items[fabric.global_rank :: fabric.world_size]


def gather(fabric: Fabric, own: Tensor, count: int) -> Tensor:
    """Returns what all processes made of their shares, in the order of the items, the same in each process.

    Args:
        own: (share, …), of this process.
        count: of all items.

    Returns:
        (count, …), without gradients.
    """
    if fabric.world_size == 1:
        return own.detach()
    longest = -(-count // fabric.world_size)
    padded = pad(own.detach(), (0, 0) * (own.dim() - 1) + (0, longest - len(own)))
    every = fabric.all_gather(padded)
    assert isinstance(every, Tensor)
    return torch.flatten(every.transpose(0, 1), 0, 1)[:count]


def gather_told(fabric: Fabric, own: dict[str, str]) -> dict[str, str]:
    """Returns what all processes have to tell, the same in each."""
    if fabric.world_size == 1:
        return own
    every: list[dict[str, str]] = [{}] * fabric.world_size
    torch.distributed.all_gather_object(every, own)
    return {name: reason for told in every for name, reason in told.items()}


def describe_environment(fabric: Fabric) -> dict[str, str]:
    """Returns what trains: device, number of processes, threads of each, and system."""
    name = torch.cuda.get_device_name(fabric.device) if fabric.device.type == "cuda" else platform.machine()
    return {
        "device": f"{fabric.device.type} ({name})",
        "processes": str(fabric.world_size),
        "threads": str(torch.get_num_threads()),
        "system": platform.platform(),
    }
