"""Which kept images train and which validate."""

import hashlib
from collections import Counter
from collections.abc import Iterable

import pandas as pd

from tasks.publish.settings import PublishSettings


def split_images(kept: pd.DataFrame, settings: PublishSettings) -> pd.Series:
    """Assigns `train` or `val` inside each class; the copies of a photograph go together.

    A hash of the content draws the photographs, each goes to val while it fits into what the class may give: few
    pictures change sides as a class grows.

    Args:
        kept: image_id, landmark_id, photograph (sha256 of the image that stands for it: its own, or that of the image
            it is a copy of).

    Returns:
        The split, indexed by image_id. A class gives at most the share rounded down to val, counted in images, and
        never so many that fewer than `min_train` are left in train.
    """
    split = pd.Series("train", index=kept.image_id)
    for landmark, members in kept.groupby("landmark_id"):
        chosen = _validating(str(landmark), members.photograph, settings)
        split[members.image_id[members.photograph.isin(chosen)]] = "val"
    return split


def _validating(landmark: str, photographs: Iterable[str], settings: PublishSettings) -> set[str]:
    """The photographs of a class that go to val."""
    sizes = Counter(photographs)
    images = sizes.total()
    room = min(int(round(images * settings.validation_share, 9)), images - settings.min_train)
    chosen = set()
    for photograph in sorted(sizes, key=lambda sha256: hashlib.sha256(f"{landmark}\0{sha256}".encode()).digest()):
        if sizes[photograph] <= room:
            chosen.add(photograph)
            room -= sizes[photograph]
    return chosen
