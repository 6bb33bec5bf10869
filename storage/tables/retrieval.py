"""Tables of an index of descriptors, and of what it was scored with."""

import pyarrow as pa

from storage.tables.acquisition import IMAGES
from storage.tables.columns import INT, LONG, SHA256, TEXT, column
from storage.tables.features import SIGNATURE
from storage.tables.spec import TableRef, TableSpec


class IndexedRef(TableRef):
    """A reference to a stored table `indexed`."""


INDEXED = TableSpec(
    IndexedRef,
    "indexed",
    "One image of an index: its row in `vectors.npy`.",
    ("faiss_id",),
    pa.schema(
        [
            column("faiss_id", LONG, "Its id in `index.faiss`: the first 63 bits of its sha256."),
            SHA256,
            *[IMAGES.schema.field(name) for name in ("path", "width", "height")],
            column("image_id", TEXT, "Id of the image in the list; of several rows, of one that is kept, if any is."),
            column("landmark_id", TEXT, "Class of that row."),
            column("reason", TEXT, "Reason code of its verdict; `kept` where it is kept."),
        ]
    ),
)


class ResultsRef(TableRef):
    """A reference to a stored table `results`."""


RESULTS = TableSpec(
    ResultsRef,
    "results",
    "The scores of a test set under one protocol and one set of conditions.",
    ("test_set", "protocol", "size", "crop", "network", "whitening", "steps"),
    pa.schema(
        [
            SIGNATURE.schema.field("test_set"),
            column("protocol", TEXT, "`classic`, `easy`, `medium`, `hard`, `holidays`, or `own`."),
            column("size", TEXT, "Longest sides in pixels at which photographs were described."),
            column("crop", pa.bool_(), "Whether queries were cropped by their boxes."),
            column("network", TEXT, "Backbone, pooling and digest of the network."),
            column("whitening", TEXT, "What whitening was learnt on; empty for none."),
            column(
                "steps", TEXT, "How they were ranked: empty by descriptors, exactly; `codes KIND` by an index' codes."
            ),
            column("queries", INT, "Number of queries that have answers."),
            column("photographs", INT, "Number of photographs that were searched."),
            column("absent", INT, "Number of answers that the folder of the set lacks; they count as not found."),
            column("mean_average_precision", pa.float64(), "By the trapezoid rule, over the queries with answers."),
            column("low", pa.float64(), "Lower end of its 95 % interval over queries, by bootstrap."),
            column("high", pa.float64(), "Upper end."),
            *[
                column(f"precision_at_{most}", pa.float64(), f"Mean precision among the first {most}.")
                for most in (1, 5, 10)
            ],
            column(
                "certificate", TEXT, "Digest of the certificate of the training version against it; `not certified`."
            ),
        ]
    ),
)

INDEX_TABLES = (INDEXED, RESULTS)
"""The tables of a published index."""

INDEX_FILES = {
    "index": "the index, as faiss writes it: `index.faiss`",
    "vectors": "float32 (images, dimensions), the descriptors in the order of `indexed`: `vectors.npy`",
    "whitening": "the layers that whiten what the network pools, to describe queries alike: `whitening.safetensors`",
}
"""What lies beside them."""
