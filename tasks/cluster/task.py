"""Cluster's Prefect face: the groups of a packet's classes."""

import pyarrow as pa

from storage.parquet import read_table, write_table
from storage.root import Root
from storage.tables import DROPS, GROUPS
from tasks.cluster.graph import dropped_images, group_images
from tasks.cluster.settings import ClusterSettings
from tasks.orchestration import Inputs, Output, reference, stage, stage_path


@stage("cluster", version=1)
def cluster_images(root_url: str, key: str, inputs: Inputs, settings: ClusterSettings) -> Output:
    """Groups the `images`, but for those in `drops`, by their `pairs`."""
    root = Root(root_url)
    gone = read_table(root, reference(inputs, "drops"), ["image_id"])["image_id"].to_pylist()
    images = read_table(root, reference(inputs, "images"), ["image_id", "landmark_id"]).to_pandas()
    pairs = read_table(root, reference(inputs, "pairs"), ["image_a", "image_b", "inliers"]).to_pandas()
    groups = group_images(images[~images.image_id.isin(gone)], pairs, settings)
    dropped = dropped_images(groups).assign(stage="cluster")
    tables = {
        "groups": write_table(
            root, stage_path(key, "groups"), GROUPS, pa.Table.from_pandas(groups, preserve_index=False)
        ),
        "drops": write_table(
            root, stage_path(key, "drops"), DROPS, pa.Table.from_pandas(dropped, DROPS.schema, preserve_index=False)
        ),
    }
    return Output(tables=tables, counts={"kept": int(groups.kept.sum())})
