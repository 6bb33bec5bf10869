"""How a version agrees with what the authors of its list kept: of keep and discard, overall and by class."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from storage.errors import InputError
from storage.reasons import Reason
from tasks.evaluate.boxes import BoxAgreement, compare_boxes
from tasks.evaluate.reference import BOX, Reference

ALL, READABLE = "all rows", "readable here"


@dataclass(frozen=True)
class Comparison:
    """A version beside a reference. Rows are distinct images of the list; repeated lines have no say.

    Attributes:
        overall: `score_keeping` by scope: `ALL`, and `READABLE`: without what could not be read here.
        classes: `score_keeping` by landmark_id and scope.
        boxes: of the images in `overall`.
        overlapping: images dropped for overlap with a test set. They are in no other figure, since the authors dropped
            for other test sets, or before they made their list.
        overlapping_wanted: how many of those the reference keeps.
        reference_images: how many images the reference keeps.
        not_in_list: how many of them the list of the version lacks.
        listed_images: how many images the list of the version has.
        not_in_reference: how many of them the reference does not name, and therefore drops.
    """

    overall: pd.DataFrame
    classes: pd.DataFrame
    boxes: BoxAgreement
    overlapping: int
    overlapping_wanted: int
    reference_images: int
    not_in_list: int
    listed_images: int
    not_in_reference: int


def compare(images: pd.DataFrame, reference: Reference) -> Comparison:
    """Compares a version with a reference (`algorithms.md` 5, acceptance idea; 6, point 8).

    Args:
        images: as `judged_images` gives them.

    Raises:
        InputError: list and reference have no image in common, or the reference's boxes don't fit the images.
    """
    wanted = _distinct(reference.rows.assign(key=_keys(reference.rows, images, reference.joined_by)))
    joined = images.assign(key=_keys(images, images, reference.joined_by)).merge(wanted, how="left", on="key")
    joined["wanted"] = joined.key.isin(wanted.key)
    if not joined.wanted.any():
        raise InputError(
            f"{reference.files}: none of its {len(wanted)} images is in the list of the version, looked up by "
            f"{reference.joined_by}; do they belong together?"
        )
    overlaps = joined[joined.overlaps]
    fair = joined[~joined.overlaps]
    scoped = pd.concat([fair.assign(scope=ALL), fair[fair.readable].assign(scope=READABLE)])
    scoped["scope"] = pd.Categorical(scoped.scope, [ALL, READABLE])
    return Comparison(
        overall=score_keeping(scoped, ["scope"]),
        classes=score_keeping(scoped, ["landmark_id", "scope"]),
        boxes=compare_boxes(fair),
        overlapping=len(overlaps),
        overlapping_wanted=int(overlaps.wanted.sum()),
        reference_images=len(wanted),
        not_in_list=int((~wanted.key.isin(joined.key)).sum()),
        listed_images=len(joined),
        not_in_reference=int((~joined.wanted).sum()),
    )


def judged_images(
    sources: pd.DataFrame, verdicts: pd.DataFrame, images: pd.DataFrame, boxes: pd.DataFrame
) -> pd.DataFrame:
    """Returns the list as a version judged it, from the tables of those names.

    Returns:
        One row per image: image_id, landmark_id, url, kept, overlaps (dropped for overlap with a test set), readable (a
        stand-in that came in place of the photograph is not), md5, width, height, orientation (null where no image
        came), x1, y1, x2, y2 (half-open, in pixels after EXIF orientation; NaN where it has no box).
    """
    rows = verdicts[verdicts.reason != Reason.DUPLICATE_ROW].merge(sources[["row", "url"]], on="row")
    rows = rows.assign(kept=rows.verdict == "kept", overlaps=rows.stage == Reason.TEST_LANDMARK.stage)
    rows = rows.merge(images[["image_id", "md5", "width", "height", "orientation"]], how="left", on="image_id")
    rows["readable"] = rows.md5.notna() & (rows.reason != Reason.PLACEHOLDER)
    judged = rows.merge(boxes[["image_id", *BOX]], how="left", on="image_id")
    return judged.drop(columns=["row", "verdict", "stage", "reason"])


def score_keeping(images: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Returns precision, recall and F1 of keep and discard, per group of rows.

    Args:
        images: bool kept (here), bool wanted (by the reference), and the columns `by`.

    Returns:
        Indexed by `by`: the counts rows, wanted, kept, right (kept and wanted), the shares precision, recall, f1, and
        wanted_ratio and kept_ratio (of the rows; NaN where there are none). Another share of nothing is 1.
    """
    counts = (
        images.assign(rows=1, right=images.wanted & images.kept)
        .groupby(by, observed=False)[["rows", "wanted", "kept", "right"]]
        .sum()
        .astype(np.int64)
    )
    return counts.assign(
        precision=_share(counts.right, counts.kept),
        recall=_share(counts.right, counts.wanted),
        f1=_share(2 * counts.right, counts.wanted + counts.kept),
        wanted_ratio=counts.wanted / counts.rows,
        kept_ratio=counts.kept / counts.rows,
    )


def _keys(rows: pd.DataFrame, images: pd.DataFrame, joined_by: str) -> pd.Series:
    """What an image is looked up by. An address that stands in several classes of the list needs its class too."""
    keys = rows[joined_by]
    classes = images.groupby(joined_by).landmark_id.nunique()
    several = keys.isin(classes.index[classes > 1])
    return keys.where(~several, keys + " " + rows.landmark_id)


def _distinct(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per key; which one of several does not depend on the order of the files."""
    kept = rows.sort_values(["key", "md5", *BOX]).drop_duplicates("key")
    return kept[["key", "md5", *BOX]].rename(columns={name: f"reference_{name}" for name in ("md5", *BOX)})


def _share(part: pd.Series, whole: pd.Series) -> pd.Series:
    return (part / whole).where(whole > 0, 1.0)
