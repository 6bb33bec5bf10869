"""Columns that several tables have, each with a sentence."""

from typing import Any

import pyarrow as pa


def column(name: str, kind: Any, description: str, *, optional: bool = False) -> pa.Field:
    """Makes a column of a schema with a sentence that describes it; it has nulls only where it is optional."""
    return pa.field(name, kind, nullable=optional, metadata={"description": description})


TEXT, INT, LONG, REAL = pa.string(), pa.int32(), pa.int64(), pa.float32()


POINTS = pa.list_(pa.float32())


IMAGE_ID = column("image_id", TEXT, "Id of the image in the list, or one made of its class and address.")


LANDMARK = column("landmark_id", TEXT, "Class of the image in the list, or the one that it is merged into.")


ANNOTATED = column("image_id", TEXT, "Id of the image in Visual Genome or COCO, or in your own table.")


SHA256 = column("sha256", TEXT, "sha256 of the bytes as they came, hexadecimal.")


PUTATIVE = column("putative", INT, "Number of one-to-one matches that passed the ratio test.")


REPEATS = column(
    "repeats", pa.bool_(), "Whether what matches stands elsewhere in one of the two pictures as well, as bays do."
)


INLIERS = column("inliers", INT, "Number of putative matches that agree with the affine map.")


ALARMS = column(
    "false_alarms", REAL, "log10 of how many maps with as many inliers chance alone would give (a contrario)."
)


AFFINE = column("affine", pa.list_(pa.float64()), "Affine map, row-major 2×3, from the first image to the second.")


MATCHED = column("points", POINTS, "Inlier positions x, y in the first and x, y in the second image, end to end.")


BOX = [
    column("x1", REAL, "Left edge in pixels of the stored image after EXIF orientation."),
    column("y1", REAL, "Top edge, likewise."),
    column("x2", REAL, "Right edge, exclusive."),
    column("y2", REAL, "Bottom edge, exclusive."),
]
