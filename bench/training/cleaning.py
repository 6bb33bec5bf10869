"""The claim: a network that trains on Cairn's version finds other landmarks better than one that trains on the list.

A list of 40 classes with planted noise (`bench.training.cleaning_pictures`) is curated; five arms train from the same
start on different parts of it (`bench.training.cleaning_arms`), with several seeds of the draws; and each is scored by
mAP on 20 classes that are held back, whose every view asks for the others among all and 200 distractors. The trunk of
EfficientNet-lite0 is frozen, and its maps computed once. Arms train twice: at the learning rate by which `oracle`,
trained on three quarters of the classes that train, does best on the last quarter, so that held-back classes have no
say in it; and, with fewer seeds, at the default.

What was made, and the scores of each run, stay in `ROOT`, and the same command goes on from there. Needs the
photographs that developers have beside the repository (`SHARED_DATA`).
"""

import tempfile
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.harness.result import Figure, Result
from bench.training.cleaning_arms import ARMS
from bench.training.cleaning_pictures import OF_A_CLASS
from bench.training.cleaning_plot import draw_arms
from bench.training.cleaning_run import APs
from bench.training.cleaning_statistics import class_means, interval
from bench.training.cleaning_work import Prepared, Work, carry_out, prepare
from tasks.train.settings import OptimizerSettings

ROOT = Path(tempfile.gettempdir()) / "cairn-bench-cleaning"
_PICTURE = Path(__file__).parents[2] / "docs/pictures/cleaning.svg"
_PROCESSES = 2
_COMPARED = (("cairn", "noisy"), ("cairn", "unverified"), ("cairn", "cut"), ("cairn", "oracle"), ("oracle", "noisy"))


class _Plan(NamedTuple):
    noise: float = 0.6
    classes: int = 40
    views: int = OF_A_CLASS
    seeds: int = 5
    default_seeds: int = 3
    iterations: int = 90
    batch: int = 8
    rates: tuple[float, ...] = (0.0001, 0.0003, 0.001)
    whole_iterations: int = 30


_QUICK = _Plan(0.6, 3, 4, 1, 1, 3, 4, (0.001,), 0)
Found = Mapping[tuple[str, int], APs]
"""Scores by arm and seed."""


def measure(quick: bool) -> Result:
    """Trains all arms, prints their mAP and the differences between them, and draws their curves."""
    plan, root = (_QUICK, ROOT.with_name(f"{ROOT.name}-quick")) if quick else (_Plan(), ROOT)
    prepared = prepare(root, plan.noise, plan.classes, plan.views)
    chosen, default = _choose_rate(prepared, plan), OptimizerSettings().rate
    figures: dict[str, Figure] = {"chosen_rate": chosen, "default_rate": default}
    panels = dict[str, dict[str, APs]]()
    for name, rate, seeds in (("chosen", chosen, plan.seeds), ("default", default, plan.default_seeds)):
        wanted = [(arm, seed) for seed in range(seeds) for arm in ARMS]
        works = [Work(prepared, arm, seed, plan.iterations, plan.batch, rate) for arm, seed in wanted]
        found = dict(zip(wanted, _all(works), strict=True))
        print(f"\nlearning rate {rate:g}, {name}, {seeds} seeds")
        figures |= _report(name, prepared, found)
        panels[f"learning rate {rate:g}"] = _curves(found)
    if plan.whole_iterations:
        figures |= _whole(prepared, plan, chosen)
    if not quick:
        _PICTURE.write_text(draw_arms(panels, plan.iterations))
    return Result(figures, {})


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


def _report(name: str, prepared: Prepared, found: Found) -> dict[str, Figure]:
    """Prints the tables of a rate: mAP of each arm, and the differences with their intervals."""
    means = {arm: _means(found, arm, prepared) for arm in ARMS}
    figures: dict[str, Figure] = {}
    print("| arm | photographs | true | mAP after | rise, 95 % | rose with seeds |\n|---|---|---|---|---|---|")
    for arm, own in means.items():
        rise, rows = own[-1] - own[0], prepared.listed.chosen(arm, 0)
        shown = f"| {arm} | {len(rows)} | {prepared.listed.true[rows].mean():.0%} | {own[-1].mean():.4f} "
        print(f"{shown}| {interval(rise).text()} | {(rise.mean(axis=1) > 0).sum()} of {len(rise)} |")
        figures |= {f"{name}_{arm}": float(own[-1].mean())}
    print(f"before: {own[0].mean():.4f}\n| difference | mean, 95 % | seeds above 0 | classes above 0 |")
    print("|---|---|---|---|")
    for arm, other in _COMPARED:
        differences = means[arm][-1] - means[other][-1]
        told = interval(differences)
        counts = [f"{(differences.mean(axis=axis) > 0).sum()} of {differences.shape[1 - axis]}" for axis in (1, 0)]
        print(f"| {arm} − {other} | {told.text()} | {' | '.join(counts)} |")
        figures |= {f"{name}_{arm}_{other}": told.mean, f"{name}_{arm}_{other}_low": told.low}
    return figures


def _means(found: Found, arm: str, prepared: Prepared) -> APs:
    """mAP by score, seed and class."""
    own = [scores for (name, _), scores in found.items() if name == arm]
    return np.stack([class_means(scores, prepared.exam.classes) for scores in own], axis=1)


def _curves(found: Found) -> dict[str, APs]:
    """mAP (seeds, scores) of each arm."""
    return {arm: np.array([scores.mean(axis=1) for (name, _), scores in found.items() if name == arm]) for arm in ARMS}


def _whole(prepared: Prepared, plan: _Plan, rate: float) -> dict[str, Figure]:
    """The whole network trained end to end by two arms, with one seed: for the sign alone."""
    arms = ("noisy", "cairn")
    works = [Work(prepared, arm, 0, plan.whole_iterations, plan.batch, rate, whole=True) for arm in arms]
    scores = {arm: aps.mean(axis=1) for arm, aps in zip(arms, _all(works), strict=True)}
    print("end to end:", {arm: np.round(own, 4).tolist() for arm, own in scores.items()}, flush=True)
    return {f"whole_{arm}": float(own[-1]) for arm, own in scores.items()}
