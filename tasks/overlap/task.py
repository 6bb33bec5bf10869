"""Overlap's Prefect face: the signature of each test set, a packet's overlaps with all of them, and related classes."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from storage.parquet import encode, read_rows, read_table, write_table
from storage.root import Root
from storage.tables import (
    CLASS_PAIRS,
    COMPARISONS,
    DROPS,
    EXPANSIONS,
    GROUPS,
    IMAGES,
    OVERLAPS,
    PAIRS,
    PASSED_OVER,
    SIGNATURE,
    TableRef,
    TableSpec,
)
from tasks.features.packed import Features, unpack
from tasks.features.settings import FeatureSettings
from tasks.features.spool import Spool, Spooled, fill_spool, spool_features
from tasks.match.settings import MatchSettings
from tasks.orchestration import Inputs, Output, reference, references, stage, stage_path
from tasks.overlap.classes import (
    across_classes,
    class_pairs,
    compare_related,
    contenders,
    leaving_photographs,
    lost_images,
    related_sets,
    representatives,
    verify_pairs,
)
from tasks.overlap.expansion import expand
from tasks.overlap.landmarks import dropped_images, telling
from tasks.overlap.pairs import Comparisons, SignedTests, compare_image
from tasks.overlap.settings import ClassSettings, OverlapSettings
from tasks.overlap.signature import SUFFIX, is_signature, read_signature
from tasks.overlap.signing import describe_test_set
from tasks.settings import StageSettings


class OverlapStageSettings(StageSettings):
    """What the stage reads: its own knobs, and those of the verification it shares with match."""

    overlap: OverlapSettings = Field(description="consequences and shortlist")
    match: MatchSettings = Field(description="verification of a pair")


@stage("signature", version=7)
def sign_test_set(root_url: str, key: str, inputs: Inputs, settings: FeatureSettings) -> Output:
    """The keypoints of a test set's photographs, in `signatures/` under their digest, and what was `passed_over`.

    Inputs: `name`; `folder`, of its photographs, or a signature that someone shared; `digest` of either.
    """
    root, name, place = Root(root_url), str(inputs["name"]), Path(str(inputs["folder"]))
    if is_signature(place):
        content, about, table = read_signature(name, place, settings)
    else:
        about, table = describe_test_set(name, place, settings)
        content = encode(SIGNATURE, table, about.metadata())
    digest = hashlib.sha256(content).hexdigest()
    ref = TableRef(path=f"signatures/{name}-{digest[:12]}{SUFFIX}", digest=digest, rows=table.num_rows)
    root.write(ref.path, content)
    skipped = pa.Table.from_pylist(
        [{"test_set": name, **entry._asdict()} for entry in about.skipped], PASSED_OVER.schema
    )
    told = write_table(root, stage_path(key, PASSED_OVER.name), PASSED_OVER, skipped)
    sites = pc.count_distinct(table["site"]).as_py()
    facts = {"photographs": table.num_rows, "sites": sites, "ground_truth": int(about.ground_truth), **about.counts()}
    return Output(tables={"signature": ref, PASSED_OVER.name: told}, counts=facts)


@stage("overlap", version=9)
def find_overlaps(root_url: str, key: str, inputs: Inputs, settings: OverlapStageSettings) -> Output:
    """Compares the `images` of a packet, by all their `features`, with the test sets' `signatures`.

    Nothing is masked: what unrelated classes have in common may be the test photograph that all of them carry.
    """
    root = Root(root_url)
    images = read_table(root, reference(inputs, "images")).to_pylist()
    tests = load_signatures(root_url, tuple(references(inputs, "signatures")))
    counts = Comparisons([photograph["test_set"] for photograph in tests.photographs], len(images))
    rows = list[dict[str, Any]]()
    spool = fill_spool((row["sha256"], unpack(row)) for row in read_rows(root, reference(inputs, "features")))
    with spool.file:
        for image in images:
            rows += compare_image(image, spool[image["sha256"]], tests, counts, settings.overlap, settings.match)
    tables = {
        spec.name: write_table(root, stage_path(key, spec.name), spec, pa.Table.from_pylist(found, spec.schema))
        for spec, found in ((OVERLAPS, rows), (COMPARISONS, counts.rows()))
    }
    return Output(tables=tables, counts={"compared": counts.compared.total()})


@stage("expand", version=3)
def expand_overlaps(root_url: str, key: str, inputs: Inputs, settings: OverlapStageSettings) -> Output:
    """Adds to the `overlaps` of a packet what its `images` show through others of their class, and judges them.

    Here images of the list are compared with each other, by their `features` without `masks`: many carry one overlay.
    """
    root = Root(root_url)
    images, overlaps = (read_table(root, reference(inputs, name)) for name in ("images", "overlaps"))
    listed, met = images.to_pandas(), overlaps.to_pandas()
    concerned = listed[listed.landmark_id.isin(telling(met, settings.overlap).landmark_id)]
    packet: Inputs = {name: [reference(inputs, name)] for name in ("images", "features", "masks")}
    with _spool_some(root, packet, concerned) as spool:
        expansion = expand(concerned, spool, met, settings.overlap, settings.match)
    overlaps = pa.concat_tables([overlaps, pa.Table.from_pylist(expansion.rows, OVERLAPS.schema)])
    judged = overlaps.drop_columns(["points", "affine"]).to_pandas()
    dropped = dropped_images(listed[["image_id", "landmark_id"]], judged, settings.overlap)
    drops = pa.Table.from_pandas(dropped.assign(stage="overlap"), DROPS.schema, preserve_index=False)
    counts = pa.Table.from_pylist(expansion.counts(), EXPANSIONS.schema)
    tables = {
        spec.name: write_table(root, stage_path(key, spec.name), spec, part)
        for spec, part in ((OVERLAPS, overlaps), (DROPS, drops), (EXPANSIONS, counts))
    }
    return Output(tables=tables, counts={"through": len(expansion.rows), "dropped": len(dropped)})


_loading = threading.Lock()


def load_signatures(root_url: str, refs: tuple[TableRef, ...]) -> SignedTests:
    """The photographs of test sets, and their index, which the tasks of a process share."""
    with _loading:  # the packets of a process share one index; only the first builds it
        return _cached_signatures(root_url, refs)


@lru_cache(maxsize=1)
def _cached_signatures(root_url: str, refs: tuple[TableRef, ...]) -> SignedTests:
    root, photographs = Root(root_url), list[dict[str, Any]]()

    def signatures() -> Iterator[tuple[str, Features]]:
        for ref in refs:
            for row in read_rows(root, ref):
                facts = {name: row[name] for name in ("test_set", "test_image", "site", "role", "width", "height")}
                photographs.append(facts)
                yield str(len(photographs) - 1), unpack(row)

    spool = fill_spool(signatures())
    return SignedTests(photographs, Spooled(spool, [str(place) for place in range(len(photographs))]))


class ClassStageSettings(StageSettings):
    """What the stage `classes` reads: its own knobs, and those of the verification it shares with match."""

    classes: ClassSettings
    match: MatchSettings


@stage("classes", version=5)
def compare_classes(root_url: str, key: str, inputs: Inputs, settings: ClassStageSettings) -> Output:
    """Looks for classes that show the same landmark, and drops from each what another shows more.

    Inputs: `packets`, JSON of their names, and in the same order lists of their `images`, `features`, `masks`, `pairs`
    and `groups`; `pins`, JSON of class to image. Writes `class_pairs`, and drops by packet.
    """
    root = Root(root_url)
    contending = _contending_images(root, inputs, settings.classes.contender)
    few = representatives(contending, settings.classes.representatives)
    pictures = few.sha256.to_list()
    with _spool_some(root, inputs, few) as spool:
        largest = Spooled(spool, pictures, settings.classes.keypoints)
        asked = across_classes(few, largest, settings.classes, settings.match)
        seen = class_pairs(few, verify_pairs(few, Spooled(spool, pictures), asked, settings.match))
    across, drops = _judge_related(root, inputs, contending, seen, settings.match)
    tables = {"class_pairs": write_table(root, stage_path(key, "class_pairs"), CLASS_PAIRS, across)}
    for packet, ref in zip(json.loads(str(inputs["packets"])), references(inputs, "images"), strict=True):
        members = read_table(root, ref, ["image_id"])["image_id"]
        own = drops.filter(pc.is_in(drops["image_id"], value_set=members.combine_chunks()))
        tables[packet] = write_table(root, stage_path(key, packet), DROPS, own)
    related = across.select(["landmark_a", "landmark_b"]).group_by(["landmark_a", "landmark_b"]).aggregate([]).num_rows
    return Output(tables=tables, counts={"compared": len(asked), "related": related, "dropped": drops.num_rows})


def _judge_related(
    root: Root, inputs: Inputs, contending: pd.DataFrame, seen: pd.DataFrame, match: MatchSettings
) -> tuple[pa.Table, pa.Table]:
    """The tables `class_pairs`, of all images of related classes, and `drops`; `seen` relates the classes."""
    sets = related_sets(seen)
    members = contending[contending.landmark_id.isin([name for names in sets for name in names])]
    ids = pa.array(members.image_id, pa.string())
    inside = _read_all(root, inputs, PAIRS, ["image_a", "image_b"])
    inside = inside.filter(pc.and_(*(pc.is_in(ends, value_set=ids) for ends in inside.columns))).to_pandas()
    across, drops = [CLASS_PAIRS.schema.empty_table()], [DROPS.schema.empty_table()]
    with _spool_some(root, inputs, members) as spool:
        for names in sets:
            images = members[members.landmark_id.isin(names)].reset_index(drop=True)
            features = Spooled(spool, images.sha256.to_list())
            pairs, links = compare_related(images, features, seen[seen.landmark_a.isin(names)], match)
            own = inside[inside.image_a.isin(images.image_id)]
            leaving = leaving_photographs(images, pd.concat([links, own]), json.loads(str(inputs["pins"])))
            lost = lost_images(images, leaving, pairs)
            across.append(pa.Table.from_pandas(pairs, CLASS_PAIRS.schema, preserve_index=False))
            drops.append(pa.Table.from_pandas(lost.assign(stage="classes"), DROPS.schema, preserve_index=False))
    return pa.concat_tables(across), pa.concat_tables(drops)


def _contending_images(root: Root, inputs: Inputs, share: float) -> pd.DataFrame:
    """The images of the groups that may be kept, each with its photograph, sorted by class and id."""
    images = _read_all(root, inputs, IMAGES, ["image_id", "sha256", "width", "height"]).to_pandas()
    columns = ["image_id", "landmark_id", "group", "group_size", "neighbours", "copy_of", "kept"]
    groups = contenders(_read_all(root, inputs, GROUPS, columns).to_pandas(), share).merge(images, on="image_id")
    photograph = groups.copy_of.where(groups.copy_of.notna(), groups.image_id)
    return groups.assign(photograph=photograph).sort_values(["landmark_id", "image_id"], ignore_index=True)


def _read_all(root: Root, inputs: Inputs, spec: TableSpec, columns: list[str]) -> pa.Table:
    """Columns of the tables of all packets, as one."""
    tables = [read_table(root, ref, columns) for ref in references(inputs, spec.name)]
    return pa.concat_tables([spec.schema.empty_table().select(columns), *tables])


def _spool_some(root: Root, inputs: Inputs, images: pd.DataFrame) -> AbstractContextManager[Spool]:
    """Spools the features of these images alone; packets that have none of them are not read."""
    wanted = frozenset(images.sha256)

    def rows(name: str) -> Iterator[dict[str, Any]]:
        for packet, ref in zip(references(inputs, "images"), references(inputs, name), strict=True):
            if not wanted.isdisjoint(read_table(root, packet, ["sha256"])["sha256"].to_pylist()):
                yield from (row for row in read_rows(root, ref) if row["sha256"] in wanted)

    return spool_features(rows("features"), rows("masks"))
