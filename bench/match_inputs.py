"""The tables that the stage `match` reads, written from photographs that are described already."""

from typing import Any

import pyarrow as pa

from bench.collection import Collection
from storage.parquet import write_rows, write_table
from storage.root import Root
from storage.tables import DROPS, FEATURES, IMAGES, MASKS, TableRef, TableSpec
from tasks.features.packed import pack

UNREAD = {
    "path": "",
    "bytes": 0,
    "format": "JPEG",
    "mode": "RGB",
    "orientation": 1,
    "frames": 1,
    "pixel_hash": "",
    "phash": "",
    "md5": "",
}
"""Cells of the table `images` that matching does not read."""


def write_inputs(root: Root, collection: Collection) -> dict[str, TableRef]:
    """Tables of one packet, below `inputs`. The features are masked already, so the masks are empty."""
    digests = [image["sha256"] for image in collection.members]
    own = sorted(dict(zip(digests, collection.features, strict=True)).items())  # copies share one row
    masks = [{"sha256": sha256, **_unmasked(len(found.keypoints))} for sha256, found in own]
    tables = {
        "images": (IMAGES, [{**image, **UNREAD} for image in collection.members]),
        "masks": (MASKS, masks),
        "drops": (DROPS, []),
    }
    written = {name: _write_one(root, name, spec, rows) for name, (spec, rows) in tables.items()}
    features = ({"sha256": sha256, **pack(found), "crashed": False} for sha256, found in own)
    return {**written, "features": write_rows(root, "inputs/features.parquet", FEATURES, features)}


def _unmasked(keypoints: int) -> dict[str, Any]:
    return {"detected": keypoints, "masked": 0, "bits": bytes((keypoints + 7) // 8), "regions": [], "points": []}


def _write_one(root: Root, name: str, spec: TableSpec, rows: list[dict[str, Any]]) -> TableRef:
    return write_table(root, f"inputs/{name}.parquet", spec, pa.Table.from_pylist(rows, spec.schema))
