"""Images and the photographs they are copies of: near-copies are one photograph."""

import networkx as nx
import numpy as np
import pandas as pd


def photographs_of(image_ids: pd.Series, pairs: pd.DataFrame) -> pd.Series:
    """Returns the photograph of each image, named by the smallest of its images' ids.

    Args:
        image_ids: each image once. pairs: image_a, image_b, copy; `copy` says that both are the same photograph.

    Returns:
        Photographs by image_id: the connected components of the pairs that are copies.
    """
    copies = pairs[pairs["copy"]]
    graph = nx.Graph(zip(copies.image_a, copies.image_b, strict=True))
    named = {image: min(images) for images in nx.connected_components(graph) for image in images}
    return pd.Series([named.get(image, image) for image in image_ids], index=image_ids.to_numpy(), dtype=object)


def link_photographs(pairs: pd.DataFrame, photographs: pd.Series) -> pd.DataFrame:
    """Selects the verified pairs of different photographs: one row for two, however many copies they have.

    Args:
        pairs: image_a, image_b, inliers, false_alarms. photographs: as `photographs_of` gives them.

    Returns:
        first, second, the photographs, first < second; inliers and false_alarms, the most and the least of their pairs.
        Sorted.
    """
    ends = np.sort(np.stack([photographs.loc[pairs[name]].to_numpy(str) for name in ("image_a", "image_b")]), axis=0)
    evidence = {name: pairs[name].to_numpy() for name in ("inliers", "false_alarms")}
    links = pd.DataFrame({"first": ends[0].astype(object), "second": ends[1].astype(object), **evidence})
    links = links[links["first"] != links["second"]]
    return links.groupby(["first", "second"], as_index=False).agg({"inliers": "max", "false_alarms": "min"})
