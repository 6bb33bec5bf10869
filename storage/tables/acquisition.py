"""Tables of what a list names, and of what came when it was fetched."""

import pyarrow as pa

from storage.tables.columns import BOX, IMAGE_ID, INT, LANDMARK, LONG, REAL, SHA256, TEXT, column
from storage.tables.spec import TableRef, TableSpec


class SourcesRef(TableRef):
    """A reference to a stored table `sources`."""


SOURCES = TableSpec(
    SourcesRef,
    "sources",
    "One row of the user's list.",
    ("row",),
    pa.schema(
        [
            column("row", LONG, "Position in the list, counted from 0."),
            IMAGE_ID,
            column("url", TEXT, "Address of the image; for a folder, the path relative to it."),
            LANDMARK,
            column("md5", TEXT, "MD5 that the list promises for the bytes.", optional=True),
            *[
                pa.field(f"list_{c.name}", REAL, metadata={"description": "Box of the list, " + c.name + "."})
                for c in BOX
            ],
        ]
    ),
)


class ImagesRef(TableRef):
    """A reference to a stored table `images`."""


IMAGES = TableSpec(
    ImagesRef,
    "images",
    "One readable image of the list.",
    ("image_id",),
    pa.schema(
        [
            IMAGE_ID,
            LANDMARK,
            SHA256,
            column("path", TEXT, "Where the bytes are kept, below the dataset root."),
            column("bytes", LONG, "Length of the file."),
            column("width", INT, "Width in pixels after EXIF orientation."),
            column("height", INT, "Height in pixels after EXIF orientation."),
            column("format", TEXT, "Format found in the bytes, such as JPEG."),
            column("mode", TEXT, "Pixel mode of the decoder, such as RGB, L, CMYK."),
            column("orientation", INT, "EXIF orientation, 1 to 8; 1 where there is none."),
            column("frames", INT, "Number of frames or pages that the file announces; the first counts."),
            column("pixel_hash", TEXT, "XXH3, 128 bits, of size, orientation and RGB pixels, of a JPEG its luma; hex."),
            column(
                "phash", TEXT, "pHash, 64 bits, of the upright picture; hexadecimal. Similar pictures differ little."
            ),
            column("licence", TEXT, "Copyright notice or licence in EXIF, XMP or IPTC; null without.", optional=True),
            column("author", TEXT, "Author in EXIF, XMP or IPTC; null without one.", optional=True),
            column("md5", TEXT, "MD5 of the bytes."),
            column("md5_matches", pa.bool_(), "Whether that is the MD5 of the list; null without one.", optional=True),
            column("final_url", TEXT, "Address the bytes came from, after redirects; null in a folder.", optional=True),
        ]
    ),
)


class DrawingsRef(TableRef):
    """A reference to a stored table `drawings`."""


DRAWINGS = TableSpec(
    DrawingsRef,
    "drawings",
    "One picture, and whether it is seen to be drawn or set rather than photographed; a version has those that are.",
    ("sha256",),
    pa.schema(
        [
            SHA256,
            column(
                "sign",
                TEXT,
                "By what it is seen. `ground`: a light tone lies along all four sides; `ink`: where the contrast is "
                "strong there are two tones. Null where by nothing.",
                optional=True,
            ),
            column(
                "share",
                pa.float64(),
                "Of `ground`, the least share of a side that has the tone; of `ink`, the share of pixels, where the "
                "contrast is strong, that have one of the two tones.",
                optional=True,
            ),
        ]
    ),
)


class DropsRef(TableRef):
    """A reference to a stored table `drops`."""


DROPS = TableSpec(
    DropsRef,
    "drops",
    "One image that a stage dropped.",
    ("image_id",),
    pa.schema(
        [
            IMAGE_ID,
            column("stage", TEXT, "The stage that dropped it."),
            column("reason", TEXT, "Reason code."),
            column("evidence", TEXT, "What the decision rests on, as a JSON object."),
        ]
    ),
)


class FetchLogRef(TableRef):
    """A reference to a stored table `fetch_log`."""


FETCH_LOG = TableSpec(
    FetchLogRef,
    "fetch_log",
    "One fetched row of the list; differs between identical runs and is outside the version's digest.",
    ("image_id",),
    pa.schema(
        [
            IMAGE_ID,
            column("url", TEXT, "Address that was asked for."),
            column(
                "outcome",
                TEXT,
                "`fetched`; `md5-mismatch`: fetched, but not the bytes that the list promises; `unchanged`: its host "
                "still has what we have; or the reason code of the failure, after which an image that is there stays.",
            ),
            column("status", INT, "Last HTTP status.", optional=True),
            column("final_url", TEXT, "Address after redirects.", optional=True),
            column("content_type", TEXT, "Content-Type of the answer.", optional=True),
            column("etag", TEXT, "ETag of the answer.", optional=True),
            column("last_modified", TEXT, "Last-Modified of the answer.", optional=True),
            column("retry_after", TEXT, "Retry-After of the answer.", optional=True),
            column("robots_tag", TEXT, "X-Robots-Tag of the answer.", optional=True),
            column("attempts", INT, "How often it was tried."),
            column("bytes", LONG, "Length of the body that arrived."),
            column(
                "started_at",
                pa.timestamp("ms", "UTC"),
                "When the first attempt began; null where none was made.",
                optional=True,
            ),
            column("seconds", REAL, "From the first attempt to the end of the last."),
            column("detail", TEXT, "The error in words.", optional=True),
        ]
    ),
)


class PassedOverRef(TableRef):
    """A reference to a stored table `passed_over`."""


PASSED_OVER = TableSpec(
    PassedOverRef,
    "passed_over",
    "One file that has no row in the list, or no part in the comparison with test sets, and why.",
    ("test_set", "path"),
    pa.schema(
        [
            column("test_set", TEXT, "Name of the test set; empty for a file of the list or folder itself."),
            column("path", TEXT, "Path of the file below the folder; of an absent photograph, its name."),
            column("reason", TEXT, "Reason code, such as `linked-out`; see below."),
            column("detail", TEXT, "What was seen; may be empty."),
        ]
    ),
)
