"""Which images train, validate and test: fixed by a hash of each id, so that no image changes sides as others come."""

from collections.abc import Iterable

import pyarrow as pa

from storage.tables.captions import LISTED_IMAGES
from tasks.acquire.partition import bucket_of
from tasks.captions.settings import SplitSettings


def list_images(image_ids: Iterable[str], settings: SplitSettings) -> pa.Table:
    """Returns a row of `listed_images` for each different id, ids of numbers in the order of the numbers."""
    ordered = sorted(set(image_ids), key=lambda image_id: (len(image_id), image_id))
    splits = [split_of(image_id, settings) for image_id in ordered]
    return pa.table({"row": range(len(ordered)), "image_id": ordered, "split": splits}, LISTED_IMAGES.schema)


def split_of(image_id: str, settings: SplitSettings) -> str:
    """Draws an image's split, `train`, `val` or `test`, by a hash of its id."""
    percent = bucket_of(image_id, 100)
    if percent < settings.test_percent:
        return "test"
    return "val" if percent < settings.test_percent + settings.val_percent else "train"
