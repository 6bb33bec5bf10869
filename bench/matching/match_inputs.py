"""The tables that the stage `match` reads, written from photographs that are described already."""

from typing import Any

import pyarrow as pa

from bench.harness.collection import Collection
from storage.parquet import write_rows, write_table
from storage.root import Root
from storage.tables.acquisition import DROPS, IMAGES
from storage.tables.features import FEATURES, MASKS
from storage.tables.spec import R, TableSpec
from tasks.features.contracts import Packet
from tasks.features.packed import pack
from tasks.match.task import MatchInputs

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


def write_inputs(root: Root, collection: Collection) -> MatchInputs:
    """Tables of one packet, below `inputs`. The features are masked already, so the masks are empty."""
    digests = [image["sha256"] for image in collection.members]
    own = sorted(dict(zip(digests, collection.features, strict=True)).items())  # copies share one row
    masks = [{"sha256": sha256, **_unmasked(len(found.keypoints))} for sha256, found in own]
    features = ({"sha256": sha256, **pack(found), "crashed": False} for sha256, found in own)
    packet = Packet(
        images=_write_one(root, IMAGES, [{**image, **UNREAD} for image in collection.members]),
        features=write_rows(root, "inputs/features.parquet", FEATURES, features),
        masks=_write_one(root, MASKS, masks),
    )
    return MatchInputs(packet=packet, drops=_write_one(root, DROPS, []), shard="bench")


def _unmasked(keypoints: int) -> dict[str, Any]:
    return {"detected": keypoints, "masked": 0, "bits": bytes((keypoints + 7) // 8), "regions": [], "points": []}


def _write_one(root: Root, spec: TableSpec[R], rows: list[dict[str, Any]]) -> R:
    return write_table(root, f"inputs/{spec.name}.parquet", spec, pa.Table.from_pylist(rows, spec.schema))
