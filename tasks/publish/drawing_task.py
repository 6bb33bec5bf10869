"""The stages `illustrate`, `illustrate-classes` and `illustrate-overlaps`: the pictures of reports and certificates."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from storage.images import get_image
from storage.parquet import read_table
from storage.root import Root
from storage.tables.versions import THUMBNAILS
from tasks.contracts import Run, stage
from tasks.pages.pictures import thumbnail
from tasks.publish.contracts import (
    ClassDrawingInputs,
    Drawn,
    GroupEvidence,
    IllustrateInputs,
    OverlapDrawingInputs,
    OverlapEvidence,
)
from tasks.publish.illustrate import MATCH_SIDE, draw_keypoints, draw_match
from tasks.publish.items import near_miss_drawing
from tasks.publish.related import class_pair_drawing, reassigned_drawing, strongest_class_pairs
from tasks.publish.rows import strongest_pairs

_SMALL = 256  # pixels of the longest side
_DRAWING = ("numpy", "pillow", "opencv-contrib-python-headless")


@stage("illustrate", version=6, software=_DRAWING)
def illustrate_packet(run: Run, inputs: IllustrateInputs, settings: None) -> Drawn:
    """Makes thumbnails of images, and draws what they were dropped for."""
    images = {image["image_id"]: image for image in read_table(run.root, inputs.images).to_pylist()}
    pictures = {f"{image['sha256']}.jpg": thumbnail(get_image(run.root, image["path"])) for image in images.values()}
    if inputs.overlaps:
        pictures |= _draw_overlaps(run.root, inputs.overlaps, images)
    if inputs.groups:
        pictures |= _draw_pairs(run.root, inputs.groups, images)
        pictures |= _draw_near_misses(run.root, inputs.groups, images)
        pictures |= _draw_cuts(run.root, inputs.groups, images)
    return _drawn(run, pictures)


@stage("illustrate-overlaps", version=2, software=_DRAWING)
def illustrate_overlaps(run: Run, inputs: OverlapDrawingInputs, settings: None) -> Drawn:
    """Draws what images of a packet share with test photographs."""
    images = {image["image_id"]: image for image in read_table(run.root, inputs.images).to_pylist()}
    return _drawn(run, _draw_overlaps(run.root, inputs.overlaps, images))


def _drawn(run: Run, pictures: Mapping[str, bytes]) -> Drawn:
    return Drawn(
        thumbnails=run.write_rows(THUMBNAILS, [{"name": name, "jpeg": jpeg} for name, jpeg in pictures.items()])
    )


def _draw_overlaps(root: Root, evidence: OverlapEvidence, images: dict[str, dict[str, Any]]) -> dict[str, bytes]:
    """Each overlapping image beside what its verdict rests on: a test photograph, or an image of its class.

    It is alone where of the test photographs only the signature came.
    """
    folders, drawings = evidence.photographs.folders, {}
    for pair in strongest_pairs(read_table(root, evidence.overlaps)).to_pylist():
        image, folder = images[pair["image_id"]], folders.get(pair["test_set"])
        own, points = get_image(root, image["path"]), np.asarray(pair["points"], np.float32).reshape(-1, 4)
        if pair["through"] is not None:
            drawing = draw_match(own, get_image(root, images[pair["through"]]["path"]), points)
        elif folder:
            drawing = draw_match(own, (folder / pair["test_image"]).read_bytes(), points)
        else:
            drawing = draw_keypoints(own, points[:, :2])
        drawings[f"overlap-{image['sha256']}.jpg"] = drawing
    return drawings


def _draw_pairs(root: Root, evidence: GroupEvidence, images: dict[str, dict[str, Any]]) -> dict[str, bytes]:
    """Each image of a group that is not kept, beside its strongest neighbour there."""
    groups = read_table(root, evidence.groups).to_pandas()
    dropped = set(groups.image_id[~groups.kept & (groups.neighbours > 0)])
    pairs = read_table(root, evidence.pairs).to_pandas().sort_values("inliers", ascending=False, kind="stable")
    drawings: dict[str, bytes] = {}
    for pair in pairs[pairs.image_a.isin(dropped)].itertuples():
        points = np.asarray(pair.points, np.float32).reshape(-1, 4)
        a, b = images[str(pair.image_a)], images[str(pair.image_b)]
        for left, right, ends in ((a, b, points), (b, a, points[:, [2, 3, 0, 1]])):
            name = f"pair-{left['sha256']}.jpg"
            if name not in drawings:
                drawings[name] = _draw(root, left, right, ends)
    return drawings


def _draw_near_misses(root: Root, evidence: GroupEvidence, images: dict[str, dict[str, Any]]) -> dict[str, bytes]:
    """Each image that matches no other beside the one that came nearest, where keypoints agree; small, being many."""
    groups = read_table(root, evidence.groups).to_pandas()
    alone = set(groups.image_id[~groups.kept & (groups.neighbours == 0)])
    misses = read_table(root, evidence.near_misses, ["image_id", "nearest", "points"]).to_pylist()
    drawings = {}
    for miss in misses:
        if miss["image_id"] in alone and miss["points"]:
            left, right = images[miss["image_id"]], images[miss["nearest"]]
            drawings[near_miss_drawing(left["sha256"])] = _draw(root, left, right, miss["points"], _SMALL)
    return drawings


def _draw_cuts(root: Root, evidence: GroupEvidence, images: dict[str, dict[str, Any]]) -> dict[str, bytes]:
    """Each pair that was cut."""
    ends = ["image_a", "image_b"]
    cuts = read_table(root, evidence.cuts, ends).to_pandas()
    drawings = {}
    for pair in cuts.merge(read_table(root, evidence.pairs).to_pandas(), on=ends).itertuples():
        a, b = images[str(pair.image_a)], images[str(pair.image_b)]
        drawings[f"cut-{a['sha256']}-{b['sha256']}.jpg"] = _draw(root, a, b, pair.points)
    return drawings


@stage("illustrate-classes", version=2, software=_DRAWING)
def illustrate_classes(run: Run, inputs: ClassDrawingInputs, settings: None) -> Drawn:
    """Draws what classes have in common: the strongest pair of each two, and why an image left its class."""
    root = run.root
    pairs = read_table(root, inputs.class_pairs).to_pandas()
    ids = pa.array(pd.concat([pairs.image_a, pairs.image_b]), pa.string())
    tables = [read_table(root, ref, ["image_id", "sha256", "path"]) for ref in inputs.images]
    found = [row for table in tables for row in table.filter(pc.is_in(table["image_id"], ids)).to_pylist()]
    images = {image["image_id"]: image for image in found}
    pictures = {}
    for pair in strongest_class_pairs(pairs).itertuples():
        a, b = images[pair.image_a], images[pair.image_b]
        pictures[class_pair_drawing(a["sha256"], b["sha256"])] = _draw(root, a, b, pair.points)
    points = {(pair.image_a, pair.image_b): pair.points for pair in pairs.itertuples()}
    points |= {(b, a): own.reshape(-1, 4)[:, [2, 3, 0, 1]] for (a, b), own in points.items()}
    for drop in (row for ref in inputs.drops for row in read_table(root, ref).to_pylist()):
        other = json.loads(drop["evidence"]).get("other_image")
        if other:
            a, b = images[drop["image_id"]], images[other]
            pictures[reassigned_drawing(a["sha256"])] = _draw(root, a, b, points[drop["image_id"], other])
    return _drawn(run, pictures)


def _draw(root: Root, left: dict[str, Any], right: dict[str, Any], points: Any, side: int = MATCH_SIDE) -> bytes:
    """Two rows of `images` side by side, with the cell `points` of their pair."""
    ends = np.asarray(points, np.float32).reshape(-1, 4)
    return draw_match(get_image(root, left["path"]), get_image(root, right["path"]), ends, side)
