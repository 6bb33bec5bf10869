"""Is a verified pair the same photograph, or another one of the same thing?"""

from math import sqrt

import numpy as np

from tasks.match.settings import MatchSettings
from tasks.match.verify import Verification

Size = tuple[int, int]

_SHARP = 640  # longest side, in pixels, from which keypoints lie as exactly as copy_tolerance asks


def is_copy(found: Verification, sizes: tuple[Size, Size], settings: MatchSettings) -> bool:
    """Returns whether the matches of a pair fit one affine map as only a copy's do.

    Crops, resizing, re-encoding and mirrors move every keypoint by the same map, to within the detector's own
    accuracy, which is less in a small picture. A second photograph of the same building has depth, and keypoints on
    what moved.

    Args:
        sizes: width and height of both pictures, the second in the pixels of the residuals.
    """
    blur = sqrt(max(1.0, _SHARP / min(max(size) for size in sizes)))
    tight = found.residuals <= settings.copy_tolerance * blur * max(sizes[1])
    return int(np.count_nonzero(tight)) >= settings.copy_share * found.putative
