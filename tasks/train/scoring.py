"""Scores on the way: when they are due, which network is the best, and when training ends early."""

from tasks.train.checkpoint import Progress, ScoredAt
from tasks.train.objective import VALIDATION, Objective
from tasks.train.trainer import Keeper, Trainer, with_left_out


def score_if_due(trainer: Trainer, objective: Objective, progress: Progress, keeper: Keeper) -> Progress:
    """Scores the network where that is due, and has it kept where it is the best so far."""
    done, settings = len(progress.losses), trainer.settings
    if done % settings.validation.every and done != settings.iterations:
        return progress
    own, left_out = objective.score(trainer, done)
    others = tuple(trainer.score_sets(done)) if trainer.fabric.global_rank == 0 else ()
    scores = (*progress.scores, *own, *trainer.fabric.broadcast(others))
    progress = with_left_out(progress, left_out).model_copy(update={"scores": scores})
    if is_best(progress, own[0]):
        progress = progress.model_copy(update={"best": done})
        keeper.keep_best(done)
    keeper.tell(progress)
    return progress


def is_best(progress: Progress, own: ScoredAt) -> bool:
    """Returns whether no score of its kind before was as good; where there is none, the newest network is the best."""
    kind = own.test_set, own.protocol
    known = [
        one.score
        for one in progress.scores
        if (one.test_set, one.protocol) == kind and one.iteration < own.iteration and one.score is not None
    ]
    return not known if own.score is None else own.score > max(known, default=-1.0)


def is_over(progress: Progress, patience: int | None) -> bool:
    """Returns whether so many scores in a row of what validates have not been better than the best before them."""
    since = {one.iteration for one in progress.scores if one.test_set == VALIDATION and one.iteration > progress.best}
    return patience is not None and len(since) >= patience
