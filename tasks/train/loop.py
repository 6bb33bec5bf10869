"""The loop of training: pools are mined, batches looked at, weights moved, the network scored, and all of it kept.

It is the same loop for one process and for several, and each of its draws follows from seed and iteration, so that a
run that was killed goes on to the same losses.
"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
from pydantic import ValidationError
from torch import Tensor

from storage.errors import InputError
from tasks.train.batches import Batch, list_batch, loss_of, triplet_batch
from tasks.train.checkpoint import Progress
from tasks.train.gradients import accumulate_gradients
from tasks.train.loading import Unreadable
from tasks.train.mining import Indices, draw_pool, mine_triplets
from tasks.train.scoring import is_over, score_if_due
from tasks.train.settings import TrainSettings
from tasks.train.trainer import Keeper, Trainer, pixels_of, with_left_out

_SIDES = 4  # a stream of random numbers


def train(trainer: Trainer, progress: Progress, mined: Indices, keeper: Keeper) -> Progress:
    """Trains a network from where it is to the end, which comes early where scores have long not risen.

    Args:
        mined: triplets that iterations still draw from; none at first.

    Raises:
        InputError: the version has no triplets, or the loss is no number any more.
    """
    settings = trainer.settings
    while True:
        progress = score_if_due(trainer, progress, keeper)
        done = len(progress.losses)
        if done == settings.iterations or is_over(progress, settings.validation.patience):
            return progress
        if done % settings.mining.refresh == 0 and settings.loss.loss != "ap":
            mined, progress = _mine(trainer, progress)
        for step in _load(trainer, mined, done, _next_stop(done, settings)):
            loss, left_out = _move(trainer, step)
            try:
                progress = with_left_out(progress, left_out).with_loss(loss)
            except ValidationError as error:
                raise InputError(
                    f"the loss of iteration {step.iteration} is {loss}: training diverges; lower [train.optimizer] rate"
                ) from error
            keeper.tell(progress)
            if (step.iteration + 1) % settings.checkpoint_every == 0:
                keeper.keep(progress, mined)


class _Step(NamedTuple):
    """An iteration: what it looks at, in which size, and this process' share of that."""

    iteration: int
    batch: Batch
    side: int
    loaded: list[Tensor | Unreadable]


def _next_stop(done: int, settings: TrainSettings) -> int:
    """Up to which iteration batches are known: then another pool is mined, or the network is scored."""
    steps = settings.mining.refresh, settings.validation.every
    return min(settings.iterations, *(done - done % step + step for step in steps))


def _load(trainer: Trainer, mined: Indices, begin: int, end: int) -> Iterator[_Step]:
    """Iterations with their photographs, which are loaded while those before are looked at."""
    mining, settings = trainer.settings.mining, trainer.settings
    steps = [
        _Step(
            iteration,
            list_batch(trainer.labels, mining, iteration)
            if settings.loss.loss == "ap"
            else triplet_batch(mined, mining, iteration),
            _side(settings, iteration),
            [],
        )
        for iteration in range(begin, end)
    ]
    shares = [trainer.share(step.batch.images) for step in steps]
    asked = [
        trainer.ask(number, step.side, crop=settings.crop)
        for share, step in zip(shares, steps, strict=True)
        for number in share
    ]
    coming = iter(trainer.load(asked))
    for share, step in zip(shares, steps, strict=True):
        yield step._replace(loaded=list(islice(coming, len(share))))


def _side(settings: TrainSettings, iteration: int) -> int:
    sides = settings.longest_sides
    return sides[int(np.random.default_rng([settings.mining.seed, _SIDES, iteration]).integers(len(sides)))]


def _move(trainer: Trainer, step: _Step) -> tuple[float, dict[str, str]]:
    """Moves the weights once; returns the loss, and which photographs could not be read."""
    images, settings, optimizer = step.batch.images, trainer.settings, trainer.optimizer
    if not len(images):
        return 0.0, {}
    readable, left_out = trainer.readable(images, step.loaded)
    for group in optimizer.param_groups:
        group["lr"] = settings.optimizer.rate_at(step.iteration)
    optimizer.zero_grad(set_to_none=True)
    loss = loss_of(step.batch, trainer.labels, readable, settings.loss)
    pixels = [pixels_of(one) for one in step.loaded]
    lost = accumulate_gradients(trainer.fabric, trainer.network, pixels, len(images), loss)
    optimizer.step()
    return lost, left_out


def _mine(trainer: Trainer, progress: Progress) -> tuple[Indices, Progress]:
    """The triplets of a new pool, and the progress that knows which photographs of it could not be read."""
    settings = trainer.settings
    pool = draw_pool(trainer.labels, settings.mining, len(progress.losses) // settings.mining.refresh)
    vectors, readable, left_out = trainer.describe(pool, crop=settings.crop)
    margin, hardest = settings.loss.dot_margin, settings.mining.hardest
    mined = mine_triplets(trainer.labels, pool[readable], vectors[readable], margin, hardest)
    return mined, with_left_out(progress, left_out)
