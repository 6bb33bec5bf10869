"""The strongest pair of each kept image, for the view that enlarges it: keypoints that both images show."""

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_POINTS = 24
"""Most keypoints that are shown of a pair."""


class BestPairs:
    """The strongest verified pair of each image with another of those that are kept.

    Args:
        pairs: the table `pairs`. images: the table `images`. kept: ids.
    """

    def __init__(self, pairs: pa.Table, images: pa.Table, kept: pa.Array) -> None:
        columns = ["image_id", "path", "width", "height"]
        own = images.select(columns).filter(pc.is_in(images["image_id"], kept))
        self._images = {row["image_id"]: row for row in own.to_pylist()}
        ids = own["image_id"].combine_chunks()
        inside = pc.and_(pc.is_in(pairs["image_a"], ids), pc.is_in(pairs["image_b"], ids))
        ends = pairs.select(["image_a", "image_b", "inliers"]).append_column("row", pa.array(np.arange(len(pairs))))
        ends = ends.filter(inside)
        a, b = (pc.index_in(ends[end], ids).to_numpy() for end in ("image_a", "image_b"))
        image, inliers, row = np.concatenate([a, b]), np.tile(ends["inliers"].to_numpy(), 2), np.tile(ends["row"], 2)
        order = np.lexsort((row, -inliers, image))
        numbers, firsts = np.unique(image[order], return_index=True)
        best, indices = np.unique(row[order][firsts], return_inverse=True)
        self._pairs = pairs.select(["image_a", "image_b", "inliers", "points"]).take(pa.array(best))
        self._index_of = dict(zip(ids.take(pa.array(numbers)).to_pylist(), indices.tolist(), strict=True))

    def script(self, image_ids: Iterable[str]) -> bytes:
        """Returns a script that calls `bestPairs` with what is known of images: own, other, inliers and points, by id.

        `own` and `other` are [path below the root, width, height]; points are [x, y, x, y]s in either's pixels.
        """
        known = {image_id: self._of(image_id) for image_id in image_ids if image_id in self._images}
        return f"bestPairs({json.dumps(known, separators=(',', ':'))});\n".encode()

    def _of(self, image_id: str) -> dict[str, Any]:
        told: dict[str, Any] = {"own": self._picture(image_id)}
        index = self._index_of.get(image_id)
        if index is None:
            return told
        pair = {name: self._pairs[name][index].as_py() for name in self._pairs.column_names}
        points = np.reshape(pair["points"], (-1, 4))
        other = pair["image_b"]
        if other == image_id:
            other, points = pair["image_a"], points[:, [2, 3, 0, 1]]
        if len(points) > _POINTS:
            points = points[np.linspace(0, len(points) - 1, _POINTS).round().astype(int)]
        shown = points.round().astype(int).tolist()
        return told | {"other": self._picture(other), "id": other, "inliers": pair["inliers"], "points": shown}

    def _picture(self, image_id: str) -> list[Any]:
        image = self._images[image_id]
        return [image["path"], image["width"], image["height"]]
