"""What a version keeps, as one table: the row of every format."""

import pandas as pd

from tasks.export.names import class_indices

BOX = ["x1", "y1", "x2", "y2"]
_FACTS = ["image_id", "path", "sha256", "pixel_hash", "bytes", "width", "height", "format", "mode", "orientation"]


def kept_images(verdicts: pd.DataFrame, images: pd.DataFrame, boxes: pd.DataFrame) -> pd.DataFrame:
    """Returns the kept images of a version, by class index and image_id.

    Args:
        verdicts, images, boxes: tables of a version.

    Returns:
        image_id, landmark_id, class_index (0, 1, …, one for each kept class, whatever the split), split, the facts
        of `images`, the box as x1, y1, x2, y2 (half-open, in pixels of the upright picture), and supports: how many
        verified pairs the box rests on, 0 where none was found and it is the whole picture.
    """
    kept = verdicts[verdicts.verdict == "kept"][["image_id", "landmark_id", "split"]]
    kept = kept.assign(class_index=kept.landmark_id.map(class_indices(kept.landmark_id)).astype("int64"))
    kept = kept.merge(images[_FACTS], on="image_id").merge(boxes[["image_id", *BOX, "supports"]], "left", on="image_id")
    whole = {"x1": 0.0, "y1": 0.0, "x2": kept.width, "y2": kept.height, "supports": 0}
    kept = kept.assign(**{name: kept[name].fillna(value).astype("float32") for name, value in whole.items()})
    kept = kept.astype({"supports": "int64"}).sort_values(["class_index", "image_id"], ignore_index=True)
    return kept[["image_id", "landmark_id", "class_index", "split", *BOX, "supports", *_FACTS[1:]]]
