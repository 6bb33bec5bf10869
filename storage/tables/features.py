"""Tables of the keypoints of pictures, of masks over them, and of signatures of test sets."""

import pyarrow as pa

from storage.tables.columns import INT, SHA256, TEXT, column
from storage.tables.spec import TableRef, TableSpec


class FeaturesRef(TableRef):
    """A reference to a stored table `features`."""


FEATURES = TableSpec(
    FeaturesRef,
    "features",
    "The keypoints of one picture.",
    ("sha256",),
    pa.schema(
        [
            SHA256,
            column(
                "keypoints",
                pa.large_binary(),
                "float32 (n, 6): x, y and, row by row, the 2×2 frame from the unit circle, in image pixels.",
            ),
            column("descriptors", pa.large_binary(), "uint8 (n, 128): RootSIFT times 512, rounded, at most 255."),
            column("crashed", pa.bool_(), "Whether the picture killed its detector, twice; it then has no keypoints."),
        ]
    ),
)


class SampleRef(TableRef):
    """A reference to a stored table `sample`."""


SAMPLE = TableSpec(
    SampleRef,
    "sample",
    "A picture that overlays are learnt from.",
    ("sha256",),
    pa.schema(
        [
            SHA256,
            column("landmark_id", TEXT, "Class that it was taken for; of a picture of several classes, one of them."),
        ]
    ),
)


class TemplatesRef(TableRef):
    """A reference to a stored table `templates`."""


TEMPLATES = TableSpec(
    TemplatesRef,
    "templates",
    "A pattern that photographs of unrelated classes carry: part of a watermark, a caption bar or a frame.",
    ("number",),
    pa.schema(
        [
            column("number", INT, "Rank by the number of classes that one keypoint was matched in, from 0."),
            column("classes", INT, "Number of classes that carry it."),
            column("descriptor", pa.binary(128), "uint8 (128): RootSIFT, as in `features`."),
        ]
    ),
)


class MasksRef(TableRef):
    """A reference to a stored table `masks`."""


MASKS = TableSpec(
    MasksRef,
    "masks",
    "The keypoints of one picture that lie on an overlay and are not trusted.",
    ("sha256",),
    pa.schema(
        [
            SHA256,
            column("detected", INT, "Number of keypoints that were found."),
            column("masked", INT, "Number of them that are masked."),
            column("bits", pa.binary(), "A bit per keypoint in the order of `features`, highest first; 1: masked."),
            column("regions", pa.list_(pa.float32()), "Rectangles x1, y1, x2, y2 that are masked whole, end to end."),
            column("points", pa.list_(pa.float32()), "x, y of the masked keypoints outside of these, end to end."),
        ]
    ),
)


class SignatureRef(TableRef):
    """A reference to a stored table `signature`."""


SIGNATURE = TableSpec(
    SignatureRef,
    "signature",
    "The keypoints of one test photograph.",
    ("test_image",),
    pa.schema(
        [
            column("test_set", TEXT, "Name of the test set."),
            column("test_image", TEXT, "Path of the photograph relative to the folder of its set."),
            column("site", TEXT, "Landmark it shows, by the ground truth of its set or by its file name."),
            column("role", TEXT, "`query`, `positive`, `junk` or `distractor`; without ground truth, `positive`."),
            column("width", INT, "Width in pixels after EXIF orientation."),
            column("height", INT, "Height in pixels after EXIF orientation."),
            *[FEATURES.schema.field(name) for name in ("keypoints", "descriptors")],
        ]
    ),
)
