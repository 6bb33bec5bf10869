"""The groups of a class: connected components of the graph whose edges are verified pairs."""

import json

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from storage.reasons import Reason
from tasks.cluster.settings import ClusterSettings


def group_images(images: pd.DataFrame, pairs: pd.DataFrame, settings: ClusterSettings) -> pd.DataFrame:
    """Groups the images of each class and marks the largest group as kept (Deep Image Retrieval, cleaning).

    Args:
        images: image_id, landmark_id; each image once.
        pairs: image_a, image_b, inliers; both images of one class.

    Returns:
        The table `groups`, sorted by image_id. Groups are ranked by size, then by the sum of their inliers, then by
        their smallest image_id. The first is kept where it has `min_group_size` images.
    """
    nodes = images.sort_values("image_id", ignore_index=True)
    place = pd.Series(nodes.index, index=nodes.image_id)
    a, b = place.loc[pairs.image_a].to_numpy(), place.loc[pairs.image_b].to_numpy()
    graph = coo_array((np.ones(len(a)), (a, b)), shape=(len(nodes), len(nodes)))
    _, component = connected_components(graph, directed=False)

    nodes["component"] = component
    nodes["neighbours"] = np.bincount(np.concatenate([a, b]), minlength=len(nodes)).astype(np.int32)
    weight = np.bincount(component[a], weights=pairs.inliers.to_numpy(), minlength=component.max(initial=-1) + 1)
    groups = nodes.groupby("component").agg(
        landmark_id=("landmark_id", "first"), size=("image_id", "size"), smallest=("image_id", "min")
    )
    groups["weight"] = weight
    groups = groups.sort_values(["landmark_id", "size", "weight", "smallest"], ascending=[True, False, False, True])
    groups["rank"] = groups.groupby("landmark_id").cumcount()

    nodes["group"] = groups["rank"].loc[component].to_numpy(np.int32)
    nodes["group_size"] = groups["size"].loc[component].to_numpy(np.int32)
    nodes["kept"] = (nodes.group == 0) & (nodes.group_size >= settings.min_group_size)
    return nodes[["image_id", "landmark_id", "group", "group_size", "neighbours", "kept"]]


def dropped_images(groups: pd.DataFrame) -> pd.DataFrame:
    """Why the images outside the kept groups are dropped: image_id, reason, evidence (JSON)."""
    largest = groups[groups.group == 0].groupby("landmark_id")["group_size"].first()
    rows = []
    for image in groups[~groups.kept].itertuples():
        evidence = {
            "group": int(image.group),
            "group_size": int(image.group_size),
            "largest_group": int(largest[image.landmark_id]),
        }
        if image.neighbours == 0:
            reason = Reason.NO_MATCH
        else:
            reason = Reason.SMALL_GROUP if image.group == 0 else Reason.SMALLER_GROUP
        rows.append((image.image_id, str(reason), json.dumps(evidence)))
    return pd.DataFrame(rows, columns=["image_id", "reason", "evidence"], dtype=object)
