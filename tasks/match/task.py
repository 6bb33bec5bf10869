"""The stages `sample` and `overlays`, what unrelated classes have in common, and `match`, the pairs inside classes."""

import hashlib
import heapq
from collections.abc import Sequence
from operator import itemgetter
from typing import Annotated, Any

from storage.errors import DamagedTableError
from storage.newest import keep_newest, read_newest
from storage.parquet import read_rows, read_table
from storage.root import Root
from storage.tables.acquisition import DropsRef, ImagesRef
from storage.tables.features import SAMPLE, TEMPLATES, FeaturesRef, SampleRef, TemplatesRef
from storage.tables.groups import (
    MATCHED_CLASSES,
    NEAR_MISSES,
    PAIRS,
    MatchedClassesRef,
    NearMissesRef,
    PairsRef,
)
from tasks.contracts import Inputs, Output, Run, Unkeyed, stage
from tasks.features.contracts import Packet
from tasks.features.known import table_of
from tasks.features.overlays import learn_templates
from tasks.features.packed import Features, unpack
from tasks.features.settings import OverlaySettings
from tasks.features.spool import Spooled, spool_features
from tasks.match.cross_class import agreements
from tasks.match.memory import ClassMemory, FoundInClass, digest_class
from tasks.match.near_misses import NearMisses
from tasks.match.pairwise import match_class
from tasks.match.settings import MatchSettings
from tasks.settings import StageSettings

VERIFICATION = ("numpy", "scipy", "opencv-contrib-python-headless", "faiss-cpu")
"""The packages that shortlists and verified pairs depend on."""


class SampleInputs(Inputs):
    """What `sample` reads: the images of all packets."""

    images: list[ImagesRef]


class Sampled(Output):
    """What `sample` writes."""

    sample: SampleRef


@stage("sample", version=2)
def sample_pictures(run: Run, inputs: SampleInputs, settings: OverlaySettings) -> Sampled:
    """Chooses the pictures that overlays are learnt from, and says of which class each is.

    They are those with the lowest hashes of their digests: a list that changes a little changes them little.
    """
    lowest: dict[str, str] = {}  # digest to class; of several, the last one, as `learn_overlays` takes it
    for ref in inputs.images:
        table = read_table(run.root, ref, ["sha256", "landmark_id"])
        lowest |= dict(zip(table["sha256"].to_pylist(), table["landmark_id"].to_pylist(), strict=True))
        chosen = heapq.nsmallest(settings.sample, lowest, key=lambda sha256: hashlib.sha256(sha256.encode()).digest())
        lowest = {sha256: lowest[sha256] for sha256 in chosen}
    rows = [{"sha256": sha256, "landmark_id": lowest[sha256]} for sha256 in sorted(lowest)]
    return Sampled(sample=run.write_rows(SAMPLE, rows))


class OverlayStageSettings(StageSettings):
    """What the stage `overlays` reads: its own knobs, and those of the verification."""

    overlays: OverlaySettings
    match: MatchSettings


class OverlayInputs(Inputs):
    """What `overlays` reads: the sample, the images of all packets, and their features in the same order."""

    sample: SampleRef
    images: list[ImagesRef]
    features: list[FeaturesRef]


class Learned(Output):
    """What `overlays` writes."""

    templates: TemplatesRef


@stage("overlays", version=4, software=VERIFICATION)
def learn_overlays(run: Run, inputs: OverlayInputs, settings: OverlayStageSettings) -> Learned:
    """Learns what unrelated classes have in common, from a sample of all packets."""
    wanted = set(read_table(run.root, inputs.sample)["sha256"].to_pylist())
    columns = ["sha256", "landmark_id", "width", "height"]
    packets = [read_table(run.root, ref, columns).to_pylist() for ref in inputs.images]
    by_digest = {image["sha256"]: image for packet in packets for image in packet if image["sha256"] in wanted}
    sample = sorted(by_digest.values(), key=lambda image: hashlib.sha256(image["sha256"].encode()).hexdigest())
    features: dict[str, Features] = {}
    for packet, ref in zip(packets, inputs.features, strict=True):
        if wanted & {image["sha256"] for image in packet}:  # of millions of pictures, most packets may have none
            features |= {row["sha256"]: unpack(row) for row in read_rows(run.root, ref) if row["sha256"] in wanted}
    described = [(image, features[image["sha256"]]) for image in sample]
    found = learn_templates(*agreements(described, settings.overlays, settings.match), settings.overlays)
    return Learned(templates=run.write(TEMPLATES, table_of(found)))


class MatchInputs(Inputs):
    """What `match` reads; the images in `drops` take no part."""

    packet: Packet
    drops: DropsRef
    shard: Annotated[str, Unkeyed("a class has the same pairs wherever they were found before")]
    """Of what the images are a packet: under it, the root keeps what was found last."""


class Matched(Output):
    """What `match` writes, and what was done with the pairs of all classes (see `storage.manifest.Matching`)."""

    pairs: PairsRef
    near_misses: NearMissesRef
    classes: MatchedClassesRef
    possible: int
    compared: int
    skipped: int
    verified: int
    audited: int
    audit_found: int


_COUNTS = ("possible", "compared", "skipped", "verified", "audited", "audit_found")


@stage("match", version=12, software=VERIFICATION)
def match_pairs(run: Run, inputs: MatchInputs, settings: MatchSettings) -> Matched:
    """Verifies pairs of images inside each class, by the features that no mask covers.

    A class of which all images are as they were when it was compared before is not compared again.
    """
    packet, identity = inputs.packet, match_pairs.identity(settings)
    dropped = set(read_table(run.root, inputs.drops, ["image_id"])["image_id"].to_pylist())
    by_class: dict[str, list[dict[str, Any]]] = {}
    for image in sorted(read_table(run.root, packet.images).to_pylist(), key=itemgetter("image_id")):
        if image["image_id"] not in dropped:
            by_class.setdefault(image["landmark_id"], []).append(image)
    memory, found = _remember(run.root, identity, inputs.shard), dict[str, FoundInClass]()
    with spool_features(*(read_rows(run.root, ref) for ref in (packet.features, packet.masks))) as spool:
        for number, (landmark, members) in enumerate(sorted(by_class.items())):
            run.report(number, len(by_class), "classes")
            features = Spooled(spool, [image["sha256"] for image in members])
            digest = digest_class(members, features)
            found[landmark] = memory.find(landmark, digest) or _match_anew(members, features, settings, digest)
    matched = Matched(
        pairs=run.write_rows(PAIRS, [row for own in found.values() for row in own.pairs]),
        near_misses=run.write_rows(NEAR_MISSES, [row for own in found.values() for row in own.near_misses]),
        classes=run.write_rows(MATCHED_CLASSES, [own.matched for own in found.values()]),
        **{name: sum(own.matched[name] for own in found.values()) for name in _COUNTS},
    )
    keep_newest(run.root, match_pairs.name, identity, inputs.shard, matched)
    return matched


def _remember(root: Root, identity: str, shard: str) -> ClassMemory:
    """What was found last in the classes of a packet, if it can still be read."""
    newest = read_newest(root, match_pairs.name, identity, shard, Matched)
    if newest is None:
        return ClassMemory()
    try:
        return ClassMemory(
            *(read_table(root, own).to_pylist() for own in (newest.pairs, newest.near_misses, newest.classes))
        )
    except DamagedTableError:
        return ClassMemory()


def _match_anew(
    members: list[dict[str, Any]], features: Sequence[Features], settings: MatchSettings, digest: bytes
) -> FoundInClass:
    misses = NearMisses()
    pairs, counts = match_class(members, features, settings, misses)
    matched = {"landmark_id": members[0]["landmark_id"], "digest": digest, **counts}
    return FoundInClass(pairs, misses.rows(members, settings), matched)
