"""The page of a test set's worst queries: what each asked, what came first, and which of that is an answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.evaluate.protocol import Grades, Scores, Setup
from tasks.evaluate.results import worst
from tasks.evaluate.truth import Truth
from tasks.index.page import Picture, overlay
from tasks.pages.pictures import thumbnail
from tasks.pages.rendering import template_environment

_TEMPLATES = Path(__file__).parent / "templates"

SHOWN = 15
"""First results that are drawn of each query."""


@dataclass(frozen=True)
class Ranked:
    """What a test set was searched for, and found.

    Attributes:
        photographs: those that are searched; rankings and grades hold indices of them.
        queries: the photograph of each query, in the order of the truth's.
        rankings: of each query, int64 (n,).
    """

    photographs: Sequence[Picture]
    queries: Sequence[Picture]
    rankings: Sequence[NDArray[np.int64]]


class WorstPage(NamedTuple):
    """A page as HTML, and its pictures by their names in the folder `pictures` beside it."""

    html: bytes
    pictures: dict[str, bytes]


def render_worst(
    title: str,
    truth: Truth,
    setup: Setup,
    scores: Scores,
    grades: Sequence[Grades],
    ranked: Ranked,
    most: int,
    read: Callable[[Picture], bytes],
) -> WorstPage:
    """Renders the page of the queries that scored lowest, for whoever puts it beside the style of all pages.

    Args:
        title: of the page, such as the test set and the protocol.
        most: queries that are drawn, those of the lowest average precision.
        read: gives the file of a photograph.
    """
    rows = [_row(int(index), truth, setup, scores, grades[index], ranked) for index in worst(scores, most)]
    pictures = {picture.name: picture for row in rows for picture in (row["query"], *(one for one, _ in row["found"]))}
    template = template_environment(_TEMPLATES).get_template("worst.html")
    return WorstPage(
        template.render(base="", title=title, rows=rows, scores=scores, overlay=overlay).encode(),
        {f"{picture.name}.jpg": thumbnail(read(picture)) for picture in pictures.values()},
    )


def _row(index: int, truth: Truth, setup: Setup, scores: Scores, graded: Grades, ranked: Ranked) -> dict[str, Any]:
    def named(names: tuple[str, ...]) -> set[int]:
        return {int(one) for name in names for one in graded.get(name, ())}

    positives, ignored, ranking = named(setup.positives), named(setup.ignored), ranked.rankings[index].tolist()
    counted = [one for one in ranking if one not in ignored]
    first = next((rank for rank, one in enumerate(counted, start=1) if one in positives), None)
    judged = {one: "answer" if one in positives else "left out" if one in ignored else "wrong" for one in ranking}
    return {
        "name": truth.queries[index].name,
        "query": ranked.queries[index],
        "box": truth.queries[index].box,
        "precision": float(scores.average_precisions[index]),
        "positives": len(positives),
        "first": first,
        "found": [(ranked.photographs[one], judged[one]) for one in ranking[:SHOWN]],
    }
