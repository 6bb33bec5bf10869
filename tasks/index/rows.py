"""Which row of its list stands for each image of an index, and which images it lacks."""

from collections import Counter
from collections.abc import Mapping, Set

import pandas as pd

from storage.reasons import Reason
from tasks.index.build import numbers_of


def rows_of_index(images: pd.DataFrame, verdicts: pd.DataFrame, described: Set[str]) -> pd.DataFrame:
    """Returns the rows of the table `indexed`, by ascending sha256 and so by ascending `faiss_id`.

    Args:
        images: `image_id`, `sha256`, `path`, `width`, `height` of all readable images of a version.
        verdicts: its `verdicts`, of which `row`, `image_id`, `landmark_id` and `reason` are read.
        described: the sha256 of the images that have a descriptor.

    Raises:
        InputError: two images have one number.
    """
    judged = images[images.sha256.isin(described)].merge(
        verdicts[["row", "image_id", "landmark_id", "reason"]], on="image_id"
    )
    worse = judged.assign(worse=judged.reason.map({Reason.KEPT: 0, Reason.DUPLICATE_ROW: 2}).fillna(1))
    rows = worse.sort_values(["sha256", "worse", "row"]).drop_duplicates("sha256")
    return rows.assign(faiss_id=numbers_of(rows.sha256.tolist())).drop(columns=["row", "worse"])


def count_not_indexed(images: pd.DataFrame, described: Set[str], undescribed: Mapping[str, str]) -> dict[str, int]:
    """Returns how many images have no descriptor, by reason.

    Args:
        undescribed: the reason by sha256.
    """
    return dict(Counter(undescribed[sha256] for sha256 in sorted(set(images.sha256) - described)))
