"""The boxes of one group of images, from its verified pairs."""

import numpy as np
import pandas as pd

from tasks.boxes.estimate import covering_boxes, enclosing_boxes, geometric_medians, spreads
from tasks.boxes.refine import map_boxes, refine_boxes
from tasks.boxes.settings import BoxSettings

_SIDES = ("x1", "y1", "x2", "y2")


def box_group(members: pd.DataFrame, pairs: pd.DataFrame, settings: BoxSettings) -> pd.DataFrame:
    """Returns the table `boxes` of a group (Deep Image Retrieval, bounding boxes).

    Args:
        members: image_id, width, height; each image has a pair. pairs: rows of the table `pairs`, both images of the
            group.
    """
    row_of = pd.Series(np.arange(len(members)), index=members.image_id)
    a, b = row_of.loc[pairs.image_a].to_numpy(), row_of.loc[pairs.image_b].to_numpy()
    in_a, in_b = enclosing_boxes([np.asarray(points, np.float32).reshape(-1, 4) for points in pairs.points])
    forth = np.stack(pairs.affine.to_list()).reshape(-1, 2, 3)
    linear = np.linalg.inv(forth[:, :, :2])
    back = np.concatenate([linear, -linear @ forth[:, :, 2:]], axis=2)

    first_box = covering_boxes if settings.first_box == "all_keypoints" else geometric_medians
    first = first_box(np.concatenate([in_a, in_b]), np.concatenate([a, b]), len(members))
    source, target, affine = np.concatenate([a, b]), np.concatenate([b, a]), np.concatenate([forth, back])
    refined, sweeps = refine_boxes(first, source, target, affine, settings)
    sizes = members[["width", "height"]].to_numpy(np.float64)
    boxes = np.clip(refined, 0, np.hstack([sizes, sizes]))
    boxes = np.where((boxes[:, 2:] > boxes[:, :2]).all(axis=1, keepdims=True), boxes, first)  # none outside its picture
    columns = {side: boxes[:, i] for i, side in enumerate(_SIDES)}
    columns |= {f"first_{side}": first[:, i] for i, side in enumerate(_SIDES)}
    facts = {
        "supports": np.bincount(target, minlength=len(members)),
        "spread": spreads(map_boxes(refined[source], affine), target, refined),
        "first_spread": spreads(map_boxes(first[source], affine), target, first),
        "sweeps": sweeps,
    }
    return pd.DataFrame({"image_id": members.image_id.to_numpy(), **columns, **facts})
