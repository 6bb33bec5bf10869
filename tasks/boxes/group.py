"""The boxes of one group of images, from its verified pairs."""

import numpy as np
import pandas as pd

from tasks.boxes.agree import agreed_boxes, told_boxes
from tasks.boxes.estimate import Array, covering_boxes, enclosing_boxes, geometric_medians, spreads
from tasks.boxes.refine import map_boxes, refine_boxes
from tasks.boxes.settings import BoxSettings

_SIDES = ("x1", "y1", "x2", "y2")


def box_group(members: pd.DataFrame, pairs: pd.DataFrame, settings: BoxSettings) -> pd.DataFrame:
    """Returns the table `boxes` of a group (Deep Image Retrieval, bounding boxes).

    Args:
        members: image_id, width, height; each image has a pair. pairs: rows of the table `pairs`, both images of the
            group.
    """
    row_of, count = pd.Series(np.arange(len(members)), index=members.image_id), len(members)
    a, b = row_of.loc[pairs.image_a].to_numpy(), row_of.loc[pairs.image_b].to_numpy()
    points = [np.asarray(own, np.float32).reshape(-1, 4) for own in pairs.points]
    forth = np.stack(pairs.affine.to_list()).reshape(-1, 2, 3)
    linear = np.linalg.inv(forth[:, :, :2])
    back = np.concatenate([linear, -linear @ forth[:, :, 2:]], axis=2)
    source, target, affine = np.concatenate([a, b]), np.concatenate([b, a]), np.concatenate([forth, back])
    in_target = [own[:, 2:] for own in points] + [own[:, :2] for own in points]

    around = enclosing_boxes(in_target)
    if settings.first_box == "agreed":
        unclipped = agreed_boxes(told_boxes(in_target, source, target, affine, count))
    else:
        unclipped = geometric_medians(around, target, count)
    sizes = members[["width", "height"]].to_numpy(np.float64)
    first = _inside(unclipped, sizes, covering_boxes(around, target, count))
    refined, sweeps = refine_boxes(first, source, target, affine, settings)
    boxes = _inside(refined, sizes, first)
    columns = {side: boxes[:, i] for i, side in enumerate(_SIDES)}
    columns |= {f"first_{side}": first[:, i] for i, side in enumerate(_SIDES)}
    facts = {
        "supports": np.bincount(target, minlength=count),
        "spread": spreads(map_boxes(refined[source], affine), target, refined),
        "first_spread": spreads(map_boxes(first[source], affine), target, first),
        "sweeps": sweeps,
    }
    return pd.DataFrame({"image_id": members.image_id.to_numpy(), **columns, **facts})


def _inside(boxes: Array, sizes: Array, otherwise: Array) -> Array:
    """Boxes cut to their pictures; where nothing is left of one, the other."""
    cut = np.clip(boxes, 0, np.hstack([sizes, sizes]))
    return np.where((cut[:, 2:] > cut[:, :2]).all(axis=1, keepdims=True), cut, otherwise)
