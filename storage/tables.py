"""The schema of every table, with a sentence per column. `docs/tables.md` is written from here."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field


@dataclass(frozen=True)
class TableSpec:
    """A table: its name, what one row is, its key (unique, and the order of the rows) and its columns."""

    name: str
    row: str
    key: tuple[str, ...]
    schema: pa.Schema


class TableRef(BaseModel):
    """A stored table: where it is and what its bytes hash to. What stages hand to each other in place of rows."""

    model_config = ConfigDict(frozen=True)

    path: str = Field(description="path below the dataset root")
    digest: str = Field(description="sha256 of the file, hexadecimal")
    rows: int = Field(description="number of rows")


def _column(name: str, kind: Any, description: str, *, optional: bool = False) -> pa.Field:
    return pa.field(name, kind, nullable=optional, metadata={"description": description})


_TEXT, _INT, _LONG, _REAL = pa.string(), pa.int32(), pa.int64(), pa.float32()
_POINTS = pa.list_(pa.float32())

_IMAGE_ID = _column("image_id", _TEXT, "Id of the image in the list; see docs/tables.md for lists without ids.")
_LANDMARK = _column("landmark_id", _TEXT, "Class of the image in the list, or the one that it is merged into.")
_SHA256 = _column("sha256", _TEXT, "sha256 of the bytes as they came, hexadecimal.")
_PUTATIVE = _column("putative", _INT, "Number of one-to-one matches that passed the ratio test.")
_INLIERS = _column("inliers", _INT, "Number of putative matches that agree with the affine map.")
_ALARMS = _column(
    "false_alarms", _REAL, "log10 of how many maps with as many inliers chance alone would give (a contrario)."
)
_AFFINE = _column("affine", pa.list_(pa.float64()), "Affine map, row-major 2×3, from the first image to the second.")
_MATCHED = _column("points", _POINTS, "Inlier positions x, y in the first and x, y in the second image, end to end.")
_BOX = [
    _column("x1", _REAL, "Left edge in pixels of the stored image after EXIF orientation."),
    _column("y1", _REAL, "Top edge, likewise."),
    _column("x2", _REAL, "Right edge, exclusive."),
    _column("y2", _REAL, "Bottom edge, exclusive."),
]

SOURCES = TableSpec(
    "sources",
    "One row of the user's list.",
    ("row",),
    pa.schema(
        [
            _column("row", _LONG, "Position in the list, counted from 0."),
            _IMAGE_ID,
            _column("url", _TEXT, "Address of the image; for a folder, the path relative to it."),
            _LANDMARK,
            _column("md5", _TEXT, "MD5 that the list promises for the bytes.", optional=True),
            *[
                pa.field(f"list_{c.name}", _REAL, metadata={"description": "Box of the list, " + c.name + "."})
                for c in _BOX
            ],
        ]
    ),
)
IMAGES = TableSpec(
    "images",
    "One readable image of the list.",
    ("image_id",),
    pa.schema(
        [
            _IMAGE_ID,
            _LANDMARK,
            _SHA256,
            _column("path", _TEXT, "Where the bytes are kept, below the dataset root."),
            _column("bytes", _LONG, "Length of the file."),
            _column("width", _INT, "Width in pixels after EXIF orientation."),
            _column("height", _INT, "Height in pixels after EXIF orientation."),
            _column("format", _TEXT, "Format found in the bytes, such as JPEG."),
            _column("mode", _TEXT, "Pixel mode of the decoder, such as RGB, L, CMYK."),
            _column("orientation", _INT, "EXIF orientation, 1 to 8; 1 where there is none."),
            _column("frames", _INT, "Number of frames or pages that the file announces; the first counts."),
            _column(
                "pixel_hash", _TEXT, "XXH3, 128 bits, of size, orientation and RGB pixels, of a JPEG its luma; hex."
            ),
            _column(
                "phash", _TEXT, "pHash, 64 bits, of the upright picture; hexadecimal. Similar pictures differ little."
            ),
            _column("licence", _TEXT, "Copyright notice or licence in EXIF, XMP or IPTC; null without.", optional=True),
            _column("author", _TEXT, "Author in EXIF, XMP or IPTC; null without one.", optional=True),
            _column("md5", _TEXT, "MD5 of the bytes."),
            _column("md5_matches", pa.bool_(), "Whether that is the MD5 of the list; null without one.", optional=True),
            _column(
                "final_url", _TEXT, "Address the bytes came from, after redirects; null in a folder.", optional=True
            ),
        ]
    ),
)
DROPS = TableSpec(
    "drops",
    "One image that a stage dropped.",
    ("image_id",),
    pa.schema(
        [
            _IMAGE_ID,
            _column("stage", _TEXT, "The stage that dropped it."),
            _column("reason", _TEXT, "Reason code; docs/tables.md lists them."),
            _column("evidence", _TEXT, "What the decision rests on, as a JSON object."),
        ]
    ),
)
FETCH_LOG = TableSpec(
    "fetch_log",
    "One fetched row of the list; differs between identical runs and is outside the version's digest.",
    ("image_id",),
    pa.schema(
        [
            _IMAGE_ID,
            _column("url", _TEXT, "Address that was asked for."),
            _column(
                "outcome",
                _TEXT,
                "`fetched`; `md5-mismatch`: fetched, but not the bytes that the list promises; `unchanged`: its host "
                "still has what we have; or the reason code of the failure, after which an image that is there stays.",
            ),
            _column("status", _INT, "Last HTTP status.", optional=True),
            _column("final_url", _TEXT, "Address after redirects.", optional=True),
            _column("content_type", _TEXT, "Content-Type of the answer.", optional=True),
            _column("etag", _TEXT, "ETag of the answer.", optional=True),
            _column("last_modified", _TEXT, "Last-Modified of the answer.", optional=True),
            _column("retry_after", _TEXT, "Retry-After of the answer.", optional=True),
            _column("robots_tag", _TEXT, "X-Robots-Tag of the answer.", optional=True),
            _column("attempts", _INT, "How often it was tried."),
            _column("bytes", _LONG, "Length of the body that arrived."),
            _column(
                "started_at",
                pa.timestamp("ms", "UTC"),
                "When the first attempt began; null where none was made.",
                optional=True,
            ),
            _column("seconds", _REAL, "From the first attempt to the end of the last."),
            _column("detail", _TEXT, "The error in words.", optional=True),
        ]
    ),
)
FEATURES = TableSpec(
    "features",
    "The keypoints of one picture.",
    ("sha256",),
    pa.schema(
        [
            _SHA256,
            _column(
                "keypoints",
                pa.large_binary(),
                "float32 (n, 6): x, y and, row by row, the 2×2 frame from the unit circle, in image pixels.",
            ),
            _column("descriptors", pa.large_binary(), "uint8 (n, 128): RootSIFT times 512, rounded, at most 255."),
            _column("crashed", pa.bool_(), "Whether the picture killed its detector, twice; it then has no keypoints."),
        ]
    ),
)
TEMPLATES = TableSpec(
    "templates",
    "A pattern that photographs of unrelated classes carry: part of a watermark, a caption bar or a frame.",
    ("number",),
    pa.schema(
        [
            _column("number", _INT, "Rank by the number of classes that one keypoint was matched in, from 0."),
            _column("classes", _INT, "Number of classes that carry it."),
            _column("descriptor", pa.binary(128), "uint8 (128): RootSIFT, as in `features`."),
        ]
    ),
)
MASKS = TableSpec(
    "masks",
    "The keypoints of one picture that lie on an overlay and are not trusted.",
    ("sha256",),
    pa.schema(
        [
            _SHA256,
            _column("detected", _INT, "Number of keypoints that were found."),
            _column("masked", _INT, "Number of them that are masked."),
            _column("bits", pa.binary(), "A bit per keypoint in the order of `features`, highest first; 1: masked."),
            _column("regions", pa.list_(pa.float32()), "Rectangles x1, y1, x2, y2 that are masked whole, end to end."),
            _column("points", pa.list_(pa.float32()), "x, y of the masked keypoints outside of these, end to end."),
        ]
    ),
)
SIGNATURE = TableSpec(
    "signature",
    "The keypoints of one test photograph.",
    ("test_image",),
    pa.schema(
        [
            _column("test_set", _TEXT, "Name of the test set."),
            _column("test_image", _TEXT, "Path of the photograph relative to the folder of its set."),
            _column("site", _TEXT, "Landmark it shows, by the ground truth of its set or by its file name."),
            _column("role", _TEXT, "`query`, `positive`, `junk` or `distractor`; without ground truth, `positive`."),
            _column("width", _INT, "Width in pixels after EXIF orientation."),
            _column("height", _INT, "Height in pixels after EXIF orientation."),
            *[FEATURES.schema.field(name) for name in ("keypoints", "descriptors")],
        ]
    ),
)
OVERLAPS = TableSpec(
    "overlaps",
    "One verified pair of an image of the list and a test photograph, or an image of its class that shows one.",
    ("image_id", "test_set", "test_image"),
    pa.schema(
        [
            _IMAGE_ID,
            _LANDMARK,
            *[SIGNATURE.schema.field(name) for name in ("test_set", "test_image", "site", "role")],
            _column(
                "mirrored", pa.bool_(), "Whether the image had to be mirrored; map and points are of it unmirrored."
            ),
            _column("kind", _TEXT, "`copy`: the same photograph; `landmark`: another photograph of the same thing."),
            _column(
                "through",
                _TEXT,
                "Image of the class that shows the test photograph, where this one was found by matching that image: "
                "what follows is of their pair. Null where it matches the test photograph.",
                optional=True,
            ),
            _PUTATIVE,
            _INLIERS,
            _ALARMS,
            _AFFINE,
            _MATCHED,
        ]
    ),
)
COMPARISONS = TableSpec(
    "comparisons",
    "One test set, and what the images of a packet were compared with of it.",
    ("test_set",),
    pa.schema(
        [
            SIGNATURE.schema.field("test_set"),
            _column("images", _INT, "Number of images."),
            _column("possible", _LONG, "Pairs of an image and a photograph of the test set."),
            _column("compared", _LONG, "Those of them on the shortlist, all of which were compared."),
            _column("verified", _LONG, "Pairs that show the same thing."),
            _column("audited", _LONG, "Random pairs, of those not on the shortlist, that were compared as a check."),
            _column("audit_found", _LONG, "Those of them that show the same thing; they count as any other."),
        ]
    ),
)
EXPANSIONS = TableSpec(
    "expansions",
    "One test set, and what images of a packet were compared with besides: those of their class that show it.",
    ("test_set",),
    pa.schema(
        [
            SIGNATURE.schema.field("test_set"),
            _column("mates_compared", _LONG, "Pairs of an image without any overlap and one of its class with one."),
            _column("mates_verified", _LONG, "Those of them that share what the other shares with the test set."),
        ]
    ),
)
CERTIFICATE = TableSpec(
    "certificate",
    "One test set that the version was checked against.",
    ("test_set",),
    pa.schema(
        [
            SIGNATURE.schema.field("test_set"),
            _column("signature", _TEXT, "sha256 of the file of its photographs' keypoints."),
            _column("photographs", _INT, "Number of its photographs that could be described."),
            _column("sites", _INT, "Number of landmarks they show."),
            _column("ground_truth", pa.bool_(), "Whether sites and roles come from a ground truth, not file names."),
            _column("absent", _INT, "Number of photographs that its ground truth names and its folder lacks."),
            _column("ignored", _INT, "Number of its files that are known to be corrupt and were left out."),
            _column("not_compared", _INT, "Number of its other files that were not compared; see `passed_over`."),
            *[field for spec in (COMPARISONS, EXPANSIONS) for field in spec.schema if field.name != "test_set"],
            _column("images_found", _LONG, "Images that show the same thing as one of its photographs."),
            _column("images_through", _LONG, "Those of them that were found through an image of their class alone."),
            _column("classes_found", _LONG, "Classes of which such an image is."),
            _column("copies_dropped", _LONG, "Images dropped as copies of its photographs; of a check, to be dropped."),
            _column("landmarks_dropped", _LONG, "Images dropped since they show one of its landmarks, likewise."),
            _column("classes_dropped", _LONG, "Classes dropped whole since they show one of its landmarks, likewise."),
            _column("class_images_dropped", _LONG, "Images of these classes, whether found or not."),
            _column("missed", pa.float64(), "Estimate of the pairs that were never looked at and show the same thing."),
            _column("missed_low", pa.float64(), "Lower end of its 95 % confidence interval."),
            _column("missed_high", pa.float64(), "Upper end."),
        ]
    ),
)
PASSED_OVER = TableSpec(
    "passed_over",
    "One file that has no row in the list, or no part in the comparison with test sets, and why.",
    ("test_set", "path"),
    pa.schema(
        [
            _column("test_set", _TEXT, "Name of the test set; empty for a file of the list or folder itself."),
            _column("path", _TEXT, "Path of the file below the folder; of an absent photograph, its name."),
            _column("reason", _TEXT, "Reason code, such as `linked-out`; see below."),
            _column("detail", _TEXT, "What was seen; may be empty."),
        ]
    ),
)
NAMESAKES = TableSpec(
    "namesakes",
    "One class that is named like a landmark of a test set, to be looked at: nothing is dropped for its name.",
    ("landmark_id", "test_set", "site"),
    pa.schema(
        [
            _LANDMARK,
            *[SIGNATURE.schema.field(name) for name in ("test_set", "site")],
            _column("spelling", _TEXT, "The name of the landmark that the class's equals but for case and accents."),
            _column("images", _INT, "Number of the class's readable images."),
            _column("images_found", _LONG, "Number of them that show the same thing as a photograph of this landmark."),
        ]
    ),
)
PAIRS = TableSpec(
    "pairs",
    "One verified pair of images of a class: an edge of its graph.",
    ("landmark_id", "image_a", "image_b"),
    pa.schema(
        [
            _LANDMARK,
            _column("image_a", _TEXT, "First image; its id sorts before the other's."),
            _column("image_b", _TEXT, "Second image."),
            _PUTATIVE,
            _INLIERS,
            _ALARMS,
            _column("copy", pa.bool_(), "Whether both are the same photograph: cropped, resized or encoded again."),
            _AFFINE,
            _MATCHED,
        ]
    ),
)
GROUPS = TableSpec(
    "groups",
    "One image that took part in matching, and the group it fell into.",
    ("image_id",),
    pa.schema(
        [
            _IMAGE_ID,
            _LANDMARK,
            _column("group", _INT, "Rank of its group in the class; 0 has the most photographs."),
            _column("group_size", _INT, "Number of images in the group."),
            _column("neighbours", _INT, "Number of verified pairs, without those cut, that the image is part of."),
            _column(
                "copy_of",
                _TEXT,
                "Image that stands for the photograph; null for itself and without copies.",
                optional=True,
            ),
            _column("kept", pa.bool_(), "Whether the class keeps this image, unless another class shows it more."),
        ]
    ),
)
CLASS_GROUPS = TableSpec(
    "class_groups",
    "One group of a class: its largest, whatever its size, and every other of two or more images.",
    ("landmark_id", "group"),
    pa.schema(
        [
            _LANDMARK,
            GROUPS.schema.field("group"),
            _column("images", _INT, "Number of images in the group."),
            _column("photographs", _INT, "Number of photographs: near-copies count once."),
            _column("weight", _LONG, "Sum over its linked photographs of the inliers of their strongest pair."),
            _column("first_image", _TEXT, "The smallest image_id of the group."),
            _column("kept", pa.bool_(), "Whether the class keeps images of this group."),
            _column("pinned", pa.bool_(), "Whether the overrides chose this group."),
            _column("margin", _INT, "Photographs of the class's largest group minus those of the next."),
        ]
    ),
)
CUTS = TableSpec(
    "cuts",
    "One verified pair that does not join its two images' groups, since they hang together by too little.",
    ("landmark_id", "image_a", "image_b"),
    pa.schema(
        [
            _LANDMARK,
            *[PAIRS.schema.field(name) for name in ("image_a", "image_b", "inliers", "false_alarms")],
            _column("size_a", _INT, "Photographs on the first image's side when the pair was cut."),
            _column("size_b", _INT, "Photographs on the second image's side."),
            _column("rule", _TEXT, "`bridge`, `articulation` or `collage`; see `tasks/cluster/cuts.py`."),
        ]
    ),
)
CLASS_PAIRS = TableSpec(
    "class_pairs",
    "One verified pair of kept images of two classes: evidence that these show the same landmark.",
    ("landmark_a", "image_a", "landmark_b", "image_b"),
    pa.schema(
        [
            _column("landmark_a", _TEXT, "Class of the first image; it sorts before the other's."),
            _column("image_a", _TEXT, "First image."),
            _column("landmark_b", _TEXT, "Class of the second image."),
            _column("image_b", _TEXT, "Second image."),
            _PUTATIVE,
            _INLIERS,
            _ALARMS,
            _AFFINE,
            _MATCHED,
        ]
    ),
)
BOXES = TableSpec(
    "boxes",
    "The box of the landmark in one kept image.",
    ("image_id",),
    pa.schema(
        [
            _IMAGE_ID,
            *_BOX,
            *[
                pa.field(f"first_{c.name}", _REAL, False, {"description": "Before refinement, " + c.name + "."})
                for c in _BOX
            ],
            _column("supports", _INT, "Number of verified pairs that the box rests on."),
            _column("spread", _REAL, "Median distance (L1 over 4, pixels) of what its neighbours' boxes become in it."),
            _column("first_spread", _REAL, "The same of the boxes before refinement."),
            _column("sweeps", _INT, "Refinement sweeps until the group's boxes stood still."),
        ]
    ),
)
VERDICTS = TableSpec(
    "verdicts",
    "What became of one row of the list; exactly as many rows as `sources`.",
    ("row",),
    pa.schema(
        [
            SOURCES.schema.field("row"),
            _IMAGE_ID,
            _LANDMARK,
            _column("verdict", _TEXT, "`kept` or `dropped`."),
            _column("stage", _TEXT, "The stage that decided."),
            _column("reason", _TEXT, "Reason code; `kept` for kept rows. docs/tables.md lists them."),
            _column("evidence", _TEXT, "What the decision rests on, as a JSON object."),
            _column("split", _TEXT, "`train` or `val` for kept rows; copies of a photograph share it.", optional=True),
            _column("sha256", _TEXT, "sha256 of the image, where one was read.", optional=True),
        ]
    ),
)
THUMBNAILS = TableSpec(
    "thumbnails",
    "A small picture for the report.",
    ("name",),
    pa.schema(
        [
            _column("name", _TEXT, "File name below the report's `pictures/`."),
            _column("jpeg", pa.large_binary(), "The picture as a JPEG file."),
        ]
    ),
)

VERSION_TABLES = (
    *(SOURCES, PASSED_OVER, IMAGES, MASKS, CERTIFICATE, OVERLAPS, NAMESAKES, PAIRS, GROUPS, CLASS_GROUPS, CUTS),
    *(CLASS_PAIRS, BOXES, VERDICTS, FETCH_LOG),
)
"""The tables of a published version, in the order of the road."""

CERTIFICATE_TABLES = (IMAGES, PASSED_OVER, CERTIFICATE, OVERLAPS, NAMESAKES, DROPS)
"""The tables of a certificate: what was checked, and what came of it."""

_RECORD = _column("record", _LONG, "Position of the image's record in its file, counted from 0.")
_ITEM = _column("item", _INT, "Position in the record, counted from 0.")
_ANNOTATED = _column("image_id", _TEXT, "Visual Genome's id of the image, or that of your own table.")
_NAMES = _column("names", pa.list_(_TEXT), "What the annotators called it.")
_SYNSETS = _column("synsets", pa.list_(_TEXT), "WordNet synsets it was mapped to, such as `clock.n.01`; may be empty.")
_OBJECT_ID = _column("object_id", _LONG, "Id of the object.")
_ROW = _column("row", _LONG, "Row of the image in the matrices.")

IMAGE_DATA = TableSpec(
    "image_data",
    "One image of Visual Genome's `image_data`.",
    ("record",),
    pa.schema(
        [
            _RECORD,
            _ANNOTATED,
            _column("width", _INT, "Width in pixels.", optional=True),
            _column("height", _INT, "Height in pixels.", optional=True),
            _column("url", _TEXT, "Address of the image.", optional=True),
            _column("coco_id", _LONG, "Id in MS-COCO.", optional=True),
            _column("flickr_id", _LONG, "Id at Flickr.", optional=True),
        ]
    ),
)
REGIONS = TableSpec(
    "regions",
    "One region of an image and the phrase that describes it, of `region_descriptions` or `region_graphs`.",
    ("record", "item"),
    pa.schema(
        [
            *(_RECORD, _ITEM, _ANNOTATED),
            _column("region_id", _LONG, "Id of the region."),
            _column("phrase", _TEXT, "What the annotator wrote of it."),
            _column("synsets", pa.list_(_TEXT), "WordNet synsets of its words; only `region_graphs` has them."),
            *_BOX,
        ]
    ),
)
OBJECTS = TableSpec(
    "objects",
    "One object of an image, of `objects`.",
    ("record", "item"),
    pa.schema([*(_RECORD, _ITEM, _ANNOTATED), _OBJECT_ID, _NAMES, _SYNSETS, *_BOX]),
)
ATTRIBUTES = TableSpec(
    "attributes",
    "One object of an image with its attributes, of `attributes`.",
    ("record", "item"),
    pa.schema(
        [
            *(_RECORD, _ITEM, _ANNOTATED, _OBJECT_ID, _NAMES, _SYNSETS),
            _column("attributes", pa.list_(_TEXT), "Such as `green`; may be empty."),
            *_BOX,
        ]
    ),
)
RELATIONSHIPS = TableSpec(
    "relationships",
    "One relationship between two objects of an image, of `relationships`.",
    ("record", "item"),
    pa.schema(
        [
            *(_RECORD, _ITEM, _ANNOTATED),
            _column("relationship_id", _LONG, "Id of the relationship."),
            _column("predicate", _TEXT, "Such as `on` or `wears`, as it was written."),
            _column("synsets", pa.list_(_TEXT), "WordNet synsets of the predicate; may be empty."),
            _column("subject_id", _LONG, "Id of the object that the predicate is said of."),
            _column("subject_names", pa.list_(_TEXT), "What the annotators called it."),
            _column("object_id", _LONG, "Id of the other object."),
            _column("object_names", pa.list_(_TEXT), "What the annotators called it."),
        ]
    ),
)
SKIPPED_RECORDS = TableSpec(
    "skipped_records",
    "One malformed record, or part of one, that was left out.",
    ("source", "record", "item"),
    pa.schema(
        [
            _column("source", _TEXT, "The file, by its kind."),
            _RECORD,
            _column("item", _INT, "Position in the record; -1 where the record was left out whole."),
            _column("offset", _LONG, "Where the record begins in the file, in bytes after unpacking."),
            _column("problem", _TEXT, "What is wrong with it."),
        ]
    ),
)
CAPTION_IMAGES = TableSpec(
    "caption_images",
    "One image: its row in the matrices.",
    ("row",),
    pa.schema(
        [
            *(_ROW, _ANNOTATED),
            _column("split", _TEXT, "`train`, `val` or `test`, by a hash of the id; idf is of `train` alone."),
            _column("phrases", _INT, "Number of its phrases."),
            _column("tokens", _INT, "Number of words in them."),
            _column("distinct_stems", _INT, "Number of different stems with a weight in `caption_weights`."),
            _column("objects", _INT, "Number of its objects."),
            _column("distinct_synsets", _INT, "Number of different synsets with a weight in `object_weights`."),
            *[IMAGE_DATA.schema.field(name) for name in ("width", "height", "url", "coco_id", "flickr_id")],
        ]
    ),
)
_TERM_STATISTICS = [
    _column("df", _INT, "Number of training images that have it."),
    _column("idf", pa.float64(), "ln(N / df), where N is the number of training images."),
    _column("occurrences", _LONG, "How often it was counted in images of all splits."),
    _column("forms", pa.list_(_TEXT), "What it was counted from, the most frequent first."),
    _column("form_counts", pa.list_(_LONG), "How often each of these was counted."),
]
CAPTION_VOCABULARY = TableSpec(
    "caption_vocabulary",
    "One stem: a column of `caption_weights`.",
    ("column",),
    pa.schema(
        [
            _column("column", _INT, "Column of the matrix; stems are in alphabetical order."),
            _column("term", _TEXT, "The stem."),
            *_TERM_STATISTICS,
        ]
    ),
)
OBJECT_VOCABULARY = TableSpec(
    "object_vocabulary",
    "One WordNet synset: a column of `object_weights`.",
    ("column",),
    pa.schema(
        [
            _column("column", _INT, "Column of the matrix; synsets are in alphabetical order."),
            _column("term", _TEXT, "The synset, such as `clock.n.01`."),
            *_TERM_STATISTICS,
        ]
    ),
)
EMPTY_VECTORS = TableSpec(
    "empty_vectors",
    "One image whose vector is zero: its similarity to every image is 0, and no triplet has it.",
    ("encoding", "image_id"),
    pa.schema(
        [
            _column("encoding", _TEXT, "`captions` or `objects`."),
            _ANNOTATED,
            _column("reason", _TEXT, "Why it is: nothing was said, or nothing that has a term, or only idf 0."),
        ]
    ),
)
CAPTION_NEIGHBOURS = TableSpec(
    "caption_neighbours",
    "One image, and those most similar to it, its own row left out.",
    ("row",),
    pa.schema(
        [
            _ROW,
            _column("neighbour_rows", pa.list_(_INT), "Their rows, the most similar first, ties by row; all above 0."),
            _column("similarities", pa.list_(_REAL), "Products of the two vectors, in the same order."),
        ]
    ),
)
CAPTION_TRIPLETS = TableSpec(
    "caption_triplets",
    "One training triplet: a query, an image that is like it, and one that is less so.",
    ("query",),
    pa.schema(
        [
            _column("query", _TEXT, "image_id of the query."),
            _column("positive", _TEXT, "image_id of the image that is like it."),
            _column("negative", _TEXT, "image_id of the image that is less so."),
            _column("split", _TEXT, "Split of all three."),
            _column("pool", _INT, "The pool they were drawn from, counted from 0 in each split."),
            _column("rank", _INT, "Rank of the positive among the query's nearest in the pool, from 0."),
            _column("positive_similarity", _REAL, "s(q, +)."),
            _column("negative_similarity", _REAL, "s(q, −)."),
            _column("gap", _REAL, "s(q, +) − s(q, −)."),
        ]
    ),
)
LISTED_IMAGES = TableSpec(
    "listed_images",
    "One image that the files name.",
    ("row",),
    pa.schema([CAPTION_IMAGES.schema.field(name) for name in ("row", "image_id", "split")]),
)
ENCODED_IMAGES = TableSpec(
    "encoded_images",
    "One image in one encoding, such as of your own table with a published vocabulary.",
    ("row",),
    pa.schema(
        [
            *(_ROW, _ANNOTATED),
            _column("descriptions", _INT, "Number of its phrases, or objects."),
            _column("counted", _INT, "Number of words in the phrases, or of the objects' synsets."),
            _column("unknown", _INT, "Those of them that the vocabulary has no term for."),
            _column("distinct_terms", _INT, "Number of different terms with a weight; 0: the vector is zero."),
        ]
    ),
)

CAPTION_TABLES = (
    *(CAPTION_IMAGES, CAPTION_VOCABULARY, OBJECT_VOCABULARY, CAPTION_NEIGHBOURS, CAPTION_TRIPLETS, EMPTY_VECTORS),
    *(SKIPPED_RECORDS, IMAGE_DATA, REGIONS, OBJECTS, ATTRIBUTES, RELATIONSHIPS),
)
"""The tables of a published version of captions; those of files that were not given are empty."""

CAPTION_MATRICES = {
    "caption_weights": "float32 (images, stems): tf-idf of the region phrases, rows of length 1 or 0.",
    "object_weights": "float32 (images, synsets): the same of the objects' synsets. The two are never mixed.",
}
"""The matrices beside them: CSR as `scipy.sparse.load_npz` opens it."""

INDEXED = TableSpec(
    "indexed",
    "One image of an index: its row in `vectors.npy`.",
    ("number",),
    pa.schema(
        [
            _column("number", _LONG, "Its number in `index.faiss`: the first 63 bits of its sha256."),
            _SHA256,
            *[IMAGES.schema.field(name) for name in ("path", "width", "height")],
            _column("image_id", _TEXT, "Id of the image in the list; of several rows, of one that is kept, if any is."),
            _column("landmark_id", _TEXT, "Class of that row."),
            _column("reason", _TEXT, "Reason code of its verdict; `kept` where it is kept."),
        ]
    ),
)
RESULTS = TableSpec(
    "results",
    "The scores of a test set under one protocol and one set of conditions.",
    ("test_set", "protocol", "size", "crop", "network", "whitening", "steps"),
    pa.schema(
        [
            SIGNATURE.schema.field("test_set"),
            _column("protocol", _TEXT, "`classic`, `easy`, `medium`, `hard`, `holidays`, or `own`."),
            _column("size", _TEXT, "Longest sides in pixels at which photographs were described."),
            _column("crop", pa.bool_(), "Whether queries were cropped by their boxes."),
            _column("network", _TEXT, "Backbone, pooling and digest of the network."),
            _column("whitening", _TEXT, "What whitening was learnt on; empty for none."),
            _column("steps", _TEXT, "What was done beside, such as query expansion; empty for nothing."),
            _column("queries", _INT, "Number of queries that have answers."),
            _column("photographs", _INT, "Number of photographs that were searched."),
            _column("absent", _INT, "Number of answers that the folder of the set lacks; they count as not found."),
            _column("mean_average_precision", pa.float64(), "By the trapezoid rule, over the queries with answers."),
            _column("low", pa.float64(), "Lower end of its 95 % interval over queries, by bootstrap."),
            _column("high", pa.float64(), "Upper end."),
            *[
                _column(f"precision_at_{most}", pa.float64(), f"Mean precision among the first {most}.")
                for most in (1, 5, 10)
            ],
            _column(
                "certificate", _TEXT, "Digest of the certificate of the training version against it; `not certified`."
            ),
        ]
    ),
)

INDEX_TABLES = (INDEXED, RESULTS)
"""The tables of a published index."""

INDEX_FILES = {
    "index": "the index, as faiss writes it: `index.faiss`",
    "vectors": "float32 (images, dimensions), the descriptors in the order of `indexed`: `vectors.npy`",
}
"""What lies beside them."""
