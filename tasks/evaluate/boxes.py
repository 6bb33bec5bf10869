"""How a version's boxes agree with those of a reference, on images that are the same to the byte."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from storage.errors import InputError
from tasks.evaluate.reference import BOX

_THEIR_BOX = [f"reference_{edge}" for edge in BOX]
_NEARLY_ALL = 0.99


@dataclass(frozen=True)
class BoxAgreement:
    """Boxes on images that the reference keeps, and gives with an MD5 and a box.

    A box is valid for the very bytes that its MD5 names, so only those images are compared. The counts `unread`,
    `other_bytes` (MD5 mismatch), `not_kept` (the same bytes, without a box here), `turned` (by EXIF: no document
    says whether the reference's boxes are of the picture before or after that) and the length of `ious` add up to
    `promised`.
    """

    promised: int
    unread: int
    other_bytes: int
    not_kept: int
    turned: int
    ious: NDArray[np.float64]  # ascending

    @property
    def mean_iou(self) -> float:
        """Mean intersection over union; NaN without boxes."""
        return float(self.ious.mean()) if len(self.ious) else float("nan")

    @property
    def iou_above_half(self) -> float:
        """Share of the boxes with an intersection over union above 0.5; NaN without boxes."""
        return float((self.ious > 0.5).mean()) if len(self.ious) else float("nan")


def compare_boxes(images: pd.DataFrame) -> BoxAgreement:
    """Compares the boxes of those images whose bytes are the ones that the reference's boxes were made on.

    Args:
        images: url, md5, width, height, orientation, x1 … y2 of the version; reference_md5, reference_x1 …
            reference_y2.

    Raises:
        InputError: the reference's boxes don't lie in the images.
    """
    promised = images[images.reference_md5.notna() & images[_THEIR_BOX].notna().all(axis=1)]
    same = promised[promised.md5 == promised.reference_md5]
    kept = same[same.x1.notna()]
    boxed = kept[kept.orientation == 1]
    _check_inside(same[same.orientation == 1])
    ious = intersection_over_union(boxed[BOX].to_numpy(np.float64), boxed[_THEIR_BOX].to_numpy(np.float64))
    unread = int(promised.md5.isna().sum())
    return BoxAgreement(
        promised=len(promised),
        unread=unread,
        other_bytes=len(promised) - unread - len(same),
        not_kept=len(same) - len(kept),
        turned=len(kept) - len(boxed),
        ious=np.sort(ious),
    )


def intersection_over_union(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Computes the overlap of boxes x1, y1, x2, y2 (half-open), float64 (n, 4) each: float64 (n,).

    0 where they do not meet.
    """
    common = np.clip(np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2]), 0, None).prod(axis=1)
    union = (a[:, 2:] - a[:, :2]).prod(axis=1) + (b[:, 2:] - b[:, :2]).prod(axis=1) - common
    ious: NDArray[np.float64] = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return ious


def _check_inside(images: pd.DataFrame) -> None:
    """Boxes in another order, or in other pixels, reach out of the images they are said to be of."""
    x1, y1, x2, y2 = (images[name] for name in _THEIR_BOX)
    inside = (x1 >= 0) & (x1 < x2) & (x2 <= images.width) & (y1 >= 0) & (y1 < y2) & (y2 <= images.height)
    outside = images[~inside].sort_values("url")
    if len(outside) > 1 and inside.mean() < _NEARLY_ALL:
        wrong = outside.iloc[0]
        box = " ".join(f"{edge:g}" for edge in wrong[_THEIR_BOX])
        raise InputError(
            f"{len(outside)} of {len(images)} boxes of the reference reach out of their image, such as {box} (read "
            f"as x1 y1 x2 y2) of {wrong.url!r}, {wrong.width:g} by {wrong.height:g} pixels; expected lines of "
            f"URL CLASS_ID x1 x2 y1 y2 in pixels of the image whose MD5 is given"
        )
