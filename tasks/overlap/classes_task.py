"""The stage `classes`: which classes show the same landmark, and what each drops for it."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from storage.errors import DamagedTableError
from storage.newest import keep_newest, read_newest
from storage.parquet import read_table
from storage.root import Root
from storage.tables.acquisition import DROPS, IMAGES, DropsRef
from storage.tables.groups import (
    CLASS_COMPARISONS,
    CLASS_PAIRS,
    GROUPS,
    PAIRS,
    ClassComparisonsRef,
    ClassPairsRef,
    GroupsRef,
    PairsRef,
)
from storage.tables.spec import R, TableSpec
from tasks.contracts import Inputs, Output, Run, Unkeyed, stage
from tasks.features.contracts import Packet
from tasks.features.spool import Spooled
from tasks.match.settings import MatchSettings
from tasks.match.task import VERIFICATION
from tasks.overlap.classes import (
    class_pair_candidates,
    class_pairs,
    compare_related,
    contenders,
    reassigned_images,
    reassigned_photographs,
    related_sets,
    representatives,
    strongly_related,
    verify_pairs,
)
from tasks.overlap.pair_memory import Cells, PairMemory
from tasks.overlap.settings import ClassSettings
from tasks.overlap.subjects import links_on_subjects
from tasks.overlap.task import spool_some
from tasks.settings import StageSettings


class ClassStageSettings(StageSettings):
    """What the stage `classes` reads: its own knobs, and those of the verification it shares with match."""

    classes: ClassSettings
    match: MatchSettings


class GroupedPacket(Inputs):
    """A packet with the pairs and groups of its classes."""

    described: Packet
    pairs: PairsRef
    groups: GroupsRef


class ClassInputs(Inputs):
    """What `classes` reads: all packets by name, the pinned image of each class, and images that a person keeps."""

    packets: dict[str, GroupedPacket]
    pins: dict[str, str]
    name: Annotated[str, Unkeyed("a pair of pictures shows the same wherever that was found before")]
    """Of the dataset: under it, the root keeps what was found of pairs last."""
    keep: tuple[str, ...] = ()


class Related(Output):
    """What `classes` writes: the pairs of images across classes, and what each packet drops for them.

    `compared` pairs were looked at, and `related` pairs of classes show the same landmark.
    """

    class_pairs: ClassPairsRef
    comparisons: ClassComparisonsRef
    drops: dict[str, DropsRef]
    compared: int
    related: int


_EXACT = "exact_false_alarms"  # a column of `class_comparisons`


@stage("classes", version=11, software=(*VERIFICATION, "pandas", "networkx"))
def compare_classes(run: Run, inputs: ClassInputs, settings: ClassStageSettings) -> Related:
    """Looks for classes that show the same landmark, and drops from each what another shows more.

    A pair of pictures that was compared before is not compared again.
    """
    packets, identity = list(inputs.packets.values()), compare_classes.identity(settings)
    memory = PairMemory(_known(run.root, identity, inputs.name))
    contending = _contending_images(run.root, packets, settings.classes.contender)
    few = representatives(contending, settings.classes.representatives)
    pictures = few.sha256.to_list()
    with spool_some(run.root, [packet.described for packet in packets], few) as spool:
        largest = Spooled(spool, pictures, settings.classes.keypoints)
        candidates = class_pair_candidates(few, largest, settings.classes, settings.match)
        seen = class_pairs(few, verify_pairs(few, Spooled(spool, pictures), candidates, settings.match, memory))
    across, drops = _judge_related(run.root, inputs, contending, seen, settings, memory)
    by_packet = {}
    for name, packet in inputs.packets.items():
        members = read_table(run.root, packet.described.images, ["image_id"])["image_id"]
        own = drops.filter(pc.is_in(drops["image_id"], value_set=members.combine_chunks()))
        by_packet[name] = run.write(DROPS, own, f"{DROPS.name}-{name}")
    related = across.select(["landmark_a", "landmark_b"]).group_by(["landmark_a", "landmark_b"]).aggregate([]).num_rows
    found = Related(
        class_pairs=run.write(CLASS_PAIRS, across),
        comparisons=run.write_rows(CLASS_COMPARISONS, _rows(memory.used)),
        drops=by_packet,
        compared=len(candidates),
        related=related,
    )
    keep_newest(run.root, compare_classes.name, identity, inputs.name, found)
    return found


def _known(root: Root, identity: str, name: str) -> dict[bytes, Cells | None]:
    """What was found last of pairs, if it can still be read."""
    newest = read_newest(root, compare_classes.name, identity, name, Related)
    if newest is None:
        return {}
    try:
        rows = read_table(root, newest.comparisons).to_pylist()
    except DamagedTableError:
        return {}
    told = [{"false_alarms" if name == _EXACT else name: cell for name, cell in row.items()} for row in rows]
    return {row.pop("pictures"): row if row["putative"] is not None else None for row in told}


def _rows(found: Mapping[bytes, Cells | None]) -> list[dict[str, Any]]:
    """Rows of `class_comparisons`."""
    told = []
    for pictures in sorted(found):
        cells = dict(found[pictures] or {})
        told.append({"pictures": pictures, _EXACT: cells.pop("false_alarms", None), **cells})
    return told


def _judge_related(
    root: Root,
    inputs: ClassInputs,
    contending: pd.DataFrame,
    seen: pd.DataFrame,
    settings: ClassStageSettings,
    memory: PairMemory,
) -> tuple[pa.Table, pa.Table]:
    """The tables `class_pairs`, of all images of related classes, and `drops`; `seen` relates the classes."""
    packets, seen = list(inputs.packets.values()), strongly_related(seen, settings.classes)
    sets = related_sets(seen)
    members = contending[contending.landmark_id.isin([name for names in sets for name in names])]
    inside = _read_inside(root, [packet.pairs for packet in packets], members)
    across, drops = [CLASS_PAIRS.schema.empty_table()], [DROPS.schema.empty_table()]
    with spool_some(root, [packet.described for packet in packets], members) as spool:
        for names in sets:
            images = members[members.landmark_id.isin(names)].reset_index(drop=True)
            features = Spooled(spool, images.sha256.to_list())
            known = seen[seen.landmark_a.isin(names)]
            pairs, links = compare_related(images, features, known, settings.classes, settings.match, memory)
            own = inside[inside.image_a.isin(images.image_id)]
            links = links_on_subjects(images, pd.concat([links, own]))
            reassigned = reassigned_photographs(images, links, inputs.pins)
            dropped = reassigned_images(images, reassigned, pairs)
            dropped = dropped[~dropped.image_id.isin(inputs.keep)]
            across.append(pa.Table.from_pandas(pairs, CLASS_PAIRS.schema, preserve_index=False))
            drops.append(pa.Table.from_pandas(dropped.assign(stage="classes"), DROPS.schema, preserve_index=False))
    return pa.concat_tables(across), pa.concat_tables(drops)


def _contending_images(root: Root, packets: Sequence[GroupedPacket], share: float) -> pd.DataFrame:
    """The images of the groups that may be kept, each with its photograph, sorted by class and id."""
    refs = [packet.described.images for packet in packets]
    images = _read_all(root, refs, IMAGES, ["image_id", "sha256", "width", "height"]).to_pandas()
    columns = ["image_id", "landmark_id", "group", "group_size", "neighbours", "copy_of", "kept"]
    groups = _read_all(root, [packet.groups for packet in packets], GROUPS, columns).to_pandas()
    contending = contenders(groups, share).merge(images, on="image_id")
    photograph = contending.copy_of.where(contending.copy_of.notna(), contending.image_id)
    return contending.assign(photograph=photograph).sort_values(["landmark_id", "image_id"], ignore_index=True)


def _read_inside(root: Root, refs: Sequence[PairsRef], members: pd.DataFrame) -> pd.DataFrame:
    """The pairs of these images; packet by packet, since the inliers of all pairs are many times as much."""
    ids, columns = pa.array(members.image_id, pa.string()), ["image_a", "image_b", "points"]
    tables = [PAIRS.schema.empty_table().select(columns)]
    for ref in refs:
        pairs = read_table(root, ref, columns)
        tables.append(pairs.filter(pc.and_(*(pc.is_in(pairs[end], value_set=ids) for end in columns[:2]))))
    return pa.concat_tables(tables).to_pandas()


def _read_all(root: Root, refs: Sequence[R], spec: TableSpec[R], columns: list[str]) -> pa.Table:
    """Columns of tables of one kind, put together."""
    tables = [read_table(root, ref, columns) for ref in refs]
    return pa.concat_tables([spec.schema.empty_table().select(columns), *tables])
