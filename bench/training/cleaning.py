"""The claim: a network that trains on Cairn's version finds other landmarks better than one that trains on the list.

Lists of 40 classes with more and more planted noise (`bench.training.cleaning_pictures`) are curated; five arms train
from the same start on different parts of each (`bench.training.cleaning_arms`), with several seeds of the draws; and
each is scored by mAP on 20 classes that are held back, whose every view asks for the others among all and 200
distractors. The trunk of EfficientNet-lite0 is frozen, and its maps computed once. The learning rate is the one by
which `oracle`, trained on three quarters of the classes that train, does best on the last quarter, so that held-back
classes have no say in it. One list trains at the default rate, too, and two arms of it end to end; and real
photographs, of which nobody knows what is true, are looked at (`bench.training.cleaning_real`).

What was made, and the scores of each run, stay in `ROOT`, and the same command goes on from there. Needs the
photographs that developers have beside the repository (`SHARED_DATA`).
"""

import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.harness.result import Figure, Result
from bench.training.cleaning_arms import ARMS
from bench.training.cleaning_pictures import OF_A_CLASS
from bench.training.cleaning_plot import draw_arms
from bench.training.cleaning_real import prepare_folds
from bench.training.cleaning_report import Means, curves, mean_of_classes, report, scores_of_runs
from bench.training.cleaning_run import APs
from bench.training.cleaning_statistics import class_means
from bench.training.cleaning_work import Prepared, Work, carry_out, prepare
from tasks.train.settings import OptimizerSettings

ROOT = Path(tempfile.gettempdir()) / "cairn-bench-cleaning"
_DOCS = Path(__file__).parents[2] / "docs"
_PROCESSES = 2


class _Plan(NamedTuple):
    noises: tuple[float, ...] = (0.0, 0.3, 0.6, 0.75)
    looked_at: float = 0.6  # the list whose rate is chosen, and which trains at the default rate and end to end
    classes: int = 40
    views: int = OF_A_CLASS
    seeds: int = 5
    looks: int = 2  # seeds of what is only looked at: real photographs, and the default rate
    iterations: int = 150
    batch: int = 8
    rates: tuple[float, ...] = (0.0001, 0.0003, 0.001)
    whole_iterations: int = 30
    folds: int = 4


_QUICK = _Plan((0.6,), 0.6, 3, 4, 1, 1, 3, 4, (0.001,), 0, 0)


def measure(quick: bool) -> Result:
    """Trains all arms, prints their mAP and the differences between them, and draws their curves."""
    plan, root = (_QUICK, ROOT.with_name(f"{ROOT.name}-quick")) if quick else (_Plan(), ROOT)
    lists = {noise: prepare(root, noise, plan.classes, plan.views) for noise in plan.noises}
    rate = _choose_rate(lists[plan.looked_at], plan)
    figures: dict[str, Figure] = {"rate": rate}
    panels = dict[str, dict[str, APs]]()
    for noise, prepared in lists.items():
        means = _train(prepared, ARMS[:-1] if noise == 0 else ARMS, plan.seeds, plan, rate)
        figures |= report(f"noise_{noise:.0%}", means, _about(prepared))
        panels[f"{noise:.0%} noise"] = curves(means)
    if not quick:
        (_DOCS / "pictures/cleaning.svg").write_text(draw_arms(panels, plan.iterations))
        scores_of_runs(panels, plan.iterations).to_csv(_DOCS / "evidence/figures/cleaning.csv", index=False)
        figures |= _look_further(root, lists[plan.looked_at], plan, rate)
    return Result(figures, {})


def _look_further(root: Path, prepared: Prepared, plan: _Plan, rate: float) -> dict[str, Figure]:
    """The whole network trained end to end, real photographs, and the default rate."""
    figures = _train_whole(prepared, plan, rate)
    folds = prepare_folds(root, plan.folds)
    arms = tuple(arm for arm in ARMS if arm != "oracle")
    found = [_train(fold, arms, plan.looks, plan, rate) for fold in folds]
    together = {arm: np.concatenate([means[arm] for means in found], axis=2) for arm in arms}
    rows = {arm: sum(len(fold.listed.chosen(arm, 0)) for fold in folds) // len(folds) for arm in arms}
    figures |= report("real", together, {arm: f"{count} in the mean | not known" for arm, count in rows.items()})
    at_default = _train(prepared, ARMS, plan.looks, plan, OptimizerSettings().rate)
    return figures | report("default_rate", at_default, _about(prepared))


def _train(prepared: Prepared, arms: Sequence[str], seeds: int, plan: _Plan, rate: float) -> Means:
    wanted = [(arm, seed) for seed in range(seeds) for arm in arms]
    found = _all([Work(prepared, arm, seed, plan.iterations, plan.batch, rate) for arm, seed in wanted])
    of = prepared.exam.classes
    return mean_of_classes({key: class_means(scores, of) for key, scores in zip(wanted, found, strict=True)})


def _about(prepared: Prepared) -> dict[str, str]:
    rows = {arm: prepared.listed.chosen(arm, 0) for arm in ARMS}
    return {arm: f"{len(own)} | {prepared.listed.true[own].mean():.0%}" for arm, own in rows.items()}


def _all(works: list[Work]) -> list[APs]:
    """The scores of runs that do not depend on each other."""
    with ProcessPoolExecutor(_PROCESSES, get_context("spawn")) as pool:
        return list(pool.map(carry_out, works))


def _choose_rate(prepared: Prepared, plan: _Plan) -> float:
    if len(plan.rates) == 1:
        return plan.rates[0]
    works = [Work(prepared, "oracle", 0, plan.iterations, plan.batch, rate, within=True) for rate in plan.rates]
    means = [aps[-1].mean() for aps in _all(works)]
    print("oracle on classes that train:", dict(zip(plan.rates, np.round(means, 4).tolist(), strict=True)), flush=True)
    return plan.rates[int(np.argmax(means))]


def _train_whole(prepared: Prepared, plan: _Plan, rate: float) -> dict[str, Figure]:
    """The whole network trained end to end by two arms, with one seed: for the sign alone."""
    arms = ("noisy", "cairn")
    works = [Work(prepared, arm, 0, plan.whole_iterations, plan.batch, rate, whole=True) for arm in arms]
    scores = {arm: aps.mean(axis=1) for arm, aps in zip(arms, _all(works), strict=True)}
    print("\nend to end:", {arm: np.round(own, 4).tolist() for arm, own in scores.items()}, flush=True)
    return {f"whole_{arm}": float(own[-1]) for arm, own in scores.items()}
