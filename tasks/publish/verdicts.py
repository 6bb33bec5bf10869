"""One verdict per row of the list, and the funnel that they make."""

import json
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from storage.reasons import Reason
from storage.tables.versions import VERDICTS
from tasks.publish.funnel import STEPS


class FunnelStep(NamedTuple):
    """How many images and classes are left at a step of the funnel."""

    step: str
    images: int
    classes: int


def build_verdicts(
    sources: pd.DataFrame, first_rows: np.ndarray, images: pd.DataFrame, drops: pd.DataFrame, kept: pd.DataFrame
) -> pd.DataFrame:
    """Returns the table `verdicts`: what became of each row of the list.

    Args:
        sources: row, image_id, landmark_id. first_rows: (n,), the row that named each row's image first.
        images: image_id, sha256 of every readable image. drops: image_id, stage, reason, evidence of all stages.
        kept: image_id, group_size, neighbours, split, and by_hand: why a person keeps it, null where none does.

    Raises:
        RuntimeError: a row has no verdict, or two. A bug of ours, and no version comes of it.
    """
    fates = pd.concat(
        [
            drops[["image_id", "stage", "reason", "evidence"]].assign(verdict="dropped", split=None),
            pd.DataFrame(
                {
                    "image_id": kept.image_id,
                    "stage": "publish",
                    "reason": str(Reason.KEPT),
                    "evidence": [_why_kept(row) for row in kept.itertuples()],
                    "verdict": "kept",
                    "split": kept.split,
                }
            ),
        ]
    )
    doubled = fates.image_id[fates.image_id.duplicated()].tolist()
    if doubled:
        raise RuntimeError(f"images with two verdicts: {doubled[:5]}")
    verdicts = sources[["row", "image_id", "landmark_id"]].merge(fates, how="left", on="image_id")
    verdicts = verdicts.merge(images[["image_id", "sha256"]], how="left", on="image_id")
    repeated = verdicts["row"].to_numpy() != first_rows
    verdicts.loc[repeated, ["verdict", "stage", "reason", "split"]] = [
        "dropped",
        "sources",
        str(Reason.DUPLICATE_ROW),
        None,
    ]
    verdicts.loc[repeated, "evidence"] = [json.dumps({"same_as_row": int(row)}) for row in first_rows[repeated]]
    undecided = verdicts.image_id[verdicts.verdict.isna()].tolist()
    if undecided:
        raise RuntimeError(f"rows without a verdict: {undecided[:5]}")
    if len(verdicts) != len(sources):
        raise RuntimeError(f"{len(verdicts)} verdicts for {len(sources)} rows")
    return verdicts[VERDICTS.schema.names].astype(object).where(verdicts[VERDICTS.schema.names].notna(), None)


def _why_kept(row: Any) -> str:
    evidence: dict[str, Any] = {"group_size": int(row.group_size), "neighbours": int(row.neighbours)}
    return json.dumps(evidence | ({"kept_by_hand": row.by_hand} if isinstance(row.by_hand, str) else {}))


def funnel(verdicts: pd.DataFrame) -> list[FunnelStep]:
    """Returns how many images and classes are left after each stage."""
    remaining, steps = verdicts, []
    for step, stages in STEPS.items():
        remaining = remaining[~((remaining.verdict == "dropped") & remaining.stage.isin(stages))]
        classes = remaining.landmark_id[remaining.landmark_id != ""].nunique()
        steps.append(FunnelStep(step=step, images=len(remaining), classes=classes))
    return steps
