"""What was done to find overlaps with each test set, what was found, and what may have been missed."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict

from storage.reasons import Reason
from tasks.match.audit import missed_pairs

_COUNTS = ["images", "possible", "compared", "verified", "audited", "audit_found"]
_MATES = ["mates_compared", "mates_verified"]
_REASONS = [str(reason) for reason in Reason if reason.stage == "overlap"]


class CheckedSet(BaseModel):
    """What is known of a test set that was compared: counts of photographs, and the digest of its signature."""

    model_config = ConfigDict(frozen=True)

    photographs: int
    sites: int
    ground_truth: bool
    absent: int
    ignored: int
    not_compared: int
    signature: str


def certify(
    comparisons: pd.DataFrame,
    expansions: pd.DataFrame,
    overlaps: pd.DataFrame,
    drops: pd.DataFrame,
    checked: Mapping[str, CheckedSet],
) -> list[dict[str, Any]]:
    """Makes the rows of the table `certificate`.

    Args:
        comparisons, expansions: the tables of these names of every packet.
        overlaps: test_set, image_id, landmark_id, through of all of them. drops: landmark_id, reason, evidence.
        checked: by test set.
    """
    dropped, rows = _dropped(drops), []
    for test_set, facts in sorted(checked.items()):
        counts = comparisons[comparisons.test_set == test_set][_COUNTS].sum().astype(int).to_dict()
        mates = expansions[expansions.test_set == test_set][_MATES].sum().astype(int).to_dict()
        found = overlaps[overlaps.test_set == test_set]
        unseen = counts["possible"] - counts["compared"]
        missed, low, high = missed_pairs(unseen, counts["audited"], counts["audit_found"])
        rows.append(
            {
                "test_set": test_set,
                **facts.model_dump(),
                **counts,
                **mates,
                "images_found": found.image_id.nunique(),
                "images_through": found.image_id[found.through.notna()].nunique(),
                "classes_found": found.landmark_id.nunique(),
                **_consequences(dropped[dropped.test_set == test_set]),
                "missed": missed,
                "missed_low": low,
                "missed_high": high,
            }
        )
    return rows


def _dropped(drops: pd.DataFrame) -> pd.DataFrame:
    """What the stage `overlap` dropped, and the test set that each image, or its whole class, was dropped for."""
    own = drops[drops.reason.isin(_REASONS)]
    named = [json.loads(evidence) for evidence in own.evidence]
    return own.assign(test_set=[evidence.get("class_test_set") or evidence["test_set"] for evidence in named])


def _consequences(dropped: pd.DataFrame) -> dict[str, int]:
    whole = dropped[dropped.reason == Reason.TEST_LANDMARK_CLASS]
    return {
        "copies_dropped": int((dropped.reason == Reason.TEST_COPY).sum()),
        "landmarks_dropped": int((dropped.reason == Reason.TEST_LANDMARK).sum()),
        "classes_dropped": whole.landmark_id.nunique(),
        "class_images_dropped": len(whole),
    }
