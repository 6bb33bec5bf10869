"""Overlap's Prefect face: the signature of each test set, and a packet's overlaps with all of them."""

import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pydantic import Field

from storage.errors import InputError
from storage.parquet import read_rows, read_table, write_table
from storage.root import Root
from storage.tables import DROPS, OVERLAPS, SIGNATURE, TableRef
from tasks.acquire.inspect import Rejected, inspect
from tasks.acquire.settings import AcquireSettings
from tasks.features.describe import Describer
from tasks.features.packed import Features, pack, unpack
from tasks.features.settings import FeatureSettings
from tasks.features.spool import spool_features
from tasks.match.copies import is_copy
from tasks.match.settings import MatchSettings
from tasks.match.shortlist import DescriptorIndex, most_voted
from tasks.match.verify import pair_seed, verify
from tasks.orchestration import Inputs, Output, reference, references, stage, stage_path
from tasks.overlap.landmarks import dropped_images
from tasks.overlap.settings import OverlapSettings
from tasks.overlap.testsets import site_of, test_photographs
from tasks.settings import StageSettings


class OverlapStageSettings(StageSettings):
    """What the stage reads: its own knobs, and those of the verification it shares with match."""

    overlap: OverlapSettings = Field(description="consequences and shortlist")
    match: MatchSettings = Field(description="verification of a pair")


@stage("signature", version=2)
def sign_test_set(root_url: str, key: str, inputs: Inputs, settings: FeatureSettings) -> Output:
    """The keypoints of a test set's photographs, as they are and mirrored. Inputs: `name`, `folder`, `digest`."""
    root, name, folder = Root(root_url), str(inputs["name"]), Path(str(inputs["folder"]))
    rows: list[dict[str, Any]] = []
    unreadable = 0
    with Describer(settings) as describer:
        for file in test_photographs(name, folder):
            signature = _signature(file.read_bytes(), describer)
            facts = {"test_set": name, "test_image": file.relative_to(folder).as_posix(), "site": site_of(file.name)}
            rows += [{**facts, **row} for row in signature]
            unreadable += not signature
    if not rows:
        raise InputError(f"test set {name!r}: none of the {unreadable} files below {folder} is a readable photograph")
    table = pa.Table.from_pylist(rows, SIGNATURE.schema)
    return Output(
        tables={"signature": write_table(root, stage_path(key, "signature"), SIGNATURE, table)},
        counts={"photographs": len(rows) // 2, "unreadable": unreadable},
    )


def _signature(content: bytes, describer: Describer) -> list[dict[str, Any]]:
    """Both rows of a photograph; none where it can't be read, or its detector dies of it."""
    picture = inspect(content, AcquireSettings(min_side=1))
    if isinstance(picture, Rejected):
        return []
    size = {"width": picture.width, "height": picture.height}
    found = {mirrored: describer.describe(content, mirrored=mirrored) for mirrored in (False, True)}
    rows = [{"mirrored": mirrored, **size, **pack(features)} for mirrored, features in found.items() if features]
    return rows if len(rows) == len(found) else []


@stage("overlap", version=3)
def find_overlaps(root_url: str, key: str, inputs: Inputs, settings: OverlapStageSettings) -> Output:
    """Compares the `images` of a packet, by their `features` without `masks`, with the test sets' `signatures`."""
    root = Root(root_url)
    images = read_table(root, reference(inputs, "images")).to_pylist()
    signed = _load_signatures(root_url, tuple(references(inputs, "signatures")))
    rows, compared = list[dict[str, Any]](), 0
    with spool_features(*(read_rows(root, reference(inputs, name)) for name in ("features", "masks"))) as spool:
        for image in images:
            asked, found = _compare(image, spool[image["sha256"]], *signed, settings)
            compared, rows = compared + asked, rows + found
    table = pa.Table.from_pylist(rows, OVERLAPS.schema)
    judged = table.drop_columns(["points", "affine"]).to_pandas()
    dropped = dropped_images(pd.DataFrame(images)[["image_id", "landmark_id"]], judged, settings.overlap)
    drops = pa.Table.from_pandas(dropped.assign(stage="overlap"), DROPS.schema, preserve_index=False)
    tables = {
        "overlaps": write_table(root, stage_path(key, "overlaps"), OVERLAPS, table),
        "drops": write_table(root, stage_path(key, "drops"), DROPS, drops),
    }
    return Output(tables=tables, counts={"compared": compared, "dropped": len(dropped)})


def _compare(
    image: dict[str, Any],
    features: Features,
    photographs: list[tuple[dict[str, Any], Features]],
    index: DescriptorIndex,
    settings: OverlapStageSettings,
) -> tuple[int, list[dict[str, Any]]]:
    """With how many test photographs an image was compared, and its rows of the table `overlaps`.

    Keypoints stand upright, and a copy may lie on its side: the image asks in all four positions, and is compared in
    the one that a test photograph answers best.
    """
    turned = [features.turned(quarters) for quarters in range(4)]
    votes = np.stack([index.votes(own) for own in turned])
    asked = most_voted(votes.max(axis=0), settings.overlap.shortlist).tolist()
    rows = []
    for place in asked:
        test, theirs = photographs[place]
        size = (test["width"], test["height"])
        seed = pair_seed(image["sha256"], test["test_set"], test["test_image"], str(test["mirrored"]))
        found = verify(turned[votes[:, place].argmax()], theirs, size, settings.match, seed)
        if found:
            kind = "copy" if is_copy(found, size, settings.match) else "landmark"
            names = {name: test[name] for name in ("test_set", "test_image", "site", "mirrored")}
            ids = {"image_id": image["image_id"], "landmark_id": image["landmark_id"]}
            rows.append({**ids, **names, "kind": kind, **found.cells()})
    return len(asked), rows


_loading = threading.Lock()


def _load_signatures(
    root_url: str, refs: tuple[TableRef, ...]
) -> tuple[list[tuple[dict[str, Any], Features]], DescriptorIndex]:
    with _loading:  # the packets of a process share one index; only the first builds it
        return _cached_signatures(root_url, refs)


@lru_cache(maxsize=1)
def _cached_signatures(
    root_url: str, refs: tuple[TableRef, ...]
) -> tuple[list[tuple[dict[str, Any], Features]], DescriptorIndex]:
    root = Root(root_url)
    rows = [row for ref in refs for row in read_table(root, ref).to_pylist()]
    photographs = [(row, unpack(row)) for row in rows]
    return photographs, DescriptorIndex([features for _, features in photographs])
