"""The features of an image's bytes, found where a detector that crashes does no harm."""

import numpy as np

from tasks.acquire.reduced import read_reduced
from tasks.features.detect import check_installed, detect
from tasks.features.packed import Features
from tasks.features.settings import FeatureSettings
from tasks.isolated import ChildDiedError, Isolated
from tasks.native import keep_freed_memory

_SPARE = 2  # times the size that features need: so the last step of shrinking is the same for all
_ATTEMPTS = 2  # what the child did before may be to blame once


class Extractor:
    """Extracts the features of images, one after the other.

    A context manager: leaving it ends the child process it may have.

    OpenCV runs in this process; the other detectors are known to crash, and run in a child.

    Raises:
        InputError: the library of the detector is not installed.
    """

    def __init__(self, settings: FeatureSettings) -> None:
        check_installed(settings)
        keep_freed_memory()
        self._settings, self._isolated = settings, Isolated()

    def __enter__(self) -> "Extractor":
        return self

    def __exit__(self, *_: object) -> None:
        self._isolated.close()

    def extract(self, content: bytes) -> Features | None:
        """Returns the features of an accepted image, upright by EXIF.

        Returns:
            None where the detector died of it twice.
        """
        if self._settings.detector == "sift":
            return extract(content, self._settings)
        for _ in range(_ATTEMPTS):
            try:
                return self._isolated.call(extract, content, self._settings)
            except ChildDiedError:
                continue
        return None


def extract(content: bytes, settings: FeatureSettings) -> Features:
    """Extracts the features of an accepted image in this process, which may die of it."""
    picture, factor = read_reduced(content, _SPARE * settings.longest_side)
    keypoints, descriptors = detect(np.asarray(picture), settings)
    return Features(keypoints * np.float32(factor), descriptors)
