"""What the report's index says of a version as a whole: overlaps with test sets, checks, losses by step, settings."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from storage.manifest import FunnelStep
from storage.reasons import PassedOver, Reason
from tasks.pages.words import clip, words
from tasks.publish.funnel import STEPS
from tasks.publish.passed_over import uncompared
from tasks.publish.rows import ClassSummary, cells


def overlaps_by_class(overlaps: pa.Table, classes: list[ClassSummary]) -> list[dict[str, Any]]:
    """Returns classes that show what test photographs do; most pairs first."""
    kept = {summary.name: summary.kept for summary in classes}
    columns = ["landmark_id", "image_id", "test_set", "site", "kind", "inliers"]
    through = pc.is_valid(overlaps["through"]).to_pylist()
    pairs = sorted(zip(*cells(overlaps, columns), through, strict=True))
    found = []
    for name, part in groupby(pairs, key=lambda pair: pair[0]):
        members = list(part)
        found.append(
            {
                "landmark_id": name,
                "kept": kept[name],
                "pairs": len(members),
                "images": len({image_id for _, image_id, *_ in members}),
                "copies": sum(kind == "copy" for *_, kind, _, _ in members),
                "through": sum(found_so for *_, found_so in members),
                "inliers": max(inliers for *_, inliers, _ in members),
                "sites": clip(words(sorted({f"{test_set}: {site}" for _, _, test_set, site, *_ in members}))),
            }
        )
    return sorted(found, key=lambda entry: (-entry["pairs"], entry["landmark_id"]))


def check(tables: Mapping[str, pa.Table]) -> list[tuple[bool, str]]:
    """Returns what must hold of every version, counted anew from its tables: (whether it holds, the sentence)."""
    verdicts, sources = tables["verdicts"], tables["sources"].num_rows
    kept = verdicts.filter(pc.equal(verdicts["verdict"], pa.scalar("kept")))
    leaks, boxed = (
        kept.filter(pc.is_in(kept["image_id"], value_set=tables[name]["image_id"].combine_chunks())).num_rows
        for name in ("overlaps", "boxes")
    )
    distinct = pc.count_distinct(kept["sha256"]).as_py()
    told = uncompared(tables["passed_over"])
    missed = sum(row["test_set"] != "" for row in told)
    blind = sum(row["test_set"] == "" and row["reason"] == PassedOver.NO_KEYPOINTS for row in told)
    return [
        (leaks == 0, f"{leaks:,} of {len(kept):,} kept images show the same thing as a test photograph."),
        (missed == 0, f"{missed:,} files of test sets were not compared."),
        (blind == 0, f"{blind:,} of {len(kept):,} kept images have no keypoint, and were compared with none."),
        (verdicts.num_rows == sources, f"{sources:,} rows came in, {verdicts.num_rows:,} left with a verdict."),
        (boxed == len(kept), f"{boxed:,} of {len(kept):,} kept images have a box."),
        (distinct == len(kept), f"{len(kept):,} kept images are {distinct:,} different files."),
    ]


def losses(steps: Sequence[FunnelStep], counts: Mapping[str, int]) -> list[dict[str, int]]:
    """Lists for each step of the funnel the rows dropped there by reason, most first."""
    most_first = sorted(counts.items(), key=lambda entry: -entry[1])
    return [
        {reason: count for reason, count in most_first if Reason(reason).stage in STEPS.get(step.step, ())}
        for step in steps
    ]
