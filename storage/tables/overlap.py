"""Tables of what images share with test sets."""

import pyarrow as pa

from storage.tables.columns import (
    AFFINE,
    ALARMS,
    IMAGE_ID,
    INLIERS,
    INT,
    LANDMARK,
    LONG,
    MATCHED,
    PUTATIVE,
    SHA256,
    TEXT,
    column,
)
from storage.tables.features import SIGNATURE
from storage.tables.spec import TableRef, TableSpec


class OverlapsRef(TableRef):
    """A reference to a stored table `overlaps`."""


OVERLAPS = TableSpec(
    OverlapsRef,
    "overlaps",
    "One verified pair of an image of the list and a test photograph, or an image of its class that shows one.",
    ("image_id", "test_set", "test_image"),
    pa.schema(
        [
            IMAGE_ID,
            LANDMARK,
            *[SIGNATURE.schema.field(name) for name in ("test_set", "test_image", "site", "role")],
            column(
                "mirrored", pa.bool_(), "Whether the image had to be mirrored; map and points are of it unmirrored."
            ),
            column("kind", TEXT, "`copy`: the same photograph; `landmark`: another photograph of the same thing."),
            column(
                "through",
                TEXT,
                "Image of the class that shows the test photograph, where this one was found by matching that image: "
                "what follows is of their pair. Null where it matches the test photograph.",
                optional=True,
            ),
            PUTATIVE,
            INLIERS,
            ALARMS,
            AFFINE,
            MATCHED,
        ]
    ),
)


class ComparisonsRef(TableRef):
    """A reference to a stored table `comparisons`."""


COMPARISONS = TableSpec(
    ComparisonsRef,
    "comparisons",
    "One test set, and what the images of a packet were compared with of it.",
    ("test_set",),
    pa.schema(
        [
            SIGNATURE.schema.field("test_set"),
            column("images", INT, "Number of images."),
            column("possible", LONG, "Pairs of an image and a photograph of the test set."),
            column("compared", LONG, "Those of them on the shortlist, all of which were compared."),
            column("verified", LONG, "Pairs that show the same thing."),
            column("audited", LONG, "Random pairs, of those not on the shortlist, that were compared as a check."),
            column("audit_found", LONG, "Those of them that show the same thing; they count as any other."),
        ]
    ),
)


class ImageComparisonsRef(TableRef):
    """A reference to a stored table `image_comparisons`."""


IMAGE_COMPARISONS = TableSpec(
    ImageComparisonsRef,
    "image_comparisons",
    "One image and one test set, and what the image was compared with of it.",
    ("image_id", "test_set"),
    pa.schema([IMAGE_ID, SHA256, *(field for field in COMPARISONS.schema if field.name not in ("images", "possible"))]),
)


class ExpansionsRef(TableRef):
    """A reference to a stored table `expansions`."""


EXPANSIONS = TableSpec(
    ExpansionsRef,
    "expansions",
    "One test set, and what images of a packet were compared with besides: those of their class that show it.",
    ("test_set",),
    pa.schema(
        [
            SIGNATURE.schema.field("test_set"),
            column("mates_compared", LONG, "Pairs of an image without any overlap and one of its class with one."),
            column("mates_verified", LONG, "Those of them that share what the other shares with the test set."),
        ]
    ),
)


class CertificateRef(TableRef):
    """A reference to a stored table `certificate`."""


CERTIFICATE = TableSpec(
    CertificateRef,
    "certificate",
    "One test set that the version was checked against.",
    ("test_set",),
    pa.schema(
        [
            SIGNATURE.schema.field("test_set"),
            column("signature", TEXT, "sha256 of the file of its photographs' keypoints."),
            column("photographs", INT, "Number of its photographs that could be described."),
            column("sites", INT, "Number of landmarks they show."),
            column("ground_truth", pa.bool_(), "Whether sites and roles come from a ground truth, not file names."),
            column("absent", INT, "Number of photographs that its ground truth names and its folder lacks."),
            column("ignored", INT, "Number of its files that are known to be corrupt and were left out."),
            column("not_compared", INT, "Number of its other files that were not compared; see `passed_over`."),
            *[field for spec in (COMPARISONS, EXPANSIONS) for field in spec.schema if field.name != "test_set"],
            column("images_found", LONG, "Images that show the same thing as one of its photographs."),
            column("images_through", LONG, "Those of them that were found through an image of their class alone."),
            column("classes_found", LONG, "Classes of which such an image is."),
            column("copies_dropped", LONG, "Images dropped as copies of its photographs; of a check, to be dropped."),
            column("landmarks_dropped", LONG, "Images dropped since they show one of its landmarks, likewise."),
            column("classes_dropped", LONG, "Classes dropped whole since they show one of its landmarks, likewise."),
            column("class_images_dropped", LONG, "Images of these classes, whether found or not."),
            column("missed", pa.float64(), "Estimate of the pairs that were never looked at and show the same thing."),
            column("missed_low", pa.float64(), "Lower end of its 95 % confidence interval."),
            column("missed_high", pa.float64(), "Upper end."),
        ]
    ),
)


class NamesakesRef(TableRef):
    """A reference to a stored table `namesakes`."""


NAMESAKES = TableSpec(
    NamesakesRef,
    "namesakes",
    "One class that is named like a landmark of a test set, to be looked at: nothing is dropped for its name.",
    ("landmark_id", "test_set", "site"),
    pa.schema(
        [
            LANDMARK,
            *[SIGNATURE.schema.field(name) for name in ("test_set", "site")],
            column("spelling", TEXT, "The name of the landmark that the class's equals but for case and accents."),
            column("images", INT, "Number of the class's readable images."),
            column("images_found", LONG, "Number of them that show the same thing as a photograph of this landmark."),
        ]
    ),
)
