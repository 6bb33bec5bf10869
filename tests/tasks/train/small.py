"""A small network, and a training of it that may kill itself: python -m tests.tasks.train.small FOLDER [ITERATION]."""

import io
import json
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from storage.errors import DamagedTableError
from storage.parts import drop_parts, keep_part, read_parts
from storage.root import Root
from tasks.describe.network import Network
from tasks.describe.settings import DescribeSettings
from tasks.describe.whiten import Whiten
from tasks.train.checkpoint import Progress, export_checkpoint, restore_checkpoint
from tasks.train.gradients import make_trainable
from tasks.train.instances import Instances
from tasks.train.loop import train
from tasks.train.mining import Indices, Labels
from tasks.train.optimizing import make_optimizer
from tasks.train.processes import join_processes
from tasks.train.samples import Photograph, Samples
from tasks.train.settings import LossSettings, MiningSettings, OptimizerSettings, TrainSettings, ValidationSettings
from tasks.train.trainer import Keeper, Trainer

CLASSES, EACH = 3, 5  # the last of each class validates
SETTINGS = TrainSettings(
    iterations=12,
    longest_sides=(64,),
    checkpoint_every=3,
    loss=LossSettings(margin=0.5),
    mining=MiningSettings(pool=10, hardest=3, refresh=5, batch=4),
    optimizer=OptimizerSettings(rate=0.2, low_rate=0.1, lower_after=7),
    validation=ValidationSettings(every=6),
)


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


def picture(path: str) -> bytes:
    """A made-up photograph `CLASS-NUMBER`: the coarse pattern of its class, under noise of its own."""
    own, number = map(int, path.split("-"))
    pattern = np.random.default_rng(own).integers(0, 256, (6, 8, 3))
    noise = np.random.default_rng([own, number]).integers(-90, 90, (48, 64, 3))
    coarse = Image.fromarray(pattern.astype(np.uint8)).resize((64, 48), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    Image.fromarray((np.asarray(coarse, np.int64) + noise).clip(0, 255).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def picture_without(missing: str, path: str) -> bytes:
    """The same, but for one that is gone."""
    if path == missing:
        raise DamagedTableError(f"{path} is gone")
    return picture(path)


def small_samples() -> Samples:
    names = [f"{own}-{number}" for own in range(CLASSES) for number in range(EACH)]
    box = (8.0, 8.0, 56.0, 48.0)
    labels = Labels(np.repeat(np.arange(CLASSES), EACH), np.arange(len(names)))
    validates = np.arange(len(names)) % EACH == EACH - 1
    return Samples([Photograph(name, name, box) for name in names], labels, ["a", "b", "c"], validates)


def make_trainer(
    settings: TrainSettings = SETTINGS, read: Callable[[str], bytes] = picture, processes: int = 1, workers: int = 0
) -> Trainer:
    fabric, network = join_processes("cpu", processes), small_network()
    wrapped, optimizer = fabric.setup(network, make_optimizer(network, settings.optimizer))
    return Trainer(fabric, wrapped, optimizer, small_samples().photographs, settings, read, workers, lambda _: ())


def learn(trainer: Trainer, settings: TrainSettings, keeper: Keeper | None = None) -> Progress:
    """A training from its beginning."""
    nothing = np.empty((0, 3), np.int64)
    return train(trainer, Instances(small_samples(), settings), Progress(run="small"), nothing, keeper or Keeper())


class Folder(Keeper):
    """Keeps checkpoints in a folder, and may kill the process when an iteration is done."""

    def __init__(self, trainer: Trainer, root: Root, die_at: int | None = None) -> None:
        self._trainer, self._root, self._die_at = trainer, root, die_at
        self.best = list[int]()

    def keep_best(self, iteration: int) -> None:
        self.best.append(iteration)

    def keep(self, progress: Progress, mined: Indices) -> None:
        name = f"{len(progress.losses):06}"
        content = export_checkpoint(self._trainer.network.module, self._trainer.optimizer, mined, progress)
        keep_part(self._root, "run", name, content)
        drop_parts(self._root, "run", but=name)

    def tell(self, progress: Progress) -> None:
        if len(progress.losses) == self._die_at:
            os.kill(os.getpid(), signal.SIGKILL)


def run(folder: Path, die_at: int | None = None) -> Progress:
    """A training that goes on from its last checkpoint."""
    trainer, root = make_trainer(), Root(str(folder))
    progress, mined = Progress(run="small"), np.empty((0, 3), np.int64)
    for _, content in read_parts(root, "run"):
        progress, mined = restore_checkpoint(content, trainer.network.module, trainer.optimizer, "small")
    return train(trainer, Instances(small_samples(), SETTINGS), progress, mined, Folder(trainer, root, die_at))


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1] == "--together":
        trained = learn(make_trainer(read=partial(picture_without, "1-2"), processes=2, workers=1), SETTINGS)
        Path(sys.argv[2], f"{os.environ['RANK']}.json").write_text(json.dumps(trained.model_dump(mode="json")))
        from tests.tasks.train import small_semantic

        said = small_semantic.learn(small_semantic.small(small_semantic.settings_of(texts=True), processes=2))
        Path(sys.argv[2], f"said-{os.environ['RANK']}.json").write_text(json.dumps(said.model_dump(mode="json")))
    else:
        run(Path(sys.argv[1]), int(sys.argv[2]))
