"""Indexes scored beside captions of the same images: the methods of Gordo & Larlus 2017, table 2."""

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from flows.commands.scored import Line, Row
from flows.commands.shared_images import ScoredIndex, SharedImages
from flows.commands.terminal import errors
from storage.parquet import read_batches
from storage.versions import source_of, version_table
from tasks.captions.samples import phrases_of
from tasks.evaluate.methods import (
    MEASURES,
    ByCaptions,
    ByVectors,
    Method,
    Rows,
    agreement_with_captions,
    by_chance,
    score_queries,
)
from tasks.evaluate.people import agreement_between, agreement_with
from tasks.evaluate.semantic import Floats
from tasks.index.expansion import unit_length

_RUNS = 5  # of chance, as in the paper
_AT_ONCE = 1 << 21  # similarities of queries and images in memory, a few times over
_PHRASES = 1 << 16  # rows of `regions` in memory


def score_shared(shared: SharedImages, most: int) -> tuple[list[Row], dict[str, int]]:
    """Scores indexes, captions themselves and chance.

    Args:
        most: images up to which the curves go.

    Returns:
        A row for each method, after one for people where some were asked; and of how many images, queries and triplets.
    """
    captions = ByCaptions(shared.weights())
    lines = list(_lines(shared, captions))
    methods = [method for line in lines for method in line.runs]
    queries = np.flatnonzero(np.diff(captions.weights.indptr)[: shared.tested])
    triplets, ranked = shared.triplets(), _rank(methods, captions, queries, np.arange(shared.tested), most)
    coming = iter(
        {
            "agreement": agreement_with_captions(method, *triplets),
            **_agreement_with_people(shared, method),
            **dict(zip(MEASURES, map(_mean, ranks.T), strict=True)),
        }
        for method, ranks in zip(methods, ranked, strict=True)
    )
    rows = [line.row([next(coming) for _ in line.runs]) for line in lines]
    if shared.answers:
        rows.insert(0, Row("people, each left out", "", "", {"people": agreement_between(shared.answers)}, {}))
    return rows, {
        "images": shared.tested,
        "queries": len(queries),
        "triplets": len(triplets[0]),
        "triplets_of_people": len(shared.answers),
        "unanimous_triplets": sum(bool(one.unanimous) for one in shared.answers),
    }


def _lines(shared: SharedImages, captions: ByCaptions) -> Iterator[Line]:
    """The methods that are compared, in the order of the paper's table."""
    images = len(shared.image_ids)
    yield Line("caption tf-idf", "captions", "", [captions])
    yield Line(f"random ({_RUNS} runs)", "", "", [by_chance(images, seed) for seed in range(_RUNS)])
    for index in shared.indexes:
        vectors, name = index.vectors_of(shared.image_ids), source_of(index.version)
        yield Line(index.method, "image", name, [ByVectors(vectors, vectors)])
        if index.has_text:
            yield Line("(V+T, V+T)", "image + text", name, [ByVectors(_with_text(shared, index, vectors), vectors)])


def _rank(methods: Sequence[Method], captions: ByCaptions, queries: Rows, images: Rows, most: int) -> list[Floats]:
    """As `score_queries`, some queries at a time."""
    step = max(1, _AT_ONCE // len(images))
    firsts = range(0, len(queries), step)
    shown = track(firsts, "score", console=errors, transient=True, disable=not errors.is_terminal)
    parts = [score_queries(methods, captions, queries[first : first + step], images, most) for first in shown]
    empty = np.empty((0, len(MEASURES)))
    return [np.concatenate([empty, *(part[index] for part in parts)]) for index in range(len(methods))]


def _with_text(shared: SharedImages, index: ScoredIndex, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each image with what is said of it, in the words of the index's own network, float32 (images, d)."""
    from flows.commands.texts import texts_of  # brings torch

    captions = shared.captions
    assert index.network
    regions = read_batches(captions.root, version_table(captions.version, "regions"), _PHRASES, ["image_id", "phrase"])
    said = phrases_of(regions, shared.image_ids)
    told = chain.from_iterable(((image_id, phrase) for phrase in phrases) for image_id, phrases in said.items())
    return unit_length(vectors + texts_of(captions.root, index.network).embed_all(told, shared.image_ids))


def _agreement_with_people(shared: SharedImages, method: Method) -> dict[str, float]:
    if not shared.answers:
        return {}
    rows = shared.row_of

    def similarity(query: str, image: str) -> float:
        return float(method.of_pairs(np.array([rows[query]]), np.array([rows[image]]))[0])

    agreed = agreement_with(shared.answers, similarity)
    return {"people": agreed.all, "unanimous": agreed.unanimous}


def _mean(values: Floats) -> float:
    """Of the queries for which it is defined; NaN of none."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else float("nan")
