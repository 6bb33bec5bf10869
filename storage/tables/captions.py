"""Tables of images encoded by what people wrote of them: vectors, vocabularies, neighbours and triplets."""

import pyarrow as pa

from storage.tables.annotations import ATTRIBUTES, IMAGE_DATA, OBJECTS, REGIONS, RELATIONSHIPS, SKIPPED_RECORDS
from storage.tables.columns import ANNOTATED, INT, LONG, REAL, TEXT, column
from storage.tables.spec import TableRef, TableSpec

_ROW = column("row", LONG, "Row of the image in the matrices.")


class CaptionImagesRef(TableRef):
    """A reference to a stored table `caption_images`."""


CAPTION_IMAGES = TableSpec(
    CaptionImagesRef,
    "caption_images",
    "One image: its row in the matrices.",
    ("row",),
    pa.schema(
        [
            *(_ROW, ANNOTATED),
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
            ANNOTATED,
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
            *(_ROW, ANNOTATED),
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
