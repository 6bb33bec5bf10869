"""What follows from verified pairs with test photographs: which images go, and which whole classes."""

import json

import pandas as pd

from storage.reasons import Reason
from tasks.overlap.settings import OverlapSettings


def dropped_images(images: pd.DataFrame, overlaps: pd.DataFrame, settings: OverlapSettings) -> pd.DataFrame:
    """Judges images and classes by their overlaps with the test sets.

    A class goes whole when at least `class_images` of its images, and `class_share` of them, show the same site of a
    test set without being copies: a copied test photograph hidden in a class does not condemn the class.

    Args:
        images: image_id, landmark_id of all images that took part.
        overlaps: the table `overlaps` without its points.

    Returns:
        image_id, reason, evidence (JSON), sorted by image_id.
    """
    condemned = _condemned_classes(images, overlaps, settings)
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


def _condemned_classes(
    images: pd.DataFrame, overlaps: pd.DataFrame, settings: OverlapSettings
) -> dict[str, dict[str, object]]:
    sizes = images.groupby("landmark_id")["image_id"].nunique()
    shown = overlaps[overlaps.kind == "landmark"].groupby(["landmark_id", "test_set", "site"])["image_id"].nunique()
    condemned: dict[str, dict[str, object]] = {}
    for (landmark, test_set, site), count in shown.sort_values(ascending=False, kind="stable").items():
        if count >= settings.class_images and count >= settings.class_share * sizes[landmark]:
            site_found = {
                "class_test_set": test_set,
                "class_site": site,
                "class_images": int(count),
                "class_size": int(sizes[landmark]),
            }
            condemned.setdefault(landmark, site_found)
    return condemned


def _match(row: pd.Series) -> dict[str, object]:
    names = ("kind", "test_set", "test_image", "site", "mirrored", "inliers", "putative")
    return {name: row[name].item() if hasattr(row[name], "item") else row[name] for name in names}
