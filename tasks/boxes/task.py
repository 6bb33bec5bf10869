"""Boxes' Prefect face: the boxes of a packet's kept groups."""

import pandas as pd
import pyarrow as pa

from storage.parquet import read_table, write_table
from storage.root import Root
from storage.tables import BOXES
from tasks.boxes.group import box_group
from tasks.boxes.settings import BoxSettings
from tasks.orchestration import Inputs, Output, reference, stage, stage_path


@stage("boxes", version=4)
def estimate_boxes(root_url: str, key: str, inputs: Inputs, settings: BoxSettings) -> Output:
    """Boxes the kept images of `groups` that have `pairs` among them; `images` has sizes."""
    root = Root(root_url)
    groups = read_table(root, reference(inputs, "groups")).to_pandas()
    images = read_table(root, reference(inputs, "images")).to_pandas().set_index("image_id")
    pairs = read_table(root, reference(inputs, "pairs")).to_pandas()
    kept = groups[groups.kept].merge(images[["width", "height"]], left_on="image_id", right_index=True)
    parts = []
    for _, members in kept.groupby(["landmark_id", "group"]):
        inside = pairs[pairs.image_a.isin(members.image_id) & pairs.image_b.isin(members.image_id)]
        paired = members[members.image_id.isin(pd.concat([inside.image_a, inside.image_b]))]
        if len(paired):
            parts.append(box_group(paired, inside, settings))
    table = (
        pa.Table.from_pandas(pd.concat(parts), BOXES.schema, preserve_index=False)
        if parts
        else BOXES.schema.empty_table()
    )
    return Output(tables={"boxes": write_table(root, stage_path(key, "boxes"), BOXES, table)})
