"""The gradients of one batch, in a process of its own; prints what they cost as a line of JSON.

`python -m bench.training.memory_once by-image|direct|exchanges SIDE IMAGES`; `exchanges` needs two
processes of torchrun.
"""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from lightning_fabric import Fabric
from torch import Tensor
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook
from torch.futures import Future
from torch.nn.parallel import DistributedDataParallel

from tasks.describe.network import Network, load_network
from tasks.describe.settings import DescribeSettings
from tasks.describe.whiten import Whiten
from tasks.train.gradients import accumulate_gradients, make_trainable
from tasks.train.losses import dot_losses
from tasks.train.processes import join_processes, own_share

_STEPS = 3
_DIMENSIONS = 256


class GradientCost(NamedTuple):
    """By how many bytes a process grew at most over one that has its network loaded, and CPU seconds of a step."""

    grown: int
    seconds: float


def main(way: str, side: str, count: str) -> None:
    """Computes the gradients, and prints the costs."""
    torch.set_num_threads(1)
    images = random_images(int(count), int(side))
    if way == "exchanges":
        _print_exchanges(images)
        return
    network = make_network()
    fabric = Fabric(accelerator="cpu", devices=1)
    wrapped = fabric.setup_module(network)
    network(images[0][..., :64, :64])  # what libraries set up once is no part of a step
    ways: dict[str, Callable[[], object]] = {
        "by-image": lambda: accumulate_gradients(fabric, wrapped, images, len(images), loss_of),
        "direct": lambda: direct_gradients(network, images),
    }
    before, taken = _forget_peak(), list[float]()
    for _ in range(_STEPS):
        network.zero_grad(set_to_none=True)
        started = process_time()
        ways[way]()
        taken.append(process_time() - started)
    print(json.dumps(GradientCost(_peak() - before, median(taken))._asdict()))


def make_network() -> Network:
    """EfficientNet-lite0 with R-MAC and whitening that stands for a learned one, all of it to be trained."""
    network = load_network(DescribeSettings(backbone="efficientnet-lite0", levels=2))
    network.whitening = Whiten(torch.zeros(network.channels), torch.eye(network.channels)[:_DIMENSIONS].contiguous())
    make_trainable(network)
    return network


def random_images(count: int, side: int) -> list[Tensor]:
    """Pictures of noise, of side × ¾ side pixels."""
    random = torch.Generator().manual_seed(0)
    size = (1, 3, side * 3 // 4, side)
    return [torch.randint(0, 256, size, dtype=torch.uint8, generator=random) for _ in range(count)]


def loss_of(described: Tensor) -> Tensor:
    """The ranking loss of triplets of neighbours, each of which loses."""
    return dot_losses(described.unfold(0, 3, 1).transpose(1, 2), 1.0).mean()


def direct_gradients(network: Network, images: Sequence[Tensor]) -> None:
    """The gradients by backpropagation through all images together."""
    torch.autograd.backward(loss_of(torch.cat([network(image) for image in images])))


def _forget_peak() -> int:
    """Has Linux count the peak anew, and gives the bytes that the process has now; loading a network took more."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _peak() -> int:
    return _status("VmHWM")


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name))


def _print_exchanges(images: list[Tensor]) -> None:
    fabric, network = join_processes("cpu", 2), make_network()
    wrapped, _ = fabric.setup(network, torch.optim.SGD(network.parameters(), lr=0.0))
    parallel = wrapped._forward_module
    assert isinstance(parallel, DistributedDataParallel)
    buckets = list[bool]()

    # torch wants just this annotation, and does not export its name to type checkers
    def count(group: Any, bucket: dist.GradBucket) -> Future[Tensor]:  # type: ignore[name-defined]
        buckets.append(bucket.is_last())
        return allreduce_hook(group, bucket)

    parallel.register_comm_hook(None, count)
    accumulate_gradients(fabric, wrapped, own_share(fabric, images), len(images), loss_of)
    if fabric.global_rank == 0:
        print(json.dumps({"exchanges": sum(buckets), "buckets": len(buckets)}), flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
