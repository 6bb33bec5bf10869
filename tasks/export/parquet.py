"""Parquet files that hold their pictures: what Hugging Face's `datasets` reads, and its hub shows.

What the columns are is said in the schema's metadata, as `datasets` writes it (`Features.arrow_schema`); which file
is of which split, by the names.
"""

import io
import json
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.export.kept import BOX
from tasks.export.layout import Content, File, Layout, Photograph, Read
from tasks.export.shards import shards

_SPLITS = {"train": "train", "val": "validation"}
_ROWS = 100  # a row group, which a viewer reads whole
_PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_FACTS = {
    "image_id": pa.string(),
    **dict.fromkeys(BOX, pa.float32()),
    **dict.fromkeys(("supports", "width", "height"), pa.int32()),
}


def parquet(content: Content) -> Layout:
    """`data/SPLIT-00000-of-00001.parquet` and so on, with `image`, `label` and facts of each photograph."""
    schema = _schema(content.classes)
    for split, name in _SPLITS.items():
        parts = list(shards(content.of(split)))
        for number, part in enumerate(parts):
            yield File(f"data/{name}-{number:05d}-of-{len(parts):05d}.parquet", partial(_file, schema, part))


def _schema(classes: tuple[str, ...]) -> pa.Schema:
    facts = [pa.field(name, kind) for name, kind in _FACTS.items()]
    schema = pa.schema([pa.field("image", _PICTURE), pa.field("label", pa.int64()), *facts])
    features = {
        "image": {"_type": "Image"},
        "label": {"names": classes, "_type": "ClassLabel"},
        **{field.name: {"dtype": _dtype(field.type), "_type": "Value"} for field in facts},
    }
    return schema.with_metadata({"huggingface": json.dumps({"info": {"features": features}}, ensure_ascii=False)})


def _dtype(kind: pa.DataType) -> str:
    return "float32" if kind == pa.float32() else str(kind)


def _file(schema: pa.Schema, part: list[Photograph], read: Read) -> bytes:
    columns = {
        "image": [{"bytes": read(photograph), "path": photograph.file} for photograph in part],
        "label": [photograph.class_index for photograph in part],
        **{name: [getattr(photograph, name) for photograph in part] for name in _FACTS if name not in BOX},
        **{side: [getattr(photograph.box, side) for photograph in part] for side in BOX},
    }
    sink = io.BytesIO()
    pq.write_table(pa.table(columns, schema), sink, row_group_size=_ROWS)
    return sink.getvalue()
