"""Features' Prefect face: the keypoints of a packet's pictures, each picture once."""

import pyarrow as pa

from storage.images import get_image
from storage.parquet import read_table, write_table
from storage.root import Root
from storage.tables import FEATURES
from tasks.acquire.inspect import decode
from tasks.features.detect import detect
from tasks.features.packed import Features, pack
from tasks.features.settings import FeatureSettings
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
