"""Semantic triplets: a query, an image whose captions are like its own, and one whose captions are less so.

Gordo and Larlus (Beyond Instance-Level Image Retrieval, 2017) leave open how they are drawn. The rule here: of a pool
of 5,000 images, the positive is one of the 32 nearest of the query with s ≥ 0.2, and the negative is drawn evenly from
the rest with s(q, +) − s(q, −) ≥ 0.1. Every image is the query of one triplet, in a pool of images of its split.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from tasks.captions.settings import TripletSettings

EMPTY, NO_POSITIVE, NO_NEGATIVE = "empty vector", "no image near enough", "no image far enough"
"""Why an image is the query of no triplet."""

_BLOCK = 256


@dataclass
class Drawing:
    """Rows of `caption_triplets`, by query; and how many images are no query, by reason."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    without: Counter[str] = field(default_factory=Counter)


def draw_triplets(
    weights: sp.csr_array, image_ids: Sequence[str], splits: Sequence[str], settings: TripletSettings
) -> Drawing:
    """Draws a triplet for every image that has one.

    What is drawn for an image depends on its pool and the seed alone: random numbers come from its id.

    Args:
        weights: float32 (images, terms), rows of length 1 or 0. image_ids, splits: of each row.
    """
    drawing = Drawing()
    full = np.diff(weights.indptr) > 0
    drawing.without[EMPTY] = int((~full).sum())
    for split in sorted(set(splits)):
        members = np.flatnonzero(full & (np.asarray(splits) == split))
        for number, pool in enumerate(_pools(members, image_ids, settings)):
            for row in _draw_from(weights[pool], [image_ids[row] for row in pool], settings, drawing.without):
                drawing.rows.append({**row, "split": split, "pool": number})
    drawing.rows.sort(key=lambda row: str(row["query"]))
    drawing.without = Counter({reason: count for reason, count in drawing.without.items() if count})
    return drawing


def _pools(
    members: NDArray[np.int64], image_ids: Sequence[str], settings: TripletSettings
) -> Iterator[NDArray[np.int64]]:
    """The members in pools of the wanted size or a little more, by a hash of their ids; rows ascend in each."""
    ordered = sorted(members.tolist(), key=lambda row: _hash(f"pool {settings.seed} {image_ids[row]}"))
    pools = max(1, len(ordered) // settings.pool)
    for part in np.array_split(np.array(ordered, np.int64), pools):
        yield np.sort(part)


def _draw_from(
    weights: sp.csr_array, image_ids: list[str], settings: TripletSettings, without: Counter[str]
) -> Iterator[dict[str, Any]]:
    doubled = weights.astype(np.float64)
    transposed = doubled.T.tocsr()
    for begin in range(0, len(image_ids), _BLOCK):
        block = (doubled[begin : begin + _BLOCK] @ transposed).toarray()
        for query, similarities in enumerate(block, start=begin):
            drawn = _draw(query, similarities, image_ids[query], settings)
            if isinstance(drawn, str):
                without[drawn] += 1
                continue
            rank, positive, negative = drawn
            pair = (similarities[positive], similarities[negative])
            yield {
                "query": image_ids[query],
                "positive": image_ids[positive],
                "negative": image_ids[negative],
                "rank": rank,
                "positive_similarity": pair[0],
                "negative_similarity": pair[1],
                "gap": pair[0] - pair[1],
            }


def _draw(
    query: int, similarities: NDArray[np.float64], image_id: str, settings: TripletSettings
) -> tuple[int, int, int] | str:
    """The rank of the positive, the positive and the negative; or why there is none."""
    random = np.random.default_rng(_hash(f"triplet {settings.seed} {image_id}"))
    order = np.lexsort((np.arange(len(similarities)), -similarities.astype(np.float32)))
    nearest = order[order != query][: settings.nearest]
    near = int((similarities[nearest] >= settings.min_similarity).sum())
    if near == 0:
        return NO_POSITIVE
    rank = int(random.integers(near))
    positive = int(nearest[rank])
    far = similarities <= similarities[positive] - settings.min_gap
    far[nearest] = far[query] = False
    rest = np.flatnonzero(far)
    return (rank, positive, int(random.choice(rest))) if len(rest) else NO_NEGATIVE


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
