"""Which readable images go on: not placeholders, not copies of each other, not of classes too small to compare."""

import json

import pandas as pd

from storage.reasons import Reason
from tasks.acquire.settings import SelectSettings


def select_images(images: pd.DataFrame, settings: SelectSettings) -> pd.DataFrame:
    """Finds the readable images that go no further.

    Args:
        images: the readable images: image_id, landmark_id, sha256.

    Returns:
        The dropped ones as image_id, reason, evidence (JSON), in the order of image_id. The same bytes in
        `placeholder_classes` classes or more are a placeholder; in fewer, but more than one, ambiguous; within one
        class all but the smallest image_id are duplicates. Classes with fewer than `min_class_size` left go whole.
    """
    images = images.sort_values("image_id", ignore_index=True)
    of_same_bytes = images.groupby("sha256")
    classes = of_same_bytes["landmark_id"].transform("nunique")
    copies = of_same_bytes["image_id"].transform("size")
    first = of_same_bytes["image_id"].transform("first")

    placeholder = classes >= settings.placeholder_classes
    ambiguous = (classes > 1) & ~placeholder
    duplicate = (classes == 1) & (images.image_id != first)
    left = ~(placeholder | ambiguous | duplicate)
    sizes = images.landmark_id.map(images[left].groupby("landmark_id").size()).fillna(0).astype(int)
    small = left & (sizes < settings.min_class_size)

    dropped = [
        _drop(images[placeholder], Reason.PLACEHOLDER, classes=classes, copies=copies),
        _drop(images[ambiguous], Reason.AMBIGUOUS_CLASS, classes=_names_of_classes(images, ambiguous)),
        _drop(images[duplicate], Reason.DUPLICATE_IMAGE, same_as=first),
        _drop(images[small], Reason.CLASS_TOO_SMALL, readable=sizes),
    ]
    return pd.concat(dropped).sort_values("image_id", ignore_index=True)


def _drop(rows: pd.DataFrame, reason: Reason, **evidence: pd.Series) -> pd.DataFrame:
    parts = pd.DataFrame({name: values.loc[rows.index] for name, values in evidence.items()}).astype(object)
    texts = [json.dumps(row) for row in parts.to_dict("records")]
    return pd.DataFrame({"image_id": rows.image_id, "reason": str(reason), "evidence": texts}, dtype=object)


def _names_of_classes(images: pd.DataFrame, chosen: pd.Series) -> pd.Series:
    names = images[chosen].groupby("sha256")["landmark_id"].agg(lambda values: sorted(set(values)))
    return images.sha256.map(names)
