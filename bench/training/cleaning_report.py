"""The tables of the comparison: mAP of each arm, and the differences between arms with their intervals."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bench.harness.result import Figure
from bench.training.cleaning_run import APs
from bench.training.cleaning_statistics import interval

_COMPARED = (("cairn", "noisy"), ("cairn", "unverified"), ("cairn", "cut"), ("cairn", "oracle"), ("oracle", "noisy"))
Means = Mapping[str, APs]
"""By arm, mAP (scores, seeds, classes)."""


def report(name: str, means: Means, about: Mapping[str, str]) -> dict[str, Figure]:
    """Prints the tables of a list, and gives their figures.

    Args:
        about: by arm, further cells: how many photographs it trains on, and how many of them are true.
    """
    figures: dict[str, Figure] = {}
    print(
        f"\n{name}\n| arm | photographs | true | mAP after | rise, 95 % | rose with seeds |\n|---|---|---|---|---|---|"
    )
    for arm, own in means.items():
        rise = own[-1] - own[0]
        rose = f"{(rise.mean(axis=1) > 0).sum()} of {len(rise)}"
        print(f"| {arm} | {about[arm]} | {own[-1].mean():.4f} | {interval(rise).text()} | {rose} |")
        figures |= {f"{name}_{arm}": float(own[-1].mean()), f"{name}_before": float(own[0].mean())}
    print(f"before: {figures[f'{name}_before']:.4f}\n| difference | mean, 95 % | seeds above 0 | classes above 0 |")
    print("|---|---|---|---|")
    for arm, other in _COMPARED:
        if arm in means and other in means:
            differences = means[arm][-1] - means[other][-1]
            told = interval(differences)
            counts = [f"{(differences.mean(axis=axis) > 0).sum()} of {differences.shape[1 - axis]}" for axis in (1, 0)]
            print(f"| {arm} − {other} | {told.text()} | {' | '.join(counts)} |", flush=True)
            figures |= {f"{name}_{arm}_{other}": told.mean}
            figures |= {f"{name}_{arm}_{other}_low": told.low, f"{name}_{arm}_{other}_high": told.high}
    return figures


def curves(means: Means) -> dict[str, APs]:
    """mAP (seeds, scores) of each arm."""
    return {arm: own.mean(axis=2).T for arm, own in means.items()}


def scores_of_runs(panels: Mapping[str, Mapping[str, APs]], iterations: int) -> pd.DataFrame:
    """The mAP of each run as it trained: list, arm, seed, iterations, mAP.

    Args:
        panels: by list and arm, mAP (seeds, scores), the first before and the last after so many iterations.
    """
    rows = [
        (name, arm, seed, round(iterations * number / (len(own) - 1)), round(float(score), 5))
        for name, arms in panels.items()
        for arm, seeds in arms.items()
        for seed, own in enumerate(seeds)
        for number, score in enumerate(own)
    ]
    return pd.DataFrame(rows, columns=["list", "arm", "seed", "iterations", "mAP"])


def mean_of_classes(found: Mapping[tuple[str, int], APs]) -> Means:
    """Puts seeds side by side.

    Args:
        found: by arm and seed, mAP (scores, classes).
    """
    arms = dict.fromkeys(arm for arm, _ in found)
    return {arm: np.stack([own for (name, _), own in found.items() if name == arm], axis=1) for arm in arms}
