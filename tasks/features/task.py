"""Features' Prefect face: the keypoints of a packet's pictures, each picture once, and which of them to mask."""

import numpy as np
import pyarrow as pa

from storage.images import get_image
from storage.parquet import read_table, write_table
from storage.root import Root
from storage.tables import FEATURES, MASKS
from tasks.acquire.inspect import decode
from tasks.features.detect import detect
from tasks.features.overlays import Templates, mask_overlays
from tasks.features.packed import Features, pack, unpack
from tasks.features.settings import FeatureSettings, OverlaySettings
from tasks.orchestration import Inputs, Output, reference, stage, stage_path


@stage("features", version=1)
def extract_features(root_url: str, key: str, inputs: Inputs, settings: FeatureSettings) -> Output:
    """Detects and describes the keypoints of every picture of `images`."""
    root = Root(root_url)
    images = read_table(root, reference(inputs, "images"), ["sha256", "path"]).to_pylist()
    rows = []
    for sha256, path in sorted({(image["sha256"], image["path"]) for image in images}):
        features = Features(*detect(decode(get_image(root, path)), settings))
        rows.append({"sha256": sha256, **pack(features)})
    table = pa.Table.from_pylist(rows, FEATURES.schema)
    return Output(tables={"features": write_table(root, stage_path(key, "features"), FEATURES, table)})


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
    for row in read_table(root, reference(inputs, "features")).to_pylist():
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
