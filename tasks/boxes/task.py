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


@stage("boxes", version=6, software=("numpy", "pandas"))
def estimate_boxes(run: Run, inputs: BoxInputs, settings: BoxSettings) -> Boxed:
    """Boxes the kept images by the pairs among them; one without a pair, which a person keeps, has all of it as box."""
    groups = read_table(run.root, inputs.groups).to_pandas()
    images = read_table(run.root, inputs.images).to_pandas().set_index("image_id")
    pairs = read_table(run.root, inputs.pairs).to_pandas()
    kept = groups[groups.kept].merge(images[["width", "height"]], left_on="image_id", right_index=True)
    parts = []
    for _, members in kept.groupby(["landmark_id", "group"]):
        inside = pairs[pairs.image_a.isin(members.image_id) & pairs.image_b.isin(members.image_id)]
        has_pair = members.image_id.isin(pd.concat([inside.image_a, inside.image_b]))
        if has_pair.any():
            parts.append(box_group(members[has_pair], inside, settings))
        if not has_pair.all():
            parts.append(_box_whole(members[~has_pair]))
    table = (
        pa.Table.from_pandas(pd.concat(parts), BOXES.schema, preserve_index=False)
        if parts
        else BOXES.schema.empty_table()
    )
    return Boxed(boxes=run.write(BOXES, table))


def _box_whole(members: pd.DataFrame) -> pd.DataFrame:
    nothing = dict.fromkeys(["supports", "spread", "first_spread", "sweeps"], 0)
    corners = {f"{kind}{name}": 0.0 for kind in ("", "first_") for name in ("x1", "y1")}
    sides = {"x2": members.width, "y2": members.height, "first_x2": members.width, "first_y2": members.height}
    return pd.DataFrame({"image_id": members.image_id, **sides}).assign(**corners, **nothing)[BOXES.schema.names]
