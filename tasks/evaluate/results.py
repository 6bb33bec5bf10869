"""From rankings of a test set's photographs to the rows that are told: which scores, under which conditions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storage.errors import InputError
from tasks.evaluate.protocol import FIRST, Grades, Scores, score
from tasks.evaluate.truth import Truth

NOT_CERTIFIED = "not certified"


@dataclass(frozen=True)
class Conditions:
    """Under which conditions photographs were ranked: scores of others are none to compare with.

    Attributes:
        test_set: its name.
        size: longest sides in pixels at which photographs were described, such as `800` or `550+800+1050`.
        crop: whether queries were cropped by their boxes.
        network: backbone, pooling and digest.
        whitening: what it was learnt on; empty for none.
        steps: how they were ranked: empty by descriptors, exactly; `codes KIND` by the codes of an index.
        certificate: digest of the one that tells what the training version shares with this test set, or
            `NOT_CERTIFIED`.
    """

    test_set: str
    size: str
    crop: bool
    network: str
    whitening: str = ""
    steps: str = ""
    certificate: str = NOT_CERTIFIED


def searched(truth: Truth, photographs: Sequence[str]) -> NDArray[np.int64]:
    """Returns which photographs of a test set are searched: all, or those that ask nothing where its queries are apart.

    Args:
        photographs: by their `stem_of`.

    Raises:
        InputError: two photographs have one name; or one that asks is missing.
    """
    twice = sorted({name for name in photographs if photographs.count(name) > 1}) if _repeats(photographs) else []
    if twice:
        raise InputError(f"{len(twice)} photographs have a name like another's, such as {twice[0]!r}; rename them")
    missing = sorted({query.photograph for query in truth.queries} - set(photographs))
    if missing:
        raise InputError(f"{len(missing)} photographs that ask are missing, such as {missing[0]!r}; get the set whole")
    asks = {query.photograph for query in truth.queries} if truth.apart else set()
    return np.array([index for index, name in enumerate(photographs) if name not in asks], np.int64)


def grade(truth: Truth, photographs: Sequence[str]) -> tuple[list[Grades], int]:
    """Returns the grades of the photographs that are searched, query by query, and how many answers are not among them.

    Args:
        photographs: those that are searched, by their `stem_of`; their indices are what rankings hold.
    """
    indices = {name: index for index, name in enumerate(photographs)}
    answers = {name for setup in truth.setups.values() for name in setup.positives}
    grades: list[Grades] = []
    absent: set[str] = set()
    for query in truth.queries:
        named = {name: sorted(indices[one] for one in some if one in indices) for name, some in query.grades.items()}
        grades.append({name: np.array(some, np.int64) for name, some in named.items()})
        absent |= {one for name in answers for one in query.grades.get(name, ()) if one not in indices}
    return grades, len(absent)


def score_all(truth: Truth, rankings: Sequence[NDArray[np.int64]], photographs: Sequence[str]) -> dict[str, Scores]:
    """Returns the scores of each setup of a test set.

    Args:
        rankings: of each query, in the order of the truth's, indices of `photographs`, the most similar first.
    """
    grades, _ = grade(truth, photographs)
    return {name: score(rankings, grades, setup) for name, setup in truth.setups.items()}


def result_rows(
    truth: Truth, rankings: Sequence[NDArray[np.int64]], photographs: Sequence[str], conditions: Conditions
) -> list[dict[str, Any]]:
    """Returns a row of the table `results` for each setup, in the order of their names."""
    _, absent = grade(truth, photographs)
    return [
        {
            "test_set": conditions.test_set,
            "protocol": name,
            "size": conditions.size,
            "crop": conditions.crop,
            "network": conditions.network,
            "whitening": conditions.whitening,
            "steps": conditions.steps,
            "queries": int((~np.isnan(scores.average_precisions)).sum()),
            "photographs": len(photographs),
            "absent": absent,
            "mean_average_precision": scores.mean,
            **dict(zip(("low", "high"), scores.interval(), strict=True)),
            **{f"precision_at_{most}": scores.mean_precision(most) for most in FIRST},
            "certificate": conditions.certificate,
        }
        for name, scores in sorted(score_all(truth, rankings, photographs).items())
    ]


def worst(scores: Scores, count: int) -> NDArray[np.int64]:
    """Returns the queries of the lowest average precision, the lowest first; those without answers are none of them."""
    order = np.argsort(scores.average_precisions, kind="stable")
    return order[~np.isnan(scores.average_precisions[order])][:count]


def _repeats(names: Sequence[str]) -> bool:
    return len(set(names)) != len(names)
