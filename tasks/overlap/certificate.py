"""What was done to find overlaps with each test set, what was found, and what may have been missed."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from tasks.match.audit import missed_pairs

_COUNTS = ["images", "possible", "compared", "verified", "audited", "audit_found"]


def certify(
    comparisons: pd.DataFrame, overlaps: pd.DataFrame, checked: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Rows of the table `certificate`.

    Args:
        comparisons: the table of this name of every packet. overlaps: test_set, image_id, landmark_id of all of them.
        checked: by test set, photographs, sites, ground_truth, absent, ignored, unreadable and signature.
    """
    rows = []
    for test_set, facts in sorted(checked.items()):
        counts = comparisons[comparisons.test_set == test_set][_COUNTS].sum().astype(int).to_dict()
        found = overlaps[overlaps.test_set == test_set]
        unseen = counts["possible"] - counts["compared"]
        missed, low, high = missed_pairs(unseen, counts["audited"], counts["audit_found"])
        rows.append(
            {
                "test_set": test_set,
                **facts,
                "ground_truth": bool(facts["ground_truth"]),
                **counts,
                "images_found": found.image_id.nunique(),
                "classes_found": found.landmark_id.nunique(),
                "missed": missed,
                "missed_low": low,
                "missed_high": high,
            }
        )
    return rows
