"""The tables that tell, image by image, what an encoding saw."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from storage.tables.annotations import IMAGE_DATA
from storage.tables.captions import CAPTION_IMAGES, EMPTY_VECTORS, ENCODED_IMAGES
from tasks.captions.forms import CountedForms
from tasks.captions.settings import Encoding
from tasks.captions.tfidf import Encoded

_REASONS = {
    "captions": ("no phrase", "no word", "no word that the vocabulary has"),
    "objects": ("no object", "no synset", "no synset that the vocabulary has"),
}
_ONLY_COMMON = "only what every training image has: its idf is 0"


def encoded_images(image_ids: pa.ChunkedArray, counted: CountedForms, encoded: Encoded) -> pa.Table:
    """Returns a row of `encoded_images` for each row of the matrices."""
    return pa.table(
        {
            "row": range(len(image_ids)),
            "image_id": image_ids,
            "descriptions": counted.descriptions,
            "counted": np.asarray(counted.counts.sum(axis=1), np.int32),
            "unknown": encoded.unknown,
            "distinct_terms": np.diff(encoded.weights.indptr),
        }
    ).cast(ENCODED_IMAGES.schema)


def empty_vectors(encoding: Encoding, images: pa.Table) -> pa.Table:
    """Returns the images of `encoded_images` whose vector is zero, as rows of `empty_vectors`."""
    empty = images.to_pandas()
    empty = empty[empty.distinct_terms == 0]
    nothing, no_word, unknown = _REASONS[encoding]
    conditions = [empty.descriptions == 0, empty.counted == 0, empty.counted == empty.unknown]
    reasons = np.select(conditions, [nothing, no_word, unknown], _ONLY_COMMON)
    columns = {"encoding": encoding, "image_id": empty.image_id, "reason": reasons}
    return pa.Table.from_pandas(pd.DataFrame(columns), EMPTY_VECTORS.schema, preserve_index=False)


def complete_images(listed: pa.Table, captions: pa.Table, objects: pa.Table, data: pa.Table) -> pa.Table:
    """Makes the rows of `caption_images`: the listed images with what encodings saw, and what `image_data` says."""
    rows = pc.index_in(listed["image_id"], data["image_id"].combine_chunks())
    about = {
        name: data[name].combine_chunks().take(rows)
        for name in IMAGE_DATA.schema.names
        if name in CAPTION_IMAGES.schema.names
    }
    seen = {
        "phrases": captions["descriptions"],
        "tokens": captions["counted"],
        "distinct_stems": captions["distinct_terms"],
        "objects": objects["descriptions"],
        "distinct_synsets": objects["distinct_terms"],
    }
    columns = {**about, **seen, **{name: listed[name] for name in listed.column_names}}
    return pa.table(columns).select(CAPTION_IMAGES.schema.names).cast(CAPTION_IMAGES.schema)
