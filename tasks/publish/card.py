"""The card of a version: its README.md, in the form that the Hugging Face Hub reads."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from storage.manifest import Manifest
from storage.reasons import Reason
from storage.tables.versions import VERSION_TABLES
from tasks.cluster.confidence import SURE
from tasks.pages.rendering import template_environment
from tasks.publish.passed_over import tell_reasons

_TEMPLATES = Path(__file__).parent / "templates"
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def render_card(manifest: Manifest, tables: Mapping[str, pa.Table]) -> str:
    """Returns the card as Markdown with YAML front matter.

    Args:
        manifest: of the version.
        tables: every table of `VERSION_TABLES` by name.
    """
    verdicts = tables["verdicts"]
    reasons = Counter(verdicts["reason"].to_pylist())
    kept = verdicts.filter(pc.equal(verdicts["verdict"], pa.scalar("kept")))
    leaks = kept.filter(pc.is_in(kept["image_id"], value_set=tables["overlaps"]["image_id"].combine_chunks()))

    def dropped(stage: str) -> str:
        return f"{sum(reasons[reason] for reason in Reason if reason.stage == stage):,} dropped"

    template = template_environment(_TEMPLATES).get_template("card.md")
    return template.render(
        manifest=manifest,
        tables=tables,
        specs=VERSION_TABLES,
        size=next((label for limit, label in _SIZES if verdicts.num_rows < limit), "1M<n<10M"),
        rows=verdicts.num_rows,
        kept=kept.num_rows,
        classes=pc.count_distinct(kept["landmark_id"]).as_py(),
        reasons=[(reason, reasons[reason]) for reason in Reason if reasons[reason]],
        splits=_count_splits(kept),
        sure=_count_sure(tables["class_groups"]),
        drawn=pc.sum(pc.is_in(kept["sha256"], value_set=tables["drawings"]["sha256"].combine_chunks())).as_py() or 0,
        leaks=leaks.num_rows,
        through=pc.count(tables["overlaps"]["through"]).as_py(),
        masked=pc.sum(tables["masks"]["masked"]).as_py() or 0,
        keypoints=pc.sum(tables["masks"]["detected"]).as_py() or 0,
        dropped=dropped,
        told=[sentence for _, sentence in tell_reasons(manifest.passed_over)],
        missed=manifest.uncompared,
    )


def _count_sure(class_groups: pa.Table) -> int:
    """How many classes are sure to show what they are named after."""
    sure = class_groups.filter(pc.greater_equal(class_groups["confidence"], SURE))
    return int(pc.count_distinct(sure["landmark_id"]).as_py())


def _count_splits(kept: pa.Table) -> list[tuple[str, int, int]]:
    """Split, images, classes; sorted by the split's name."""
    counted = kept.group_by("split").aggregate([("landmark_id", "count_distinct"), ("image_id", "count")])
    return [
        (line["split"], line["image_id_count"], line["landmark_id_count_distinct"])
        for line in counted.sort_by("split").to_pylist()
    ]
