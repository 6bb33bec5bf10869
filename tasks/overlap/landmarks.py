"""What follows from verified pairs with test photographs: which images go, and which whole classes."""

import json
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import betainc  # scipy.stats takes most of a second to import

from storage.reasons import Reason
from tasks.overlap.settings import OverlapSettings

_SHOWS = ("query", "positive")


def dropped_images(images: pd.DataFrame, overlaps: pd.DataFrame, settings: OverlapSettings) -> pd.DataFrame:
    """Judges images and classes by their overlaps with the test sets.

    Every image with a verified pair goes, be it with another of its class that shows a test photograph (see
    `tasks.overlap.expansion`). A class goes whole when enough of its images (see `images_needed`) show the same site of
    a test set by pairs that are `telling`.

    Args:
        images: image_id, landmark_id of all images that took part; one without a class has "", which none condemns.
        overlaps: the table `overlaps` without its points.

    Returns:
        image_id, reason, evidence (JSON), sorted by image_id.
    """
    condemned = _condemned_classes(images, overlaps, settings) if settings.policy == "class" else {}
    best = overlaps.sort_values(["inliers", "test_set", "test_image"], ascending=[False, True, True])
    best = best.assign(is_copy=best.kind == "copy").sort_values("is_copy", ascending=False, kind="stable")
    strongest = best.drop_duplicates("image_id").set_index("image_id")
    rows = []
    for image in images.sort_values("image_id").itertuples():
        own = _match(strongest.loc[image.image_id]) if image.image_id in strongest.index else {}
        if image.landmark_id in condemned:
            rows.append((image.image_id, Reason.TEST_LANDMARK_CLASS, {**condemned[image.landmark_id], **own}))
        elif own:
            reason = Reason.TEST_COPY if own["kind"] == "copy" else Reason.TEST_LANDMARK
            rows.append((image.image_id, reason, own))
    texts = [(image_id, str(reason), json.dumps(evidence)) for image_id, reason, evidence in rows]
    return pd.DataFrame(texts, columns=["image_id", "reason", "evidence"], dtype=object)


def images_needed(size: int, settings: OverlapSettings) -> int:
    """Returns how many images of a class of this size must show a site for the class to go: two at least.

    So many that chance alone, which makes an image show a site falsely at the rate of the settings, would give them in
    no more than the stated share of such classes (a binomial tail), and no less than the settings' share of the class.
    """
    counts = np.arange(1, size + 1)
    so_many_or_more = betainc(counts, size - counts + 1, settings.image_false_rate)
    by_chance = int(np.count_nonzero(so_many_or_more > settings.class_chance)) + 1
    return max(2, by_chance, ceil(round(settings.class_share * size, 9)))


def telling(overlaps: pd.DataFrame, settings: OverlapSettings) -> pd.DataFrame:
    """Returns the pairs that tell something of a class, and not of one image alone.

    They are of images that have a class, with test photographs themselves. A copy is none: one that is hidden in a
    class says nothing of the others. Nor is a pair with what a test set calls junk, or with one of its distractors,
    unless the settings say so.
    """
    shows = settings.distractors_condemn | overlaps.role.isin(_SHOWS)
    views = (overlaps.kind == "landmark") & overlaps.through.isna()
    return overlaps[views & shows & (overlaps.landmark_id != "")]


def _condemned_classes(
    images: pd.DataFrame, overlaps: pd.DataFrame, settings: OverlapSettings
) -> dict[str, dict[str, Any]]:
    sizes = images.groupby("landmark_id")["image_id"].nunique()
    shown = telling(overlaps, settings).groupby(["landmark_id", "test_set", "site"])["image_id"].nunique()
    condemned: dict[str, dict[str, Any]] = {}
    for (landmark, test_set, site), count in shown.sort_values(ascending=False, kind="stable").items():
        size = int(sizes[landmark])
        needed = images_needed(size, settings)
        if count >= needed:
            found = {"class_images": int(count), "class_size": size, "class_needed": needed}
            condemned.setdefault(landmark, {"class_test_set": test_set, "class_site": site, **found})
    return condemned


def _match(row: pd.Series) -> dict[str, object]:
    names = ("kind", "test_set", "test_image", "site", "role", "mirrored", "through", "inliers", "putative")
    cells = {name: row[name].item() if hasattr(row[name], "item") else row[name] for name in names}
    return {name: cell for name, cell in cells.items() if name != "through" or pd.notna(cell)}
