"""Tables of the global descriptors of pictures."""

from dataclasses import replace

import pyarrow as pa

from storage.tables.columns import SHA256, TEXT, column
from storage.tables.spec import TableRef, TableSpec


class DescriptorsRef(TableRef):
    """A reference to a stored table `descriptors`."""


DESCRIPTORS = TableSpec(
    DescriptorsRef,
    "descriptors",
    "The global descriptor of one picture by one network.",
    ("sha256", "network"),
    pa.schema(
        [
            SHA256,
            column(
                "network", TEXT, "Digest of the network: of its weights, pooling, sizes and whitening; hexadecimal."
            ),
            column(
                "vector", pa.list_(pa.float32()), "Numbers of the descriptor, of unit length; all rows have as many."
            ),
        ]
    ),
)


def descriptors_of(dimensions: int) -> TableSpec[DescriptorsRef]:
    """Returns the table `descriptors` of vectors of so many numbers, each a list of fixed size."""
    index = DESCRIPTORS.schema.get_field_index("vector")
    vector = DESCRIPTORS.schema.field(index).with_type(pa.list_(pa.float32(), dimensions))
    return replace(DESCRIPTORS, schema=DESCRIPTORS.schema.set(index, vector))


class UndescribedRef(TableRef):
    """A reference to a stored table `undescribed`."""


UNDESCRIBED = TableSpec(
    UndescribedRef,
    "undescribed",
    "A picture that could not be described, and so is not in any index.",
    ("sha256",),
    pa.schema(
        [
            SHA256,
            column("path", TEXT, "Where the bytes are kept, below the dataset root."),
            column("reason", TEXT, "Reason code."),
            column("evidence", TEXT, "What the decoder said, as a JSON object."),
        ]
    ),
)
