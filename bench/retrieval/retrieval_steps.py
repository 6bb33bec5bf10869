"""The steps that `bench retrieval` measures, each a way to rank photographs that were described once."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from tasks.describe.descriptors import maps_of
from tasks.describe.localize import Located, localize
from tasks.describe.network import Network, load_network
from tasks.describe.pooling import aggregate, gem, mac, region_maxima
from tasks.describe.settings import DescribeSettings
from tasks.describe.whiten import Moments, Whiten, learn_whitening
from tasks.index.build import add
from tasks.index.build import learn as learn_index
from tasks.index.expansion import rank_by_objects
from tasks.index.search import Database, augment_all

Indices = NDArray[np.int64]
Vectors = NDArray[np.float32]
Described = Sequence[Sequence[Tensor]]
"""Of each photograph, its maps (channels, rows, columns) at each size."""
Rank = Callable[[Indices], Indices]
"""Gives for queries, by their indices, rankings of all photographs."""
Step = Callable[[Described, Whiten], Rank]
_LEVELS, _LOOKED_AT = 3, 25
_REDUCED = 512


def describe_all(files: Sequence[Path], sides: Sequence[int]) -> Described:
    """Maps by EfficientNet-lite0 as its package brings it."""
    network: Network = load_network(DescribeSettings(longest_sides=tuple(sides)))
    with torch.inference_mode():
        return [[maps[0] for maps in maps_of(network, file.read_bytes())] for file in files]


def learn(described: Described) -> Whiten:
    """Whitening of the regions of photographs."""
    with torch.inference_mode():
        vectors = torch.cat([_regions(_middle(maps)) for maps in described]).numpy()
    return learn_whitening(Moments.of(vectors), _REDUCED, 0.5)


def _middle(maps: Sequence[Tensor]) -> Tensor:
    return maps[len(maps) // 2]


def _regions(maps: Tensor) -> Tensor:
    return normalize(region_maxima(maps[None], _LEVELS)[0], dim=-1)


def _rmac(maps: Tensor, whiten: Whiten | None) -> Tensor:
    regions = _regions(maps)
    return aggregate((normalize(whiten(regions), dim=-1) if whiten else regions)[None])[0]


def _vectors(described: Described, describe: Callable[[Sequence[Tensor]], Tensor]) -> Vectors:
    with torch.inference_mode():
        return torch.stack([normalize(describe(maps), dim=0) for maps in described]).numpy()


def _by(vectors: Vectors) -> Rank:
    return lambda indices: np.argsort(-(vectors[indices] @ vectors.T), axis=1, kind="stable")


def _plain(describe: Callable[[Sequence[Tensor], Whiten | None], Tensor]) -> Step:
    return lambda described, whiten: _by(_vectors(described, lambda maps: describe(maps, whiten)))


def _single(described: Described, whiten: Whiten | None) -> Vectors:
    return _vectors(described, lambda maps: _rmac(_middle(maps), whiten))


def _several(maps: Sequence[Tensor], whiten: Whiten | None) -> Tensor:
    return torch.stack([_rmac(one, whiten) for one in maps]).sum(dim=0)


def _database(vectors: Vectors, factory: str = "Flat") -> Database:
    numbers = np.arange(len(vectors))
    index = learn_index(vectors, factory, 1)
    add(index, numbers, vectors)
    return Database(index, numbers, vectors)


def _expanded(count: int, alpha: float = 0.0) -> Step:
    """A query is one of the database: what it finds first is itself, which is one of what it is averaged with."""

    def ranker(described: Described, whiten: Whiten) -> Rank:
        base = _database(_single(described, whiten))
        return lambda indices: (
            base.search(base.expand(base.vectors[indices], 1 + count, alpha, 1), len(base.vectors), 1).rows
        )

    return ranker


def _augmented(count: int) -> Step:
    return lambda described, whiten: _by(augment_all(_single(described, whiten), count))


def _coded(size: int, rerank: int) -> Step:
    """Codes are learnt from the database: there are no other photographs enough."""

    def ranker(described: Described, whiten: Whiten) -> Rank:
        base = _database(_single(described, whiten), f"PQ{size}x{8 if len(described) > 255 else 4}np")
        count = len(base.vectors)

        def rank(indices: Indices) -> Indices:
            by_codes = base.search(base.vectors[indices], count, 0).rows
            if not rerank:
                return by_codes
            first = by_codes[:, :rerank]
            similarity = np.einsum("qd,qkd->qk", base.vectors[indices], base.vectors[first])
            order = np.argsort(-similarity, axis=1, kind="stable")
            return np.concatenate([np.take_along_axis(first, order, 1), by_codes[:, rerank:]], axis=1)

        return rank

    return ranker


def _localised(described: Described, whiten: Whiten) -> Rank:
    """AML of the first, and expansion by the windows that it finds best (Tolias et al. 2016, section 5)."""
    vectors = _single(described, whiten)
    first_ranks = _by(vectors)

    @torch.inference_mode()
    def rank(indices: Indices) -> Indices:
        rows = []
        for number, ranking in zip(indices, first_ranks(indices), strict=True):
            first, scores, windows = ranking[:_LOOKED_AT], [], []
            for other in first:
                located = _locate(described[other], described[number])
                x1, y1, x2, y2 = located.box
                scores.append(located.score)
                windows.append(_rmac(_middle(described[other])[:, y1:y2, x1:x2], whiten).numpy())
            ranked = rank_by_objects(vectors[number], vectors[first], np.stack(windows), np.array(scores)).rows
            rows.append(np.concatenate([first[ranked], ranking[_LOOKED_AT:]]))
        return np.array(rows)

    return rank


def _locate(image: Sequence[Tensor], query: Sequence[Tensor]) -> Located:
    asked = _middle(query)
    return localize(_middle(image), mac(asked[None])[0], asked.shape[2] / asked.shape[1])


STEPS = {
    "MAC": _plain(lambda maps, _: mac(_middle(maps)[None])[0]),
    "GeM": _plain(lambda maps, _: gem(_middle(maps)[None])[0]),
    "R-MAC": _plain(lambda maps, _: _rmac(_middle(maps), None)),
    "R-MAC, three sizes": _plain(lambda maps, _: _several(maps, None)),
    "R-MAC + whitening": _plain(lambda maps, whiten: _rmac(_middle(maps), whiten)),
    "… three sizes": _plain(_several),
    "… QE, 1": _expanded(1),
    "… QE, 5": _expanded(5),
    "… α-QE, 5, α = 3": _expanded(5, 3.0),
    "… DBA, 5": _augmented(5),
    "… DBA, 20": _augmented(20),
    "… AML, first 25, and QE": _localised,
    "… PQ, 64 bytes": _coded(64, 0),
    "… PQ, 32 bytes": _coded(32, 0),
    "… PQ, 16 bytes": _coded(16, 0),
    "… PQ, 16 bytes, first 100 ranked again": _coded(16, 100),
}
"""By name, in the order of the table; those that begin with dots go on from R-MAC with whitening."""
