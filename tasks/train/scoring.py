"""Scores on the way: when they are due, which network is the best, and when training ends early."""

from tasks.train.checkpoint import Progress, ScoredAt
from tasks.train.trainer import Keeper, Trainer, with_left_out
from tasks.train.validation import searched, validation_score

VALIDATION = "val"
"""The name of the version's own validating photographs among test sets."""


def score_if_due(trainer: Trainer, progress: Progress, keeper: Keeper) -> Progress:
    """Scores the network where that is due, and has it kept where it is the best so far."""
    done, settings = len(progress.losses), trainer.settings
    if done % settings.validation.every and done != settings.iterations:
        return progress
    samples = trainer.samples
    photographs = searched(samples.validates, settings.validation)
    vectors, readable, left_out = trainer.describe(photographs)
    found, queries = validation_score(vectors[readable], photographs[readable], samples.labels, samples.validates)
    value = found if queries else None
    own = ScoredAt(iteration=done, test_set=VALIDATION, protocol="own", queries=queries, mean_average_precision=value)
    others = tuple(trainer.score_sets(done)) if trainer.fabric.global_rank == 0 else ()
    scores = (*progress.scores, own, *trainer.fabric.broadcast(others))
    progress = with_left_out(progress, left_out).model_copy(update={"scores": scores})
    if is_best(progress, own):
        progress = progress.model_copy(update={"best": done})
        keeper.keep_best(done)
    keeper.tell(progress)
    return progress


def is_best(progress: Progress, own: ScoredAt) -> bool:
    """Whether no score of validation before was as good; where there is none, the newest network is the best."""
    before = [one for one in progress.scores if one.test_set == VALIDATION and one.iteration < own.iteration]
    known = [one.mean_average_precision for one in before if one.mean_average_precision is not None]
    if own.mean_average_precision is None:
        return not known
    return own.mean_average_precision > max(known, default=-1.0)


def is_over(progress: Progress, patience: int | None) -> bool:
    """Whether so many scores of validation in a row have not been better than the best before them."""
    since = [one for one in progress.scores if one.test_set == VALIDATION and one.iteration > progress.best]
    return patience is not None and len(since) >= patience
