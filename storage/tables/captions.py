"""Tables of annotations of images, and of their encodings."""

import pyarrow as pa

from storage.tables.columns import BOX, INT, LONG, REAL, TEXT, column
from storage.tables.spec import TableRef, TableSpec

_RECORD = column(
    "record", LONG, "Position of the record in its file, counted from 0; in COCO's files, on from file to file."
)


_ITEM = column("item", INT, "Position in the record, counted from 0.")


_ANNOTATED = column("image_id", TEXT, "Id of the image in Visual Genome or COCO, or in your own table.")


_NAMES = column("names", pa.list_(TEXT), "What the annotators called it.")


_SYNSETS = column("synsets", pa.list_(TEXT), "WordNet synsets it was mapped to, such as `clock.n.01`; may be empty.")


_OBJECT_ID = column("object_id", LONG, "Id of the object.")


_ROW = column("row", LONG, "Row of the image in the matrices.")


class ImageDataRef(TableRef):
    """A reference to a stored table `image_data`."""


IMAGE_DATA = TableSpec(
    ImageDataRef,
    "image_data",
    "One image of Visual Genome's `image_data`, or of `images` in COCO's captions.",
    ("record",),
    pa.schema(
        [
            _RECORD,
            _ANNOTATED,
            column("width", INT, "Width in pixels.", optional=True),
            column("height", INT, "Height in pixels.", optional=True),
            column("url", TEXT, "Address of the image.", optional=True),
            column("coco_id", LONG, "Id in MS-COCO.", optional=True),
            column("flickr_id", LONG, "Id at Flickr.", optional=True),
        ]
    ),
)


class RegionsRef(TableRef):
    """A reference to a stored table `regions`."""


REGIONS = TableSpec(
    RegionsRef,
    "regions",
    "One region of an image and the phrase that describes it, of `region_descriptions` or `region_graphs`; or one of "
    "COCO's captions, the box of which is the whole image.",
    ("record", "item"),
    pa.schema(
        [
            *(_RECORD, _ITEM, _ANNOTATED),
            column("region_id", LONG, "Id of the region, or of COCO's caption."),
            column("phrase", TEXT, "What the annotator wrote of it."),
            column("synsets", pa.list_(TEXT), "WordNet synsets of its words; only `region_graphs` has them."),
            *BOX,
        ]
    ),
)


class ObjectsRef(TableRef):
    """A reference to a stored table `objects`."""


OBJECTS = TableSpec(
    ObjectsRef,
    "objects",
    "One object of an image, of `objects`.",
    ("record", "item"),
    pa.schema([*(_RECORD, _ITEM, _ANNOTATED), _OBJECT_ID, _NAMES, _SYNSETS, *BOX]),
)


class AttributesRef(TableRef):
    """A reference to a stored table `attributes`."""


ATTRIBUTES = TableSpec(
    AttributesRef,
    "attributes",
    "One object of an image with its attributes, of `attributes`.",
    ("record", "item"),
    pa.schema(
        [
            *(_RECORD, _ITEM, _ANNOTATED, _OBJECT_ID, _NAMES, _SYNSETS),
            column("attributes", pa.list_(TEXT), "Such as `green`; may be empty."),
            *BOX,
        ]
    ),
)


class RelationshipsRef(TableRef):
    """A reference to a stored table `relationships`."""


RELATIONSHIPS = TableSpec(
    RelationshipsRef,
    "relationships",
    "One relationship between two objects of an image, of `relationships`.",
    ("record", "item"),
    pa.schema(
        [
            *(_RECORD, _ITEM, _ANNOTATED),
            column("relationship_id", LONG, "Id of the relationship."),
            column("predicate", TEXT, "Such as `on` or `wears`, as it was written."),
            column("synsets", pa.list_(TEXT), "WordNet synsets of the predicate; may be empty."),
            column("subject_id", LONG, "Id of the object that the predicate is said of."),
            column("subject_names", pa.list_(TEXT), "What the annotators called it."),
            column("object_id", LONG, "Id of the other object."),
            column("object_names", pa.list_(TEXT), "What the annotators called it."),
        ]
    ),
)


class SkippedRecordsRef(TableRef):
    """A reference to a stored table `skipped_records`."""


SKIPPED_RECORDS = TableSpec(
    SkippedRecordsRef,
    "skipped_records",
    "One malformed record, or part of one, that was left out.",
    ("source", "record", "item"),
    pa.schema(
        [
            column("source", TEXT, "The file, by its kind; and the list in it, of COCO's."),
            _RECORD,
            column("item", INT, "Position in the record; -1 where the record was left out whole."),
            column("offset", LONG, "Where the record begins in the file, in bytes after unpacking."),
            column("problem", TEXT, "What is wrong with it."),
        ]
    ),
)


class CaptionImagesRef(TableRef):
    """A reference to a stored table `caption_images`."""


CAPTION_IMAGES = TableSpec(
    CaptionImagesRef,
    "caption_images",
    "One image: its row in the matrices.",
    ("row",),
    pa.schema(
        [
            *(_ROW, _ANNOTATED),
            column("split", TEXT, "`train`, `val` or `test`, by a hash of the id; idf is of `train` alone."),
            column("phrases", INT, "Number of its phrases."),
            column("tokens", INT, "Number of words in them."),
            column("distinct_stems", INT, "Number of different stems with a weight in `caption_weights`."),
            column("objects", INT, "Number of its objects."),
            column("distinct_synsets", INT, "Number of different synsets with a weight in `object_weights`."),
            *[IMAGE_DATA.schema.field(name) for name in ("width", "height", "url", "coco_id", "flickr_id")],
        ]
    ),
)


_TERM_STATISTICS = [
    column("df", INT, "Number of training images that have it."),
    column("idf", pa.float64(), "ln(N / df), where N is the number of training images."),
    column("occurrences", LONG, "How often it was counted in images of all splits."),
    column("forms", pa.list_(TEXT), "What it was counted from, the most frequent first."),
    column("form_counts", pa.list_(LONG), "How often each of these was counted."),
]


class CaptionVocabularyRef(TableRef):
    """A reference to a stored table `caption_vocabulary`."""


CAPTION_VOCABULARY = TableSpec(
    CaptionVocabularyRef,
    "caption_vocabulary",
    "One stem: a column of `caption_weights`.",
    ("column",),
    pa.schema(
        [
            column("column", INT, "Column of the matrix; stems are in alphabetical order."),
            column("term", TEXT, "The stem."),
            *_TERM_STATISTICS,
        ]
    ),
)


class ObjectVocabularyRef(TableRef):
    """A reference to a stored table `object_vocabulary`."""


OBJECT_VOCABULARY = TableSpec(
    ObjectVocabularyRef,
    "object_vocabulary",
    "One WordNet synset: a column of `object_weights`.",
    ("column",),
    pa.schema(
        [
            column("column", INT, "Column of the matrix; synsets are in alphabetical order."),
            column("term", TEXT, "The synset, such as `clock.n.01`."),
            *_TERM_STATISTICS,
        ]
    ),
)


class EmptyVectorsRef(TableRef):
    """A reference to a stored table `empty_vectors`."""


EMPTY_VECTORS = TableSpec(
    EmptyVectorsRef,
    "empty_vectors",
    "One image whose vector is zero: its similarity to every image is 0, and no triplet has it.",
    ("encoding", "image_id"),
    pa.schema(
        [
            column("encoding", TEXT, "`captions` or `objects`."),
            _ANNOTATED,
            column("reason", TEXT, "Why it is: nothing was said, or nothing that has a term, or only idf 0."),
        ]
    ),
)


class CaptionNeighboursRef(TableRef):
    """A reference to a stored table `caption_neighbours`."""


CAPTION_NEIGHBOURS = TableSpec(
    CaptionNeighboursRef,
    "caption_neighbours",
    "One image, and those most similar to it, its own row left out.",
    ("row",),
    pa.schema(
        [
            _ROW,
            column("neighbour_rows", pa.list_(INT), "Their rows, the most similar first, ties by row; all above 0."),
            column("similarities", pa.list_(REAL), "Products of the two vectors, in the same order."),
        ]
    ),
)


class CaptionTripletsRef(TableRef):
    """A reference to a stored table `caption_triplets`."""


CAPTION_TRIPLETS = TableSpec(
    CaptionTripletsRef,
    "caption_triplets",
    "One training triplet: a query, an image that is like it, and one that is less so.",
    ("query",),
    pa.schema(
        [
            column("query", TEXT, "image_id of the query."),
            column("positive", TEXT, "image_id of the image that is like it."),
            column("negative", TEXT, "image_id of the image that is less so."),
            column("split", TEXT, "Split of all three."),
            column("pool", INT, "The pool they were drawn from, counted from 0 in each split."),
            column("rank", INT, "Rank of the positive among the query's nearest in the pool, from 0."),
            column("positive_similarity", REAL, "s(q, +)."),
            column("negative_similarity", REAL, "s(q, −)."),
            column("gap", REAL, "s(q, +) − s(q, −)."),
        ]
    ),
)


class ListedImagesRef(TableRef):
    """A reference to a stored table `listed_images`."""


LISTED_IMAGES = TableSpec(
    ListedImagesRef,
    "listed_images",
    "One image that the files name.",
    ("row",),
    pa.schema([CAPTION_IMAGES.schema.field(name) for name in ("row", "image_id", "split")]),
)


class EncodedImagesRef(TableRef):
    """A reference to a stored table `encoded_images`."""


ENCODED_IMAGES = TableSpec(
    EncodedImagesRef,
    "encoded_images",
    "One image in one encoding, such as of your own table with a published vocabulary.",
    ("row",),
    pa.schema(
        [
            *(_ROW, _ANNOTATED),
            column("descriptions", INT, "Number of its phrases, or objects."),
            column("counted", INT, "Number of words in the phrases, or of the objects' synsets."),
            column("unknown", INT, "Those of them that the vocabulary has no term for."),
            column("distinct_terms", INT, "Number of different terms with a weight; 0: the vector is zero."),
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
