"""Which kept images train and which validate."""

import hashlib

import pandas as pd

from tasks.publish.settings import PublishSettings


def split_images(kept: pd.DataFrame, settings: PublishSettings) -> pd.Series:
    """Assigns `train` or `val` inside each class by a hash of the content: few pictures change sides as a class grows.

    Args:
        kept: image_id, landmark_id, sha256.

    Returns:
        The split, indexed by image_id. A class gives the share rounded down to val, and never so many that fewer than
        `min_train` are left in train.
    """
    draw = [
        hashlib.sha256(f"{landmark}\0{sha256}".encode()).hexdigest()
        for landmark, sha256 in zip(kept.landmark_id, kept.sha256, strict=True)
    ]
    ordered = kept.assign(draw=draw).sort_values(["landmark_id", "draw", "image_id"])
    classes = ordered.groupby("landmark_id")["image_id"]
    size, rank = classes.transform("size"), classes.cumcount()
    to_val = (
        (size * settings.validation_share).round(9).astype(int).clip(upper=(size - settings.min_train).clip(lower=0))
    )
    split = pd.Series("train", index=ordered.image_id)
    split[(rank < to_val).to_numpy()] = "val"
    return split
