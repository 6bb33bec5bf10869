"""The groups of a class: connected components of the graph of verified pairs, ranked by what they show."""

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tasks.cluster.cuts import find_cuts
from tasks.cluster.photographs import link_photographs, photographs_of
from tasks.cluster.settings import ClusterSettings


def group_images(
    images: pd.DataFrame, pairs: pd.DataFrame, settings: ClusterSettings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Groups the images of each class (Deep Image Retrieval, cleaning).

    Groups are the connected components of the verified pairs without those that `tasks.cluster.cuts` cuts. They rank by
    photographs (near-copies count once, so that a much-copied picture does not win), then by the inliers of the links
    between their photographs, then by their smallest image_id.

    Args:
        images: image_id, landmark_id; each image once.
        pairs: landmark_id, image_a, image_b, inliers, false_alarms, points, copy; both images of one class.

    Returns:
        The images, sorted by image_id, and the table `cuts`. The images have landmark_id; photograph, the smallest
        image_id of its copies; neighbours, the number of its pairs that hold; linked, the number of other photographs
        that its own is linked to; and of its group: group (the rank in the class), images, photographs, weight,
        first_image, and the class's largest (photographs of its first group) and margin (over the second).
    """
    members = images[["image_id", "landmark_id"]].sort_values("image_id", ignore_index=True)
    photographs = photographs_of(members.image_id, pairs)
    cuts = find_cuts(pairs, photographs, settings)
    holding = pairs[~_ends(pairs).isin(_ends(cuts))]
    links = link_photographs(holding, photographs)

    members["photograph"] = photographs.to_numpy()
    members["component"], members["neighbours"] = _components(members.image_id, holding)
    degrees = pd.concat([links["first"], links["second"]]).value_counts()
    members["linked"] = members.photograph.map(degrees).fillna(0).astype(np.int32)
    ranked = _rank(members, links).drop(columns="landmark_id")
    return members.join(ranked, on="component").drop(columns="component"), cuts


def _ends(pairs: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(pairs[["image_a", "image_b"]])


def _components(image_ids: pd.Series, pairs: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The component of each image and the number of its pairs, int32 (n,) each."""
    row_of = pd.Series(np.arange(len(image_ids)), index=image_ids)
    a, b = row_of.loc[pairs.image_a].to_numpy(), row_of.loc[pairs.image_b].to_numpy()
    graph = coo_array((np.ones(len(a)), (a, b)), shape=(len(row_of), len(row_of)))
    _, component = connected_components(graph, directed=False)
    return component, np.bincount(np.concatenate([a, b]), minlength=len(row_of)).astype(np.int32)


def _rank(members: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    """What `group_images` says of groups, by component."""
    ranked = members.groupby("component").agg(
        landmark_id=("landmark_id", "first"),
        images=("image_id", "size"),
        photographs=("photograph", "nunique"),
        first_image=("image_id", "min"),
    )
    home = members.drop_duplicates("photograph").set_index("photograph").component
    weights = links.inliers.groupby(links["first"].map(home)).sum()
    ranked["weight"] = weights.reindex(ranked.index, fill_value=0).astype(np.int64)
    ranked = ranked.sort_values(
        ["landmark_id", "photographs", "weight", "first_image"], ascending=[True, False, False, True]
    )
    sizes = ranked.groupby("landmark_id").photographs
    ranked["group"] = sizes.cumcount()
    ranked["largest"] = sizes.transform("first")
    ranked["margin"] = (
        (ranked.photographs - sizes.shift(-1, fill_value=0)).groupby(ranked.landmark_id).transform("first")
    )
    return ranked.astype(dict.fromkeys(["images", "photographs", "group", "largest", "margin"], np.int32))
