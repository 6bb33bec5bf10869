"""Boxes' Prefect face: the boxes of a packet's kept groups."""

import numpy as np
import pandas as pd
import pyarrow as pa

from storage.parquet import read_table, write_table
from storage.root import Root
from storage.tables import BOXES
from tasks.boxes.estimate import enclosing_boxes, geometric_medians, spreads
from tasks.boxes.refine import refine_boxes
from tasks.boxes.settings import BoxSettings
from tasks.orchestration import Inputs, Output, reference, stage, stage_path

_SIDES = ("x1", "y1", "x2", "y2")


@stage("boxes", version=1)
def estimate_boxes(root_url: str, key: str, inputs: Inputs, settings: BoxSettings) -> Output:
    """Boxes the kept images of `groups`, by their `pairs`; `images` has their sizes."""
    root = Root(root_url)
    groups = read_table(root, reference(inputs, "groups")).to_pandas()
    images = read_table(root, reference(inputs, "images")).to_pandas().set_index("image_id")
    pairs = read_table(root, reference(inputs, "pairs")).to_pandas()
    kept = groups[groups.kept & (groups.neighbours > 0)].merge(
        images[["width", "height"]], left_on="image_id", right_index=True
    )
    parts = [
        _box_group(members, pairs[pairs.image_a.isin(members.image_id)], settings)
        for _, members in kept.groupby("landmark_id")
    ]
    table = (
        pa.Table.from_pandas(pd.concat(parts), BOXES.schema, preserve_index=False)
        if parts
        else BOXES.schema.empty_table()
    )
    return Output(tables={"boxes": write_table(root, stage_path(key, "boxes"), BOXES, table)})


def _box_group(members: pd.DataFrame, pairs: pd.DataFrame, settings: BoxSettings) -> pd.DataFrame:
    """The table `boxes` of one group; `pairs` are those inside it."""
    place = pd.Series(np.arange(len(members)), index=members.image_id)
    a, b = place.loc[pairs.image_a].to_numpy(), place.loc[pairs.image_b].to_numpy()
    in_a, in_b = enclosing_boxes([np.asarray(points, np.float32).reshape(-1, 4) for points in pairs.points])
    forth = np.stack(pairs.affine.to_list()).reshape(-1, 2, 3)
    linear = np.linalg.inv(forth[:, :, :2])
    back = np.concatenate([linear, -linear @ forth[:, :, 2:]], axis=2)

    owner, per_pair = np.concatenate([a, b]), np.concatenate([in_a, in_b])
    first = geometric_medians(per_pair, owner, len(members))
    source, target = np.concatenate([a, b]), np.concatenate([b, a])
    sizes = members[["width", "height"]].to_numpy(np.float64)
    boxes, sweeps = refine_boxes(first, source, target, np.concatenate([forth, back]), sizes, settings)
    columns = {side: boxes[:, i] for i, side in enumerate(_SIDES)}
    columns |= {f"first_{side}": first[:, i] for i, side in enumerate(_SIDES)}
    counts = {
        "supports": np.bincount(owner, minlength=len(members)),
        "sweeps": sweeps,
        "spread": spreads(per_pair, owner, first),
    }
    return pd.DataFrame({"image_id": members.image_id.to_numpy(), **columns, **counts})
