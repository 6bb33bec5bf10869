"""The loop of training: triplets are found, batches looked at, weights moved, the network scored, and all of it kept.

It is the same loop whatever is learned, for one process and for several, and each of its draws follows from seed and
iteration, so that a run that was killed goes on to the same losses.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
from pydantic import ValidationError
from torch import Tensor

from storage.errors import InputError
from tasks.train.checkpoint import Progress
from tasks.train.gradients import accumulate_gradients
from tasks.train.loading import Unreadable
from tasks.train.mining import Indices
from tasks.train.objective import Batch, Objective
from tasks.train.scoring import is_over, score_if_due
from tasks.train.settings import LoopSettings
from tasks.train.trainer import Keeper, Trainer, pixels_of, with_left_out

_SIDES = 4  # a stream of random numbers


def train(trainer: Trainer, objective: Objective, progress: Progress, found: Indices, keeper: Keeper) -> Progress:
    """Trains a network from where it is to the end, which comes early where scores have long not risen.

    Args:
        found: triplets that iterations still draw from; none at first.

    Raises:
        InputError: the version has no triplets, or the loss is no number any more.
    """
    settings = trainer.settings
    while True:
        progress = score_if_due(trainer, objective, progress, keeper)
        done = len(progress.losses)
        if done == settings.iterations or is_over(progress, settings.validation.patience):
            return progress
        if done % objective.refresh == 0:
            found, left_out = objective.find(trainer, progress)
            progress = with_left_out(progress, left_out)
        for step in _load(trainer, objective, found, done, _next_stop(done, objective.refresh, settings)):
            loss, left_out = _move(trainer, objective, step)
            try:
                progress = with_left_out(progress, left_out).with_loss(loss)
            except ValidationError as error:
                raise InputError(
                    f"the loss of iteration {step.iteration} is {loss}: training diverges; lower [train.optimizer] rate"
                ) from error
            keeper.tell(progress)
            if (step.iteration + 1) % settings.checkpoint_every == 0:
                keeper.keep(progress, found)


class _Step(NamedTuple):
    """An iteration: what it looks at, in which size, and this process' share of that."""

    iteration: int
    batch: Batch
    side: int
    loaded: list[Tensor | Unreadable]


def _next_stop(done: int, refresh: int, settings: LoopSettings) -> int:
    """Up to which iteration batches are known: then triplets are found anew, or the network is scored."""
    steps = refresh, settings.validation.every
    return min(settings.iterations, *(done - done % step + step for step in steps))


def _load(trainer: Trainer, objective: Objective, found: Indices, begin: int, end: int) -> Iterator[_Step]:
    """Iterations with their photographs, which are loaded while those before are looked at."""
    sides = trainer.settings.longest_sides
    steps = [
        _Step(number, objective.batch(found, number), _side(sides, objective.seed, number), [])
        for number in range(begin, end)
    ]
    shares = [trainer.share(step.batch.images) for step in steps]
    asked = [
        trainer.ask(number, step.side, crop=objective.crop)
        for share, step in zip(shares, steps, strict=True)
        for number in share
    ]
    coming = iter(trainer.load(asked))
    for share, step in zip(shares, steps, strict=True):
        yield step._replace(loaded=list(islice(coming, len(share))))


def _side(sides: Sequence[int], seed: int, iteration: int) -> int:
    return sides[int(np.random.default_rng([seed, _SIDES, iteration]).integers(len(sides)))]


def _move(trainer: Trainer, objective: Objective, step: _Step) -> tuple[float, dict[str, str]]:
    """Moves the weights once; returns the loss, and which photographs could not be read."""
    images, settings, optimizer = step.batch.images, trainer.settings, trainer.optimizer
    if not len(images):
        return 0.0, {}
    readable, left_out = trainer.readable(images, step.loaded)
    for group in optimizer.param_groups:
        group["lr"] = settings.optimizer.rate_at(step.iteration)
    optimizer.zero_grad(set_to_none=True)
    pixels = [pixels_of(one) for one in step.loaded]
    loss = objective.loss(step.batch, readable)
    lost = accumulate_gradients(trainer.fabric, trainer.network, pixels, len(images), loss)
    optimizer.step()
    return lost, left_out
