"""The stages `signature` of each test set, `overlap` and `expand` of a packet with all of them, and `classes`."""

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from storage.parquet import encode, read_rows, read_table
from storage.root import Root
from storage.tables.acquisition import DROPS, IMAGES, PASSED_OVER, DropsRef, ImagesRef, PassedOverRef
from storage.tables.features import SIGNATURE, FeaturesRef, SignatureRef
from storage.tables.groups import CLASS_PAIRS, GROUPS, PAIRS, ClassPairsRef, GroupsRef, PairsRef
from storage.tables.overlap import COMPARISONS, EXPANSIONS, OVERLAPS, ComparisonsRef, ExpansionsRef, OverlapsRef
from storage.tables.spec import R, TableRef, TableSpec
from tasks.contracts import Inputs, Output, Run, Unkeyed, stage
from tasks.features.contracts import Packet
from tasks.features.packed import Features, unpack
from tasks.features.settings import FeatureSettings
from tasks.features.spool import Spool, Spooled, fill_spool, spool_features
from tasks.features.task import DETECTION
from tasks.match.settings import MatchSettings
from tasks.match.task import VERIFICATION
from tasks.overlap.certificate import CheckedSet
from tasks.overlap.classes import (
    class_pair_candidates,
    class_pairs,
    compare_related,
    contenders,
    reassigned_images,
    reassigned_photographs,
    related_sets,
    representatives,
    verify_pairs,
)
from tasks.overlap.expansion import expand
from tasks.overlap.landmarks import dropped_images, telling
from tasks.overlap.pairs import Comparisons, SignedTests, compare_image
from tasks.overlap.settings import ClassSettings, OverlapSettings
from tasks.overlap.signature import is_signature, read_signature, signature_path
from tasks.overlap.signing import describe_test_set
from tasks.settings import StageSettings


class OverlapStageSettings(StageSettings):
    """What the stage reads: its own knobs, and those of the verification it shares with match."""

    overlap: OverlapSettings = Field(description="consequences and shortlist")
    match: MatchSettings = Field(description="verification of a pair")


class SignatureInputs(Inputs):
    """What `signature` reads."""

    name: str
    folder: Annotated[Path, Unkeyed("`digest` is that of what lies there")]
    """Of the test set's photographs, or a signature that someone shared."""
    digest: str


class Signed(Output):
    """What `signature` writes, and what the certificate says of the set."""

    signature: SignatureRef
    passed_over: PassedOverRef
    checked: CheckedSet


@stage("signature", version=7, software=DETECTION)
def sign_test_set(run: Run, inputs: SignatureInputs, settings: FeatureSettings) -> Signed:
    """Describes a test set's photographs, or checks the signature that someone made of them.

    The signature goes to `signatures/` under its digest.
    """
    name, folder = inputs.name, inputs.folder
    if is_signature(folder):
        content, about, table = read_signature(name, folder, settings)
    else:
        about, table = describe_test_set(name, folder, settings)
        content = encode(SIGNATURE, table, about.metadata())
    digest = hashlib.sha256(content).hexdigest()
    signature = SignatureRef(path=signature_path(name, digest), digest=digest, rows=table.num_rows)
    run.root.write(signature.path, content)
    skipped = [{"test_set": name, **entry._asdict()} for entry in about.skipped]
    checked = CheckedSet(
        photographs=table.num_rows,
        sites=pc.count_distinct(table["site"]).as_py(),
        ground_truth=about.ground_truth,
        signature=digest,
        **about.counts(),
    )
    return Signed(signature=signature, passed_over=run.write_rows(PASSED_OVER, skipped), checked=checked)


class OverlapInputs(Inputs):
    """What `overlap` reads: a packet, unmasked, and the signatures of all test sets."""

    images: ImagesRef
    features: FeaturesRef
    signatures: list[SignatureRef]


class Compared(Output):
    """What `overlap` writes, and how many pairs it compared."""

    overlaps: OverlapsRef
    comparisons: ComparisonsRef
    compared: int


@stage("overlap", version=9, software=VERIFICATION)
def find_overlaps(run: Run, inputs: OverlapInputs, settings: OverlapStageSettings) -> Compared:
    """Compares the images of a packet, by all their features, with the test sets' photographs.

    Nothing is masked: what unrelated classes have in common may be the test photograph that all of them carry.
    """
    images = read_table(run.root, inputs.images).to_pylist()
    tests = load_signatures(run.root.url, tuple(inputs.signatures))
    counts = Comparisons([photograph["test_set"] for photograph in tests.photographs], len(images))
    rows = list[dict[str, Any]]()
    spool = fill_spool((row["sha256"], unpack(row)) for row in read_rows(run.root, inputs.features))
    with spool.file:
        for number, image in enumerate(images):
            run.report(number, len(images), "images")
            rows += compare_image(image, spool[image["sha256"]], tests, counts, settings.overlap, settings.match)
    return Compared(
        overlaps=run.write_rows(OVERLAPS, rows),
        comparisons=run.write_rows(COMPARISONS, counts.rows()),
        compared=counts.compared.total(),
    )


class ExpandInputs(Inputs):
    """What `expand` reads: a packet, and what its images have in common with test photographs."""

    packet: Packet
    overlaps: OverlapsRef


class Expanded(Output):
    """What `expand` writes, and how many overlaps it added."""

    overlaps: OverlapsRef
    expansions: ExpansionsRef
    drops: DropsRef
    through: int


@stage("expand", version=3, software=(*VERIFICATION, "pandas"))
def expand_overlaps(run: Run, inputs: ExpandInputs, settings: OverlapStageSettings) -> Expanded:
    """Adds to the overlaps of a packet what its images show through others of their class, and judges them.

    Here images of the list are compared with each other, by their unmasked features: many carry one overlay.
    """
    images, overlaps = read_table(run.root, inputs.packet.images), read_table(run.root, inputs.overlaps)
    listed, met = images.to_pandas(), overlaps.to_pandas()
    concerned = listed[listed.landmark_id.isin(telling(met, settings.overlap).landmark_id)]
    with _spool_some(run.root, [inputs.packet], concerned) as spool:
        expansion = expand(concerned, spool, met, settings.overlap, settings.match)
    overlaps = pa.concat_tables([overlaps, pa.Table.from_pylist(expansion.rows, OVERLAPS.schema)])
    judged = overlaps.drop_columns(["points", "affine"]).to_pandas()
    dropped = dropped_images(listed[["image_id", "landmark_id"]], judged, settings.overlap)
    drops = pa.Table.from_pandas(dropped.assign(stage="overlap"), DROPS.schema, preserve_index=False)
    return Expanded(
        overlaps=run.write(OVERLAPS, overlaps),
        expansions=run.write_rows(EXPANSIONS, expansion.counts()),
        drops=run.write(DROPS, drops),
        through=len(expansion.rows),
    )


_loading = threading.Lock()


def load_signatures(root_url: str, refs: tuple[SignatureRef, ...]) -> SignedTests:
    """The photographs of test sets, and their index, which the tasks of a process share."""
    with _loading:  # the packets of a process share one index; only the first builds it
        return _cached_signatures(root_url, refs)


@lru_cache(maxsize=1)
def _cached_signatures(root_url: str, refs: tuple[SignatureRef, ...]) -> SignedTests:
    root, photographs = Root(root_url), list[dict[str, Any]]()

    def signatures() -> Iterator[tuple[str, Features]]:
        for ref in refs:
            for row in read_rows(root, ref):
                facts = {name: row[name] for name in ("test_set", "test_image", "site", "role", "width", "height")}
                photographs.append(facts)
                yield str(len(photographs) - 1), unpack(row)

    spool = fill_spool(signatures())
    return SignedTests(photographs, Spooled(spool, [str(number) for number in range(len(photographs))]))


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
    """What `classes` reads: all packets by name, and the pinned image of each class."""

    packets: dict[str, GroupedPacket]
    pins: dict[str, str]


class Related(Output):
    """What `classes` writes: the pairs of images across classes, and what each packet drops for them.

    `compared` pairs were looked at, and `related` pairs of classes show the same landmark.
    """

    class_pairs: ClassPairsRef
    drops: dict[str, DropsRef]
    compared: int
    related: int


@stage("classes", version=5, software=(*VERIFICATION, "pandas", "networkx"))
def compare_classes(run: Run, inputs: ClassInputs, settings: ClassStageSettings) -> Related:
    """Looks for classes that show the same landmark, and drops from each what another shows more."""
    packets = list(inputs.packets.values())
    contending = _contending_images(run.root, packets, settings.classes.contender)
    few = representatives(contending, settings.classes.representatives)
    pictures = few.sha256.to_list()
    with _spool_some(run.root, [packet.described for packet in packets], few) as spool:
        largest = Spooled(spool, pictures, settings.classes.keypoints)
        candidates = class_pair_candidates(few, largest, settings.classes, settings.match)
        seen = class_pairs(few, verify_pairs(few, Spooled(spool, pictures), candidates, settings.match))
    across, drops = _judge_related(run.root, inputs, contending, seen, settings.match)
    by_packet = {}
    for name, packet in inputs.packets.items():
        members = read_table(run.root, packet.described.images, ["image_id"])["image_id"]
        own = drops.filter(pc.is_in(drops["image_id"], value_set=members.combine_chunks()))
        by_packet[name] = run.write(DROPS, own, f"{DROPS.name}-{name}")
    related = across.select(["landmark_a", "landmark_b"]).group_by(["landmark_a", "landmark_b"]).aggregate([]).num_rows
    pairs = run.write(CLASS_PAIRS, across)
    return Related(class_pairs=pairs, drops=by_packet, compared=len(candidates), related=related)


def _judge_related(
    root: Root, inputs: ClassInputs, contending: pd.DataFrame, seen: pd.DataFrame, match: MatchSettings
) -> tuple[pa.Table, pa.Table]:
    """The tables `class_pairs`, of all images of related classes, and `drops`; `seen` relates the classes."""
    packets = list(inputs.packets.values())
    sets = related_sets(seen)
    members = contending[contending.landmark_id.isin([name for names in sets for name in names])]
    ids = pa.array(members.image_id, pa.string())
    inside = _read_all(root, [packet.pairs for packet in packets], PAIRS, ["image_a", "image_b"])
    inside = inside.filter(pc.and_(*(pc.is_in(ends, value_set=ids) for ends in inside.columns))).to_pandas()
    across, drops = [CLASS_PAIRS.schema.empty_table()], [DROPS.schema.empty_table()]
    with _spool_some(root, [packet.described for packet in packets], members) as spool:
        for names in sets:
            images = members[members.landmark_id.isin(names)].reset_index(drop=True)
            features = Spooled(spool, images.sha256.to_list())
            pairs, links = compare_related(images, features, seen[seen.landmark_a.isin(names)], match)
            own = inside[inside.image_a.isin(images.image_id)]
            reassigned = reassigned_photographs(images, pd.concat([links, own]), inputs.pins)
            dropped = reassigned_images(images, reassigned, pairs)
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


def _read_all(root: Root, refs: Sequence[R], spec: TableSpec[R], columns: list[str]) -> pa.Table:
    """Columns of tables of one kind, put together."""
    tables = [read_table(root, ref, columns) for ref in refs]
    return pa.concat_tables([spec.schema.empty_table().select(columns), *tables])


def _spool_some(root: Root, packets: Sequence[Packet], images: pd.DataFrame) -> AbstractContextManager[Spool]:
    """Spools the features of these images alone; packets that have none of them are not read."""
    wanted = frozenset(images.sha256)

    def rows(refs: Sequence[TableRef]) -> Iterator[dict[str, Any]]:
        for packet, ref in zip(packets, refs, strict=True):
            if not wanted.isdisjoint(read_table(root, packet.images, ["sha256"])["sha256"].to_pylist()):
                yield from (row for row in read_rows(root, ref) if row["sha256"] in wanted)

    return spool_features(rows([packet.features for packet in packets]), rows([packet.masks for packet in packets]))
