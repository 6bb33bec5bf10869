"""What a version has to train on: its kept photographs, with their classes, copies, verified pairs, boxes and split."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from storage.errors import InputError
from tasks.train.mining import Labels, Mask

_BOX = ["x1", "y1", "x2", "y2"]


class Photograph(NamedTuple):
    """A kept photograph: its id in the list, where its bytes are below the root, and its box in pixels, upright."""

    image_id: str
    path: str
    box: tuple[float, float, float, float] | None


@dataclass(frozen=True)
class Samples:
    """The kept photographs of a version, each image once, by its id.

    Attributes:
        labels: of each photograph, in the same order.
        names: of the classes that `labels` numbers.
        validates: bool (n,), which of them validate; the others train.
    """

    photographs: list[Photograph]
    labels: Labels
    names: list[str]
    validates: Mask


def read_samples(
    images: pd.DataFrame, verdicts: pd.DataFrame, groups: pd.DataFrame, pairs: pd.DataFrame, boxes: pd.DataFrame
) -> Samples:
    """Returns the kept photographs of a version's tables.

    Args:
        images: image_id, path. verdicts: image_id, landmark_id, verdict, split. groups: image_id, copy_of.
        pairs: image_a, image_b. boxes: image_id, x1, y1, x2, y2.

    Raises:
        InputError: fewer than two classes have a kept photograph that trains.
    """
    kept = verdicts[verdicts.verdict == "kept"].drop_duplicates("image_id")
    table = kept.merge(images, on="image_id").merge(groups, on="image_id", how="left")
    table = table.merge(boxes, on="image_id", how="left").sort_values("image_id", ignore_index=True)
    classes, names = pd.factorize(table.landmark_id, sort=True)
    trains = table.split != "val"
    if table.landmark_id[trains].nunique() < 2:
        raise InputError(
            f"{table.landmark_id[trains].nunique()} classes of the version have kept photographs that train, and "
            "triplets need two; curate a list of more classes"
        )
    pictures, _ = pd.factorize(table.copy_of.fillna(table.image_id))
    labels = Labels(classes.astype(np.int64), pictures.astype(np.int64), _verified(table.image_id, pairs))
    found = zip(table.image_id, table.path, table[_BOX].itertuples(index=False, name=None), strict=True)
    photographs = [Photograph(image, path, None if np.isnan(box[0]) else box) for image, path, box in found]
    return Samples(photographs, labels, list(names), (~trains).to_numpy(np.bool_))


def _verified(kept: pd.Series, pairs: pd.DataFrame) -> NDArray[np.int64]:
    """The pairs (pairs, 2) of kept photographs, by their rows in `kept`."""
    row_of = pd.Series(np.arange(len(kept)), index=kept)
    both = pairs[pairs.image_a.isin(row_of.index) & pairs.image_b.isin(row_of.index)]
    return np.stack([row_of[both.image_a], row_of[both.image_b]], axis=1).astype(np.int64)
