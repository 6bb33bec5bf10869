"""Tables of annotations of images, as Visual Genome and COCO have them."""

import pyarrow as pa

from storage.tables.columns import ANNOTATED, BOX, INT, LONG, TEXT, column
from storage.tables.spec import TableRef, TableSpec

_RECORD = column(
    "record", LONG, "Position of the record in its file, counted from 0; in COCO's files, on from file to file."
)


_ITEM = column("item", INT, "Position in the record, counted from 0.")


_NAMES = column("names", pa.list_(TEXT), "What the annotators called it.")


_SYNSETS = column("synsets", pa.list_(TEXT), "WordNet synsets it was mapped to, such as `clock.n.01`; may be empty.")


_OBJECT_ID = column("object_id", LONG, "Id of the object.")


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
            ANNOTATED,
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
            *(_RECORD, _ITEM, ANNOTATED),
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
    pa.schema([*(_RECORD, _ITEM, ANNOTATED), _OBJECT_ID, _NAMES, _SYNSETS, *BOX]),
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
            *(_RECORD, _ITEM, ANNOTATED, _OBJECT_ID, _NAMES, _SYNSETS),
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
            *(_RECORD, _ITEM, ANNOTATED),
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
