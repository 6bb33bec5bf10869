"""How many pairs the classes of a list have, and how many of them are likely to be compared."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.match.settings import MatchSettings

_MEASURED = ((68, 6.7), (3000, 5.2))
"""Class size and pairs compared per image, of photographs of landmarks: `docs/evidence/`."""


class Pairs(NamedTuple):
    """Pairs of the classes of a list: all, those likely to be compared; and the images for which a shortlist is made.

    What the shortlist lets through depends on the photographs; at most `candidates` for each image and what these lead
    to.
    """

    possible: int
    compared: int
    shortlisted: int


def count_pairs(sizes: NDArray[np.int64], settings: MatchSettings) -> Pairs:
    """Counts the pairs of classes of these sizes (n,): all of small ones, a measured number an image of larger ones."""
    possible = sizes * (sizes - 1) // 2
    large = sizes > settings.exhaustive
    each = np.minimum(_compared_per_image(sizes), settings.candidates)
    compared = np.where(large, np.minimum(possible, np.rint(sizes * each * (1 + settings.audit))), possible)
    return Pairs(int(possible.sum()), int(compared.sum()), int(sizes[large].sum()))


def _compared_per_image(sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """A power of the class size through the two that were measured."""
    (small, few), (large, many) = _MEASURED
    exponent = np.log(many / few) / np.log(large / small)
    return np.asarray(few * (np.maximum(sizes, 1) / small) ** exponent, np.float64)
