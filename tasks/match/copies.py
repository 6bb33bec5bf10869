"""Is a verified pair the same photograph, or another one of the same thing?"""

import numpy as np

from tasks.match.settings import MatchSettings
from tasks.match.verify import Verification


def is_copy(found: Verification, second_size: tuple[int, int], settings: MatchSettings) -> bool:
    """Returns whether the matches of a pair fit one affine map as only a copy's do.

    Crops, resizing, re-encoding and mirrors move every keypoint by the same map, to within the detector's own
    accuracy. A second photograph of the same building has depth, and keypoints on what moved.

    Args:
        second_size: width and height of the second picture, in the pixels of the residuals.
    """
    tight = found.residuals <= settings.copy_tolerance * max(second_size)
    return int(np.count_nonzero(tight)) >= settings.copy_share * found.putative
