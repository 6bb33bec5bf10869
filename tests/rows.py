"""Rows of tables, with values for the cells that a test does not care about, and tables stored of such rows.

`image_row("a", "tower", width=9)` is an image of 9 × 480 pixels; what else it is doesn't matter.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from storage.parquet import write_table
from storage.root import Root
from storage.tables.spec import R, TableSpec
from tasks.features.packed import Features, pack

Row = dict[str, Any]

EVIDENCE = {"putative": 50, "inliers": 30, "false_alarms": -20.0, "affine": [1.0, 0, 0, 0, 1, 0], "points": []}
"""The cells that tell how two pictures agree: here, that they lie on one another."""


def image_row(image_id: str, landmark_id: str = "c", **cells: Any) -> Row:
    """A row of `images`: a photograph of 640 × 480 pixels, whose picture is called after the image."""
    return {
        "image_id": image_id, "landmark_id": landmark_id, "sha256": sha_of(image_id), "path": "p", "bytes": 1,
        "width": 640, "height": 480, "format": "JPEG", "mode": "RGB", "orientation": 1, "frames": 1, "pixel_hash": "",
        "phash": "", "md5": "0" * 32, **cells,
    }  # fmt: skip


def sha_of(image_id: str) -> str:
    """The stand-in for a sha256 that `image_row` gives an image."""
    return f"sha-{image_id}"


def features_row(sha256: str, features: Features) -> Row:
    """A row of `features`: the keypoints of a picture that killed no detector."""
    return {"sha256": sha256, **pack(features), "crashed": False}


def mask_row(sha256: str, keypoints: int, masked: Collection[int] = ()) -> Row:
    """A row of `masks`: of so many keypoints, those of these indices are masked."""
    bits = np.packbits(np.isin(np.arange(keypoints), list(masked))).tobytes()
    return {
        "sha256": sha256, "detected": keypoints, "masked": len(masked), "bits": bits, "regions": [], "points": [],
    }  # fmt: skip


def pair_row(landmark_id: str, image_a: str, image_b: str, **cells: Any) -> Row:
    """A row of `pairs`: two images of a class that show the same thing."""
    return {
        "landmark_id": landmark_id, "image_a": image_a, "image_b": image_b, "copy": False, "repeats": False,
        **EVIDENCE, **cells,
    }  # fmt: skip


def group_row(image_id: str, landmark_id: str, **cells: Any) -> Row:
    """A row of `groups`: an image that is kept, alone in the first group of its class."""
    return {
        "image_id": image_id, "landmark_id": landmark_id, "group": 0, "group_size": 1, "neighbours": 0,
        "copy_of": None, "kept": True, **cells,
    }  # fmt: skip


def overlap_row(image_id: str, landmark_id: str, **cells: Any) -> Row:
    """A row of `overlaps`: an image that shows itself what a test photograph of Paris does."""
    return {
        "image_id": image_id, "landmark_id": landmark_id, "test_set": "paris", "test_image": "t.jpg", "site": "eiffel",
        "role": "query", "mirrored": False, "kind": "landmark", "through": None, **EVIDENCE, **cells,
    }  # fmt: skip


def drop_row(image_id: str, **cells: Any) -> Row:
    """A row of `drops`: an image that is a copy of a test photograph."""
    return {"image_id": image_id, "stage": "overlap", "reason": "test-copy", "evidence": "{}", **cells}


def write(root: Root, spec: TableSpec[R], rows: Iterable[Mapping[str, Any]], name: str | None = None) -> R:
    """Stores rows below the root, in a file called after their table or as told, and returns the reference to them."""
    table = pa.Table.from_pylist([dict(row) for row in rows], spec.schema)
    return write_table(root, f"{name or spec.name}.parquet", spec, table)
