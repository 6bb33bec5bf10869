"""A small network, and a training of it that kills itself: python -m tests.tasks.train.small FOLDER ITERATION."""

import os
import signal
import sys

import numpy as np
import torch
from torch import Tensor, nn

from storage.parts import drop_parts, keep_part, read_parts
from storage.root import Root
from tasks.describe.network import Network
from tasks.describe.settings import DescribeSettings
from tasks.describe.whiten import Whiten
from tasks.train.checkpoint import Progress, export_checkpoint, restore_checkpoint
from tasks.train.gradients import accumulate_gradients, make_trainable
from tasks.train.losses import dot_losses
from tasks.train.mining import Indices, Labels, draw_pool, draw_triplets, mine_triplets
from tasks.train.settings import MiningSettings

ITERATIONS, EVERY = 12, 3  # in all, and between checkpoints
MINING = MiningSettings(pool=10, hardest=3, refresh=5, batch=4)
LABELS = Labels(np.arange(12) % 3, np.arange(12))


class Small:
    """A backbone of two layers, with BatchNorm between them and dropout behind."""

    mean, std = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)

    def __init__(self) -> None:
        torch.manual_seed(0)
        layers = nn.Conv2d(3, 6, 4, 4), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 8, 4, 4), nn.ReLU(), nn.Dropout(0.5)
        self.network = nn.Sequential(*layers)

    def maps(self, pixels: Tensor) -> Tensor:
        maps: Tensor = self.network(pixels)
        return maps


def small_network() -> Network:
    """The same network each time, ready to be trained."""
    random = torch.Generator().manual_seed(2)
    network = Network(
        Small(), DescribeSettings(levels=2), Whiten(torch.full((8,), 0.1), torch.randn(5, 8, generator=random))
    )
    make_trainable(network)
    return network


def images_of(*sizes: tuple[int, int]) -> list[Tensor]:
    random = torch.Generator().manual_seed(1)
    return [torch.randint(0, 256, (1, 3, *size), dtype=torch.uint8, generator=random) for size in sizes]


def train(root: Root, die_at: int | None = None) -> tuple[float, ...]:
    """The losses of a training that goes on from its last checkpoint, and may kill itself inside an iteration."""
    network, images = small_network(), images_of(*[(48, 64)] * 12)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.2, momentum=0.9, weight_decay=5e-5)
    progress, mined = Progress(run="small"), np.empty((0, 3), np.int64)
    for _, content in read_parts(root, "run"):
        progress, mined = restore_checkpoint(content, network, optimizer, "small")
    for iteration in range(len(progress.losses), ITERATIONS):
        if iteration % MINING.refresh == 0:
            mined = mine(network, images, iteration // MINING.refresh)
        triplets = torch.from_numpy(draw_triplets(mined, MINING, iteration))
        optimizer.zero_grad()
        optimizer.param_groups[0]["lr"] = 0.2 if iteration < 7 else 0.1
        loss = accumulate_gradients(network, images, lambda own, of=triplets: dot_losses(own[of], 0.1).mean())
        if iteration == die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        optimizer.step()
        progress = Progress(run="small", losses=(*progress.losses, loss))
        if (iteration + 1) % EVERY == 0:
            keep_part(root, "run", f"{iteration:06}", export_checkpoint(network, optimizer, mined, progress))
            drop_parts(root, "run", but=f"{iteration:06}")
    return progress.losses


@torch.no_grad()
def mine(network: Network, images: list[Tensor], number: int) -> Indices:
    pool = draw_pool(LABELS, MINING, number)
    descriptors = torch.cat([network(images[image]) for image in pool])
    return mine_triplets(LABELS, pool, descriptors.numpy(), 0.1, MINING.hardest)


if __name__ == "__main__":
    torch.set_num_threads(1)
    train(Root(sys.argv[1]), int(sys.argv[2]))
