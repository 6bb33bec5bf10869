"""Tables of a training: what it lost, what it scored on the way, and what it could not read."""

import pyarrow as pa

from storage.tables.columns import INT, TEXT, column
from storage.tables.spec import TableRef, TableSpec


class LossesRef(TableRef):
    """A reference to a stored table `losses`."""


LOSSES = TableSpec(
    LossesRef,
    "losses",
    "One iteration of a training.",
    ("iteration",),
    pa.schema(
        [
            column("iteration", INT, "Counted from 0."),
            column("loss", pa.float64(), "Mean over its triplets, or lists; 0 where nothing that was mined loses."),
            column("rate", pa.float64(), "Learning rate."),
        ]
    ),
)


class ScoresRef(TableRef):
    """A reference to a stored table `scores`."""


SCORES = TableSpec(
    ScoresRef,
    "scores",
    "What the network scored on a test set under one protocol after so many iterations.",
    ("iteration", "test_set", "protocol"),
    pa.schema(
        [
            column("iteration", INT, "How many it had behind it; 0 is the network that training began with."),
            column("test_set", TEXT, "Name of the test set; `val` is the version's own."),
            column("protocol", TEXT, "`classic`, `easy`, `medium`, `hard`, `holidays`, `own`; or `V`, `VT`."),
            column("queries", INT, "Number of queries that have answers; of `V` and `VT`, of triplets."),
            column(
                "score",
                pa.float64(),
                "mAP by the trapezoid; of `V` and `VT`, the share of triplets in which the positive is more similar to "
                "the query's image, or image and text, than the negative is. Null without queries.",
                optional=True,
            ),
        ]
    ),
)


class LeftOutRef(TableRef):
    """A reference to a stored table `left_out`."""


LEFT_OUT = TableSpec(
    LeftOutRef,
    "left_out",
    "One kept photograph that could not be read, so that nothing was learned from it.",
    ("path",),
    pa.schema(
        [
            column("path", TEXT, "Where its bytes should be, below the dataset root."),
            column("reason", TEXT, "What is wrong with it."),
        ]
    ),
)

NETWORK_TABLES = (LOSSES, SCORES, LEFT_OUT)
"""The tables of a published network."""

NETWORK_FILES = {
    "backbone": "weights of the convolutional network, by its library's names: `backbone.safetensors`",
    "whitening": "the layers that whiten what it pools, trained with it: `whitening.safetensors`",
}
"""What lies beside them."""

TEXT_FILES = {
    "text": "a vector for each stem of `caption_vocabulary`, by which texts are searched for: `text.safetensors`",
}
"""What a network that learned from captions has beside them, with a copy of the table `caption_vocabulary`."""
