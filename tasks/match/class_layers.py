"""What lies on layers over the pictures of a class, as all its pairs tell: one alone may take a layer for a view."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree
from scipy.stats import binom

from tasks.features.leaders import cluster_by_leaders
from tasks.features.overlays import nearest_descriptors
from tasks.features.packed import Features
from tasks.match.verify import Attempt

Pair = tuple[int, int]

_SAME_PATTERN = 110.0  # distance of RootSIFT bytes up to which two keypoints are one pattern,
_NEAR_PATTERN = 170.0  # and up to which a keypoint is taken for one that lies on a layer
_PICTURES = 3  # that have a pattern on a layer
_AMONG = 0.05  # share of the longer side from a layer's keypoint within which others may be of the layer
_HARDLY = 1e-4  # probability


def layers_of_class(made: Mapping[Pair, Attempt], features: Sequence[Features]) -> dict[int, NDArray[np.bool_]]:
    """Finds what lies on layers that single pairs do not tell from a view, by what all pairs of a class tell.

    Keypoints that look alike are one pattern. It lies on a layer where three pictures have it on one, and a third of
    the pairs that rest on it have it there.

    Args:
        made: what the comparisons of pictures found, by their numbers. features: of each picture.

    Returns:
        By the numbers of pictures, which keypoints (n,) lie on a layer; pictures without any are left out.
    """
    pairs = sorted(made.items())
    told = list(_keypoints([(pair, own.layer) for pair, own in pairs], features))
    if not told:
        return {}
    descriptors = np.concatenate([features[own.picture].descriptors[own.numbers] for own in told])
    leaders, groups = cluster_by_leaders(descriptors, _SAME_PATTERN)
    starts = np.cumsum([0, *(len(own.numbers) for own in told)])
    pictures = np.repeat([own.picture for own in told], np.diff(starts))
    on_layers = [(groups[start + own.which], own.pairs) for start, own in zip(starts, told, strict=False)]
    patterns, count = descriptors[leaders], len(leaders)
    views = [(pair, own.verification.matched) for pair, own in pairs if own.verification]
    in_views = [_alike(own, features[own.picture], patterns) for own in _keypoints(views, features)]
    chosen = (_distinct([(groups, pictures)], count) >= _PICTURES) & (
        2 * _distinct(on_layers, count) > _distinct(in_views, count)
    )
    masks = {}
    for picture in sorted({picture for pair in made for picture in pair} if chosen.any() else ()):
        masked = nearest_descriptors(features[picture].descriptors, patterns[chosen])[1] <= _NEAR_PATTERN**2
        if masked.any():
            masks[picture] = masked
    return masks


def crowds_on(
    places: NDArray[np.float32], layer: NDArray[np.float32], keypoints: NDArray[np.float32], longer_side: int
) -> bool:
    """Returns whether places (n, 2) lie near a layer's keypoints (k, 2) as chance would hardly have them.

    Args:
        keypoints: (m, 2), all of the picture. longer_side: of the picture, in pixels.
    """
    tree, reach = KDTree(layer), _AMONG * longer_side
    near = int(np.count_nonzero(tree.query(places)[0] <= reach))
    anywhere = float(np.mean(tree.query(keypoints)[0] <= reach))
    return 2 * near > len(places) and bool(binom.sf(near - 1, len(places), anywhere) < _HARDLY)


class _Keypoints(NamedTuple):
    """The keypoints of a picture that pairs rest on.

    Attributes:
        numbers: int64 (k,), each once. which, pairs: int64 (n,), that a pair (its number) rests on one (its index).
    """

    picture: int
    numbers: NDArray[np.int64]
    which: NDArray[np.int64]
    pairs: NDArray[np.int64]


def _keypoints(
    points: Sequence[tuple[Pair, NDArray[np.float32]]], features: Sequence[Features]
) -> Iterator[_Keypoints]:
    """The keypoints at the places (n, 4) that pairs have in common, picture by picture."""
    where: dict[int, list[tuple[int, NDArray[np.float32]]]] = {}
    for number, (pair, places) in enumerate(points):
        for end, picture in enumerate(pair):
            if len(places):
                where.setdefault(picture, []).append((number, places[:, 2 * end : 2 * end + 2]))
    for picture, found in sorted(where.items()):
        number_at = {place: number for number, place in enumerate(map(tuple, features[picture].positions.tolist()))}
        numbers = [number_at[place] for _, places in found for place in map(tuple, places.tolist())]
        pairs = np.repeat([pair for pair, _ in found], [len(places) for _, places in found])
        yield _Keypoints(picture, *np.unique(numbers, return_inverse=True), pairs)


def _alike(
    own: _Keypoints, features: Features, patterns: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The patterns (m,) that a picture's keypoints are, and the pairs (m,) that rest on them."""
    nearest, squares = nearest_descriptors(features.descriptors[own.numbers], patterns)
    alike = (squares <= _SAME_PATTERN**2)[own.which]
    return nearest[own.which][alike], own.pairs[alike]


def _distinct(parts: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]], count: int) -> NDArray[np.int64]:
    """How many different values each of so many groups has, by groups and values (n,) in parts."""
    if not parts:
        return np.zeros(count, np.int64)
    pairs = np.unique(np.concatenate([np.column_stack(part) for part in parts]), axis=0)
    return np.bincount(pairs[:, 0], minlength=count)
