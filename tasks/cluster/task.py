"""Cluster's Prefect face: whether the pins can be honoured, and the groups of a packet's classes."""

import json

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from storage.errors import InputError
from storage.parquet import read_table, write_table
from storage.root import Root
from storage.tables import CLASS_GROUPS, CUTS, DROPS, GROUPS, TableRef, TableSpec
from tasks.cluster.graph import group_images
from tasks.cluster.keep import class_groups, dropped_images, image_groups, keep_images
from tasks.cluster.settings import ClusterSettings
from tasks.orchestration import Inputs, Output, reference, references, stage, stage_path

_PAIR_COLUMNS = ["landmark_id", "image_a", "image_b", "inliers", "false_alarms", "points", "copy"]


@stage("pins", version=1)
def check_pins(root_url: str, key: str, inputs: Inputs, settings: None) -> Output:
    """Checks that no image of `pins`, JSON of class to image, is in a table of the list `drops`.

    Raises:
        InputError: one is; the text says which stage dropped it and why. Before matching, since that takes long.
    """
    root = Root(root_url)
    pins: dict[str, str] = json.loads(str(inputs["pins"]))
    for ref in references(inputs, "drops"):
        drops = read_table(root, ref)
        for drop in drops.filter(pc.is_in(drops["image_id"], pa.array(list(pins.values()), pa.string()))).to_pylist():
            landmark_id = next(name for name, image_id in pins.items() if image_id == drop["image_id"])
            raise InputError(
                f"overrides: pin {landmark_id!r} = {drop['image_id']!r}: {drop['stage']} dropped the image as "
                f"{drop['reason']} {drop['evidence']}; pin another image of the class, or none"
            )
    return Output(tables={}, counts={"pins": len(pins)})


@stage("cluster", version=3)
def cluster_images(root_url: str, key: str, inputs: Inputs, settings: ClusterSettings) -> Output:
    """Groups the `images`, but for those in the list `drops`, by their `pairs`; `pins` is JSON of class to image."""
    return _group(Root(root_url), key, inputs, settings)


@stage("regroup", version=1)
def regroup_images(root_url: str, key: str, inputs: Inputs, settings: ClusterSettings) -> Output:
    """The same without the images that other classes show more: their groups may be kept no longer."""
    return _group(Root(root_url), key, inputs, settings)


def _group(root: Root, key: str, inputs: Inputs, settings: ClusterSettings) -> Output:
    drops = [read_table(root, ref, ["image_id"])["image_id"].to_pylist() for ref in references(inputs, "drops")]
    gone = [image_id for images in drops for image_id in images]
    images = read_table(root, reference(inputs, "images"), ["image_id", "landmark_id"]).to_pandas()
    pairs = read_table(root, reference(inputs, "pairs"), _PAIR_COLUMNS).to_pandas()
    pairs = pairs[~pairs.image_a.isin(gone) & ~pairs.image_b.isin(gone)]
    members, cuts = group_images(images[~images.image_id.isin(gone)], pairs, settings)
    decided = keep_images(members, settings, json.loads(str(inputs["pins"])))

    def write(spec: TableSpec, rows: pd.DataFrame) -> tuple[str, TableRef]:
        table = pa.Table.from_pandas(rows, spec.schema, preserve_index=False)
        return spec.name, write_table(root, stage_path(key, spec.name), spec, table)

    tables = [
        write(GROUPS, image_groups(decided)),
        write(CLASS_GROUPS, class_groups(decided)),
        write(CUTS, cuts),
        write(DROPS, dropped_images(decided, settings).assign(stage="cluster")),
    ]
    return Output(tables=dict(tables), counts={"kept": int(decided.kept.sum())})
