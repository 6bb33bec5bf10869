"""Classes that show the same landmark, as the report tells of them."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

RELATED_ON_INDEX = 100
"""Most pairs of classes that the index shows; the table `class_pairs` has all, and each class's page its own."""


def strongest_class_pairs(pairs: pd.DataFrame) -> pd.DataFrame:
    """Picks of each two classes the row of `class_pairs` with most inliers, sorted by the classes."""
    ordered = pairs.sort_values(["inliers", "image_a", "image_b"], ascending=[False, True, True])
    strongest = ordered.drop_duplicates(["landmark_a", "landmark_b"])
    return strongest.sort_values(["landmark_a", "landmark_b"], ignore_index=True)


def class_pair_drawing(sha256_a: str, sha256_b: str) -> str:
    """Returns name of the drawing of two classes' strongest pair below `pictures/`."""
    return f"classes-{sha256_a}-{sha256_b}.jpg"


def reassigned_drawing(sha256: str) -> str:
    """Names the drawing of an image that left its class, beside its strongest neighbour in the other class."""
    return f"other-{sha256}.jpg"


def related_classes(pairs: pd.DataFrame, sha256: Mapping[str, str]) -> list[dict[str, Any]]:
    """Returns each two classes that show the same landmark, most verified pairs first.

    Args:
        pairs: the table `class_pairs`. sha256: of each image.

    Returns:
        landmark_a, landmark_b; pairs, images_a, images_b, how many are in verified pairs; inliers of the strongest,
        and drawing, its name.
    """
    counted = pairs.groupby(["landmark_a", "landmark_b"], as_index=False).agg(
        pairs=("image_a", "size"), images_a=("image_a", "nunique"), images_b=("image_b", "nunique")
    )
    ends = ["landmark_a", "landmark_b"]
    strongest = strongest_class_pairs(pairs)[[*ends, "image_a", "image_b", "inliers"]]
    records = counted.merge(strongest, on=ends).to_dict("records")
    for record in records:
        record["drawing"] = class_pair_drawing(sha256[record.pop("image_a")], sha256[record.pop("image_b")])
    return sorted(records, key=lambda record: (-record["pairs"], record["landmark_a"], record["landmark_b"]))


def seen_from(related: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Groups class pairs by class.

    Each has, seen from it: the other class, pairs, images here, images there, inliers, drawing.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for record in related:
        for here, there in ("ab", "ba"):
            shown = {"other": record[f"landmark_{there}"], "here": record[f"images_{here}"]}
            shown |= {"there": record[f"images_{there}"]}
            shown |= {name: record[name] for name in ("pairs", "inliers", "drawing")}
            found.setdefault(record[f"landmark_{here}"], []).append(shown)
    return found
