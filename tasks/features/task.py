"""Features' Prefect face: the keypoints of a packet's pictures, each picture once, and which of them to mask."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from storage.images import get_image
from storage.parquet import read_rows, read_table, write_rows, write_table
from storage.root import Root
from storage.tables import FEATURES, MASKS
from tasks.features.describe import Describer
from tasks.features.overlays import Templates, mask_overlays
from tasks.features.packed import NOTHING, pack, unpack
from tasks.features.settings import FeatureSettings, OverlaySettings
from tasks.orchestration import Inputs, Output, reference, stage, stage_path


@stage("features", version=5)
def extract_features(root_url: str, key: str, inputs: Inputs, settings: FeatureSettings) -> Output:
    """Detects and describes the keypoints of every picture of `images`."""
    root = Root(root_url)
    images = read_table(root, reference(inputs, "images"), ["sha256", "path"]).to_pylist()
    crashed = 0

    def describe() -> Iterator[dict[str, Any]]:
        nonlocal crashed
        for sha256, path in sorted({(image["sha256"], image["path"]) for image in images}):
            features = describer.describe(get_image(root, path))
            crashed += features is None
            yield {"sha256": sha256, **pack(features or NOTHING), "crashed": features is None}

    with Describer(settings) as describer:
        written = write_rows(root, stage_path(key, "features"), FEATURES, describe())
    return Output(tables={"features": written}, counts={"crashed": crashed})


@stage("mask", version=1)
def mask_pictures(root_url: str, key: str, inputs: Inputs, settings: OverlaySettings) -> Output:
    """Masks the keypoints of `features` that look like one of `templates`; `images` has the pictures' sizes."""
    root = Root(root_url)
    learnt = read_table(root, reference(inputs, "templates"))
    descriptors = np.frombuffer(b"".join(learnt["descriptor"].to_pylist()), np.uint8).reshape(-1, 128)
    templates = Templates(descriptors, learnt["classes"].to_numpy().astype(np.int64))
    images = read_table(root, reference(inputs, "images"), ["sha256", "width", "height"]).to_pylist()
    longer = {image["sha256"]: max(image["width"], image["height"]) for image in images}
    rows = []
    for row in read_rows(root, reference(inputs, "features")):
        mask = mask_overlays(unpack(row), templates, longer[row["sha256"]], settings)
        rows.append(
            {
                "sha256": row["sha256"],
                "detected": len(mask.keypoints),
                "masked": int(mask.keypoints.sum()),
                "bits": np.packbits(mask.keypoints).tobytes(),
                "regions": mask.regions.ravel().tolist(),
                "points": mask.points.ravel().tolist(),
            }
        )
    table = pa.Table.from_pylist(rows, MASKS.schema)
    return Output(
        tables={"masks": write_table(root, stage_path(key, "masks"), MASKS, table)},
        counts={"detected": sum(row["detected"] for row in rows), "masked": sum(row["masked"] for row in rows)},
    )
