"""A test set that is scored: its questions, its photographs, and what a network makes of them."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.acquire.folder import Skipped
from tasks.describe.pictures import Box
from tasks.evaluate.protocol import Scores
from tasks.evaluate.results import score_all, searched
from tasks.evaluate.truth import Truth, read_truth
from tasks.index.build import Index, refill
from tasks.index.search import Database, search_exactly
from tasks.overlap.groundtruth import stem_of
from tasks.overlap.readable import photograph_inspectors, read_photograph
from tasks.overlap.testsets import TestSet, read_test_set

Describe = Callable[[bytes, Box | None], NDArray[np.float32]]


@dataclass(frozen=True)
class ScoredSet:
    """A test set and its questions; known to be usable."""

    photographs: TestSet
    truth: Truth

    def digest(self) -> str:
        """sha256 over all that decides its scores: photographs, questions and answers."""
        told = [
            [query.name, query.photograph, query.box, {name: sorted(some) for name, some in query.grades.items()}]
            for query in self.truth.queries
        ]
        parts = [self.photographs.digest(), sorted(self.truth.setups), self.truth.apart, told]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def read_scored_set(name: str, folder: Path) -> ScoredSet:
    """Returns a test set by its folder.

    Raises:
        InputError: the folder is missing, has no photographs, or no ground truth that can be read.
    """
    photographs = read_test_set(name, folder)
    truth = read_truth(name, sorted(path for path in folder.rglob("*") if path.is_file()))
    searched(truth, [stem_of(photograph.path) for photograph in photographs.photographs])
    return ScoredSet(photographs, truth)


class Described(NamedTuple):
    """A photograph of a test set: its path below the set's folder, its size in pixels, and its descriptor."""

    path: str
    width: int
    height: int
    vector: NDArray[np.float32]


def describe_photographs(
    describe: Describe, test_set: TestSet, on_progress: Callable[[int, int], None] = lambda *_: None
) -> Iterator[Described | Skipped]:
    """Describes the photographs of a test set, in their order, or tells of one why it can't be read.

    Args:
        describe: gives the descriptor of a photograph.
        on_progress: is called with how many of how many are done.
    """
    with photograph_inspectors() as inspectors:
        for number, photograph in enumerate(test_set.photographs):
            on_progress(number, len(test_set.photographs))
            found = read_photograph(test_set.folder, photograph.path, inspectors)
            if isinstance(found, Skipped):
                yield found
            else:
                vector = describe(found.content, None)
                yield Described(photograph.path, found.picture.width, found.picture.height, vector)


def describe_queries(
    describe: Describe, truth: Truth, folder: Path, photographs: Sequence[Described]
) -> NDArray[np.float32]:
    """Returns the descriptors of the queries, cropped by their boxes: float32 (queries, dimensions).

    Args:
        describe: gives the descriptor of what a box holds of a photograph.
    """
    by_name = {stem_of(photograph.path): photograph for photograph in photographs}
    vectors = []
    for query in truth.queries:
        asks = by_name[query.photograph]
        boxed = query.box and describe((folder / asks.path).read_bytes(), query.box)
        vectors.append(asks.vector if boxed is None else boxed)
    return np.array(vectors, np.float32)


def score_network(describe: Describe, scored: ScoredSet) -> tuple[list[Described], dict[str, Scores]]:
    """Returns the photographs of a test set that could be read, and the scores by protocol, by exact search.

    Raises:
        InputError: a photograph that asks can't be read.
    """
    truth = scored.truth
    every = [one for one in describe_photographs(describe, scored.photographs) if isinstance(one, Described)]
    found = searched(truth, [stem_of(one.path) for one in every])
    queries = describe_queries(describe, truth, scored.photographs.folder, every)
    rankings = rank_exactly(np.array([every[row].vector for row in found]), queries)
    return every, score_all(truth, rankings, [stem_of(every[row].path) for row in found])


def rank_exactly(vectors: NDArray[np.float32], queries: NDArray[np.float32]) -> list[NDArray[np.int64]]:
    """Ranks for each query all rows of `vectors`, float32 (n, d), the most similar first."""
    return list(search_exactly(vectors, queries, len(vectors)).rows)


def rank_by_codes(index: Index, vectors: NDArray[np.float32], queries: NDArray[np.float32]) -> list[NDArray[np.int64]]:
    """Ranks for each query, by its codes alone, what an index finds that has these vectors for its own.

    Args:
        index: which has learnt its codes from others; it is emptied.
    """
    numbers = np.arange(len(vectors))
    found = Database(refill(index, numbers, vectors), numbers, vectors).search(queries, len(vectors), 0).rows
    return [rows[rows >= 0] for rows in found]
