"""Tables of a published version, and of a certificate."""

import pyarrow as pa

from storage.tables.acquisition import DRAWINGS, DROPS, FETCH_LOG, IMAGES, PASSED_OVER, SOURCES
from storage.tables.columns import IMAGE_ID, LANDMARK, TEXT, column
from storage.tables.features import MASKS, TEMPLATES
from storage.tables.groups import BOXES, CLASS_GROUPS, CLASS_PAIRS, CUTS, GROUPS, PAIRS
from storage.tables.overlap import CERTIFICATE, NAMESAKES, OVERLAPS
from storage.tables.spec import TableRef, TableSpec


class VerdictsRef(TableRef):
    """A reference to a stored table `verdicts`."""


VERDICTS = TableSpec(
    VerdictsRef,
    "verdicts",
    "What became of one row of the list; exactly as many rows as `sources`.",
    ("row",),
    pa.schema(
        [
            SOURCES.schema.field("row"),
            IMAGE_ID,
            LANDMARK,
            column("verdict", TEXT, "`kept` or `dropped`."),
            column("stage", TEXT, "The stage that decided."),
            column("reason", TEXT, "Reason code; `kept` for kept rows."),
            column("evidence", TEXT, "What the decision rests on, as a JSON object."),
            column("split", TEXT, "`train` or `val` for kept rows; copies of a photograph share it.", optional=True),
            column("sha256", TEXT, "sha256 of the image, where one was read.", optional=True),
        ]
    ),
)


class ThumbnailsRef(TableRef):
    """A reference to a stored table `thumbnails`."""


THUMBNAILS = TableSpec(
    ThumbnailsRef,
    "thumbnails",
    "A small picture for the report.",
    ("name",),
    pa.schema(
        [
            column("name", TEXT, "File name below the report's `pictures/`."),
            column("jpeg", pa.large_binary(), "The picture as a JPEG file."),
        ]
    ),
)


VERSION_TABLES = (
    *(
        SOURCES,
        PASSED_OVER,
        IMAGES,
        DRAWINGS,
        TEMPLATES,
        MASKS,
        CERTIFICATE,
        OVERLAPS,
        NAMESAKES,
        PAIRS,
        GROUPS,
        CLASS_GROUPS,
        CUTS,
    ),
    *(CLASS_PAIRS, BOXES, VERDICTS, FETCH_LOG),
)
"""The tables of a published version, in the order of the stages."""


CERTIFICATE_TABLES = (IMAGES, PASSED_OVER, CERTIFICATE, OVERLAPS, NAMESAKES, DROPS)
"""The tables of a certificate: what was checked, and what came of it."""
