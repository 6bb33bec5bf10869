"""Which photographs of a version a network may learn from."""

import pyarrow as pa
import pyarrow.compute as pc

from storage.reasons import Reason

_NEVER_COMPARED_OR_LEAKING = {"sources", "acquire", "overlap"}
"""Stages whose drops were not compared with test sets, or were and are leaks."""


def without_leaks(images: pa.Table, verdicts: pa.Table) -> pa.Table:
    """Selects the images that were compared with the test sets and share nothing with them, kept or not.

    Args:
        images: rows of `images` of a version. verdicts: its `verdicts`, of which `image_id` and `reason` are read.
    """
    safe = [str(reason) for reason in Reason if reason.stage not in _NEVER_COMPARED_OR_LEAKING]
    of_safe = verdicts.filter(pc.is_in(verdicts["reason"], value_set=pa.array(safe)))["image_id"]
    is_safe = pc.is_in(images["image_id"], value_set=of_safe.combine_chunks())
    leaking = images.filter(pc.invert(is_safe))["sha256"].combine_chunks()
    return images.filter(pc.and_(is_safe, pc.invert(pc.is_in(images["sha256"], value_set=leaking))))
