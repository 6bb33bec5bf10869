"""Tables of pairs of images, of the groups that they form, and of boxes."""

import pyarrow as pa

from storage.tables.columns import (
    AFFINE,
    ALARMS,
    BOX,
    IMAGE_ID,
    INLIERS,
    INT,
    LANDMARK,
    LONG,
    MATCHED,
    PUTATIVE,
    REAL,
    REPEATS,
    TEXT,
    column,
)
from storage.tables.spec import TableRef, TableSpec


class PairsRef(TableRef):
    """A reference to a stored table `pairs`."""


PAIRS = TableSpec(
    PairsRef,
    "pairs",
    "One verified pair of images of a class: an edge of its graph.",
    ("landmark_id", "image_a", "image_b"),
    pa.schema(
        [
            LANDMARK,
            column("image_a", TEXT, "First image; its id sorts before the other's."),
            column("image_b", TEXT, "Second image."),
            PUTATIVE,
            INLIERS,
            ALARMS,
            column("copy", pa.bool_(), "Whether both are the same photograph: cropped, resized or encoded again."),
            REPEATS,
            AFFINE,
            MATCHED,
        ]
    ),
)


class NearMissesRef(TableRef):
    """A reference to a stored table `near_misses`."""


NEAR_MISSES = TableSpec(
    NearMissesRef,
    "near_misses",
    "One image that no comparison inside its class has verified, with the image that came nearest.",
    ("image_id",),
    pa.schema(
        [
            IMAGE_ID,
            LANDMARK,
            column("compared", LONG, "Number of images of its class that it was compared with."),
            column("nearest", TEXT, "The image that came nearest; null without any.", optional=True),
            PUTATIVE,
            INLIERS,
            column("needed", INT, "Inliers that would have been enough; null where not even all.", optional=True),
            ALARMS,
            column(
                "lacks",
                TEXT,
                "What the comparison failed for: `matches`, `map` (that a camera could make), `inliers`, `spread`, or "
                "`view` (what matches was laid over both pictures).",
            ),
            MATCHED,
        ]
    ),
)


class MatchedClassesRef(TableRef):
    """A reference to a stored table `matched_classes`."""


MATCHED_CLASSES = TableSpec(
    MatchedClassesRef,
    "matched_classes",
    "What was done with the pairs of one class: while its images are what they were, it is not matched again.",
    ("landmark_id",),
    pa.schema(
        [
            LANDMARK,
            column("digest", pa.binary(16), "Of its images: their ids, sizes and unmasked keypoints."),
            column("possible", LONG, "All pairs of images that took part."),
            column("compared", LONG, "Pairs that were compared."),
            column("skipped", LONG, "Pairs that could change neither a group nor a box."),
            column("verified", LONG, "Pairs that show the same thing."),
            column("audited", LONG, "Random pairs, of those never looked at, that were compared as a check."),
            column("audit_found", LONG, "Those of them that show the same thing."),
        ]
    ),
)


class GroupsRef(TableRef):
    """A reference to a stored table `groups`."""


GROUPS = TableSpec(
    GroupsRef,
    "groups",
    "One image that took part in matching, and the group it fell into.",
    ("image_id",),
    pa.schema(
        [
            IMAGE_ID,
            LANDMARK,
            column("group", INT, "Rank of its group in the class; 0 has the most photographs."),
            column("group_size", INT, "Number of images in the group."),
            column("neighbours", INT, "Number of verified pairs, without those cut, that the image is part of."),
            column(
                "copy_of",
                TEXT,
                "Image that stands for the photograph; null for itself and without copies.",
                optional=True,
            ),
            column("kept", pa.bool_(), "Whether the class keeps this image, unless another class shows it more."),
        ]
    ),
)


class ClassGroupsRef(TableRef):
    """A reference to a stored table `class_groups`."""


CLASS_GROUPS = TableSpec(
    ClassGroupsRef,
    "class_groups",
    "One group of a class: its largest, whatever its size, and every other of two or more images.",
    ("landmark_id", "group"),
    pa.schema(
        [
            LANDMARK,
            GROUPS.schema.field("group"),
            column("images", INT, "Number of images in the group."),
            column("photographs", INT, "Number of photographs: near-copies count once."),
            column("weight", LONG, "Sum over its linked photographs of the inliers of their strongest pair."),
            column("first_image", TEXT, "The smallest image_id of the group."),
            column("kept", pa.bool_(), "Whether the class keeps images of this group."),
            column("pinned", pa.bool_(), "Whether the overrides chose this group."),
            column("margin", INT, "Photographs of the class's largest group minus those of the next."),
            column(
                "confidence",
                REAL,
                "How sure it is, 0 to 1, that the largest group, if kept, shows what its class is named after, and no "
                "foreign landmark; where a person pinned a group, 1 for that; null for others.",
                optional=True,
            ),
        ]
    ),
)


class CutsRef(TableRef):
    """A reference to a stored table `cuts`."""


CUTS = TableSpec(
    CutsRef,
    "cuts",
    "One verified pair that does not join its two images' groups, since they hang together by too little.",
    ("landmark_id", "image_a", "image_b"),
    pa.schema(
        [
            LANDMARK,
            *[PAIRS.schema.field(name) for name in ("image_a", "image_b", "inliers", "false_alarms")],
            column("size_a", INT, "Photographs on the first image's side when the pair was cut."),
            column("size_b", INT, "Photographs on the second image's side."),
            REPEATS,
            column("rule", TEXT, "`bridge`, `articulation`, `collage` or `weak`; see `tasks/cluster/cuts.py`."),
        ]
    ),
)


class ClassPairsRef(TableRef):
    """A reference to a stored table `class_pairs`."""


CLASS_PAIRS = TableSpec(
    ClassPairsRef,
    "class_pairs",
    "One verified pair of kept images of two classes: evidence that these show the same landmark.",
    ("landmark_a", "image_a", "landmark_b", "image_b"),
    pa.schema(
        [
            column("landmark_a", TEXT, "Class of the first image; it sorts before the other's."),
            column("image_a", TEXT, "First image."),
            column("landmark_b", TEXT, "Class of the second image."),
            column("image_b", TEXT, "Second image."),
            REPEATS,
            PUTATIVE,
            INLIERS,
            ALARMS,
            AFFINE,
            MATCHED,
        ]
    ),
)


class ClassComparisonsRef(TableRef):
    """A reference to a stored table `class_comparisons`."""


CLASS_COMPARISONS = TableSpec(
    ClassComparisonsRef,
    "class_comparisons",
    "One pair of pictures of two classes that was compared: while both are what they were, it is not compared again.",
    ("pictures",),
    pa.schema(
        [
            column("pictures", pa.binary(32), "A digest of each picture, its size and its unmasked keypoints."),
            column("putative", INT, "As in `class_pairs`; null where they do not show the same thing.", optional=True),
            column("repeats", pa.bool_(), "Likewise.", optional=True),
            column("inliers", INT, "Likewise.", optional=True),
            column("exact_false_alarms", pa.float64(), "`false_alarms`, with all its digits.", optional=True),
            column("affine", AFFINE.type, "Likewise.", optional=True),
            column("points", MATCHED.type, "Likewise.", optional=True),
        ]
    ),
)


class BoxesRef(TableRef):
    """A reference to a stored table `boxes`."""


BOXES = TableSpec(
    BoxesRef,
    "boxes",
    "The box of the landmark in one kept image.",
    ("image_id",),
    pa.schema(
        [
            IMAGE_ID,
            *BOX,
            *[
                pa.field(f"first_{c.name}", REAL, False, {"description": "Before refinement, " + c.name + "."})
                for c in BOX
            ],
            column("supports", INT, "Number of verified pairs that the box rests on."),
            column("spread", REAL, "Median distance (L1 over 4, pixels) of what its neighbours' boxes become in it."),
            column("first_spread", REAL, "The same of the boxes before refinement."),
            column("sweeps", INT, "Refinement sweeps until the group's boxes stood still."),
        ]
    ),
)
