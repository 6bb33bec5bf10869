"""How sure is it that the largest group of a class shows what the class is named after?

A class that holds as many photographs of one foreign landmark as of its own can keep the foreign one: its pairs alone
don't say which is which. What they say is by how much the largest group leads, and that was calibrated on classes into
which photographs of one other landmark were moved (`python -m bench foreign`).
"""

import numpy as np
from numpy.typing import NDArray

SURE = 0.91
"""Confidence from which a class counts as sure."""

_LEVEL, _SLOPE = 0.795, 3.925  # log odds without a lead, and what a lead of all photographs adds


def confidence_of(margin: NDArray[np.integer], photographs: NDArray[np.integer]) -> NDArray[np.float64]:
    """Returns the share of classes with such a lead that kept their own landmark, of those it was calibrated on.

    In a quarter of the classes nothing was foreign; in the others, a quarter, half, or as many as the class's own.

    Args:
        margin: int (n,), photographs that the largest group of a class has more than the next.
        photographs: int (n,), those of the class that took part in matching, at least one.
    """
    return np.asarray(1 / (1 + np.exp(-_LEVEL - _SLOPE * margin / photographs)))
