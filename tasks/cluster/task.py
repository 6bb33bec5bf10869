"""The stages `pins`, whether pins can be honoured, and `cluster` and `regroup`, the groups of a packet's classes."""

from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from storage.errors import InputError
from storage.parquet import read_table
from storage.tables.acquisition import DROPS, DropsRef, ImagesRef
from storage.tables.groups import (
    CLASS_GROUPS,
    CUTS,
    GROUPS,
    ClassGroupsRef,
    CutsRef,
    GroupsRef,
    NearMissesRef,
    PairsRef,
)
from storage.tables.spec import R, TableSpec
from tasks.cluster.graph import group_images
from tasks.cluster.keep import class_groups, dropped_by_hand, dropped_images, image_groups, keep_images
from tasks.cluster.settings import ClusterSettings, Overrides
from tasks.contracts import Inputs, Output, Run, stage

_PAIR_COLUMNS = ["landmark_id", "image_a", "image_b", "inliers", "false_alarms", "points", "copy", "repeats"]
_OF_A_MISS = {
    "compared_with": "compared",
    "nearest": "nearest",
    "matches": "putative",
    "inliers": "inliers",
    "inliers_needed": "needed",
    "lacks": "lacks",
}
"""What the evidence takes from the table `near_misses`."""

_JUDGED = 240  # pixels of the longest side, below which what is kept at full size goes: docs/evidence/quality.md

_GROUPING = ("numpy", "scipy", "pandas", "networkx")


class PinInputs(Inputs):
    """What `pins` reads: the pinned image of each class, and all that was dropped before matching."""

    pins: dict[str, str]
    drops: list[DropsRef]


class Checked(Output):
    """How many pins there are; all can be honoured."""

    pins: int


@stage("pins", version=1)
def check_pins(run: Run, inputs: PinInputs, settings: None) -> Checked:
    """Checks that no pinned image was dropped, before matching, since that takes long.

    Raises:
        InputError: one was; the text says which stage dropped it and why.
    """
    for ref in inputs.drops:
        drops = read_table(run.root, ref)
        pinned = pa.array(list(inputs.pins.values()), pa.string())
        for drop in drops.filter(pc.is_in(drops["image_id"], pinned)).to_pylist():
            landmark_id = next(name for name, image_id in inputs.pins.items() if image_id == drop["image_id"])
            raise InputError(
                f"overrides: pin {landmark_id!r} = {drop['image_id']!r}: {drop['stage']} dropped the image as "
                f"{drop['reason']} {drop['evidence']}; pin another image of the class, or none"
            )
    return Checked(pins=len(inputs.pins))


class GroupInputs(Inputs):
    """What `cluster` and `regroup` read; the images in `drops` take no part."""

    images: ImagesRef
    pairs: PairsRef
    near_misses: NearMissesRef
    drops: list[DropsRef]
    overrides: Overrides


class Grouped(Output):
    """What `cluster` and `regroup` write, and how many images are kept."""

    groups: GroupsRef
    class_groups: ClassGroupsRef
    cuts: CutsRef
    drops: DropsRef
    kept: int


@stage("cluster", version=8, software=_GROUPING)
def cluster_images(run: Run, inputs: GroupInputs, settings: ClusterSettings) -> Grouped:
    """Groups the images of each class by their pairs, and keeps the largest group or the pinned one."""
    return _group(run, inputs, settings)


@stage("regroup", version=6, software=_GROUPING)
def regroup_images(run: Run, inputs: GroupInputs, settings: ClusterSettings) -> Grouped:
    """Groups anew without the images that other classes show more: their groups may be kept no longer."""
    return _group(run, inputs, settings)


def _group(run: Run, inputs: GroupInputs, settings: ClusterSettings) -> Grouped:
    lists = [read_table(run.root, ref, ["image_id"])["image_id"].to_pylist() for ref in inputs.drops]
    dropped = [image_id for images in lists for image_id in images]
    images = read_table(run.root, inputs.images, ["image_id", "landmark_id", "width", "height"]).to_pandas()
    by_hand = images.image_id[images.image_id.isin(inputs.overrides.drop) & ~images.image_id.isin(dropped)].to_list()
    dropped += by_hand
    pairs = read_table(run.root, inputs.pairs, _PAIR_COLUMNS).to_pandas()
    pairs = pairs[~pairs.image_a.isin(dropped) & ~pairs.image_b.isin(dropped)]
    members, cuts = group_images(images[~images.image_id.isin(dropped)], pairs, settings)
    decided = keep_images(members, settings, inputs.overrides.pin, inputs.overrides.keep)
    near = _near(read_table(run.root, inputs.near_misses).to_pylist(), images)
    drops = pd.concat([dropped_images(decided, settings, near), dropped_by_hand(by_hand, inputs.overrides.drop)])

    def write(spec: TableSpec[R], rows: pd.DataFrame) -> R:
        return run.write(spec, pa.Table.from_pandas(rows, spec.schema, preserve_index=False))

    return Grouped(
        groups=write(GROUPS, image_groups(decided)),
        class_groups=write(CLASS_GROUPS, class_groups(decided)),
        cuts=write(CUTS, cuts),
        drops=write(DROPS, drops.assign(stage="cluster")),
        kept=int(decided.kept.sum()),
    )


def _near(misses: list[dict[str, Any]], images: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """What is to be known of images that match no other: what came nearest, and whether they are too small to tell."""
    near = {row["image_id"]: {name: row[column] for name, column in _OF_A_MISS.items()} for row in misses}
    for image in images[images[["width", "height"]].max(axis=1) < _JUDGED].itertuples():
        near.setdefault(str(image.image_id), {})["small"] = f"{image.width}×{image.height}"
    return near
