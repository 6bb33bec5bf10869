"""Two versions of a dataset side by side: what changed, image by image, and why."""

import numpy as np
import pandas as pd

from storage.manifest import Manifest
from storage.root import Root
from storage.tables.groups import BOXES
from storage.tables.versions import VERDICTS
from storage.versions import read_version_table

_BOX = ["x1", "y1", "x2", "y2"]


def compare_versions(root: Root, before: Manifest, after: Manifest) -> pd.DataFrame:
    """Returns what changed from one version to another.

    Returns:
        One row per change, sorted by image: `image_id`, `landmark_id`, `change` (`added` or `removed`: entered or left
        the list; `verdict`: another verdict or reason; `box`: kept in both, with another box), `before`, `after` (the
        reason codes or boxes in words), `evidence` (JSON) and `sha256` (null where none was read), these two and the
        class of the later version where the image is in it.
    """
    old, new = _verdicts(root, before), _verdicts(root, after)
    both = old.merge(new, how="outer", left_index=True, right_index=True, suffixes=("_before", "_after"))
    both["change"] = np.select(
        [both.reason_before.isna(), both.reason_after.isna(), both.reason_before != both.reason_after],
        ["added", "removed", "verdict"],
        default="",
    )
    changed = both[both.change != ""].reset_index()
    verdicts = pd.DataFrame(
        {
            "image_id": changed.image_id,
            "landmark_id": changed.landmark_id_after.fillna(changed.landmark_id_before),
            "change": changed.change,
            "before": changed.reason_before.fillna("–"),
            "after": changed.reason_after.fillna("–"),
            "evidence": changed.evidence_after.fillna(changed.evidence_before),
            "sha256": changed.sha256_after.fillna(changed.sha256_before),
        }
    )
    moved = _moved_boxes(root, before, after).join(new[["landmark_id", "sha256"]], on="image_id")
    return pd.concat([verdicts, moved[verdicts.columns]]).sort_values(["image_id", "change"], ignore_index=True)


def _verdicts(root: Root, version: Manifest) -> pd.DataFrame:
    table = read_version_table(root, version, VERDICTS.name).to_pandas()
    first = table[table.reason != "duplicate-row"]  # a repeated line has no verdict of its own
    return first.set_index("image_id")[["landmark_id", "reason", "evidence", "sha256"]]


def _moved_boxes(root: Root, before: Manifest, after: Manifest) -> pd.DataFrame:
    old, new = (read_version_table(root, v, BOXES.name).to_pandas().set_index("image_id") for v in (before, after))
    both = old.merge(new, how="inner", left_index=True, right_index=True, suffixes=("_before", "_after"))
    corners = [both[[f"{corner}_{side}" for corner in _BOX]].to_numpy() for side in ("before", "after")]
    moved = both[(corners[0] != corners[1]).any(axis=1)].reset_index()
    return pd.DataFrame(
        {
            "image_id": moved.image_id,
            "change": "box",
            "before": [_words(row) for row in moved[[f"{c}_before" for c in _BOX]].to_numpy()],
            "after": [_words(row) for row in moved[[f"{c}_after" for c in _BOX]].to_numpy()],
            "evidence": [f'{{"supports": {n}}}' for n in moved.supports_after],
        }
    )


def _words(box: np.ndarray) -> str:
    return " ".join(f"{value:.1f}" for value in box)
