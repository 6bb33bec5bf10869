"""The stage `boxes`: the boxes of a packet's kept groups."""

import pandas as pd
import pyarrow as pa

from storage.parquet import read_table
from storage.tables.acquisition import ImagesRef
from storage.tables.groups import BOXES, BoxesRef, GroupsRef, PairsRef
from tasks.boxes.group import box_group
from tasks.boxes.settings import BoxSettings
from tasks.contracts import Inputs, Output, Run, stage


class BoxInputs(Inputs):
    """What `boxes` reads; `images` has the pictures' sizes."""

    images: ImagesRef
    pairs: PairsRef
    groups: GroupsRef


class Boxed(Output):
    """What `boxes` writes."""

    boxes: BoxesRef


@stage("boxes", version=4, software=("numpy", "pandas"))
def estimate_boxes(run: Run, inputs: BoxInputs, settings: BoxSettings) -> Boxed:
    """Boxes the kept images that have pairs among them."""
    groups = read_table(run.root, inputs.groups).to_pandas()
    images = read_table(run.root, inputs.images).to_pandas().set_index("image_id")
    pairs = read_table(run.root, inputs.pairs).to_pandas()
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
    return Boxed(boxes=run.write(BOXES, table))
