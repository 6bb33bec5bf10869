"""The stages `signature` of each test set, and `overlap` and `expand` of a packet with all of them."""

import hashlib
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from storage.errors import DamagedTableError
from storage.newest import keep_newest, read_newest
from storage.parquet import encode, read_rows, read_table
from storage.root import Root
from storage.tables.acquisition import DROPS, PASSED_OVER, DropsRef, ImagesRef, PassedOverRef
from storage.tables.features import SIGNATURE, FeaturesRef, SignatureRef
from storage.tables.overlap import (
    COMPARISONS,
    EXPANSIONS,
    IMAGE_COMPARISONS,
    OVERLAPS,
    ComparisonsRef,
    ExpansionsRef,
    ImageComparisonsRef,
    OverlapsRef,
)
from storage.tables.spec import TableRef
from tasks.contracts import Inputs, Output, Run, Unkeyed, stage
from tasks.features.contracts import Packet
from tasks.features.packed import Features, unpack
from tasks.features.settings import FeatureSettings
from tasks.features.spool import Spool, Spooled, fill_spool, spool_features
from tasks.features.task import DETECTION
from tasks.match.settings import MatchSettings
from tasks.match.task import VERIFICATION
from tasks.overlap.certificate import CheckedSet
from tasks.overlap.expansion import expand
from tasks.overlap.landmarks import dropped_images, telling
from tasks.overlap.pairs import Comparisons, SignedTests, compare_image, sum_comparisons
from tasks.overlap.settings import OverlapSettings
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
    shard: Annotated[str, Unkeyed("an image shares the same with test sets wherever that was found before")]
    """Of what the images are a packet: under it, the root keeps what was found last."""


class Compared(Output):
    """What `overlap` writes, and how many pairs were compared, by this run or one before."""

    overlaps: OverlapsRef
    comparisons: ComparisonsRef
    image_comparisons: ImageComparisonsRef
    compared: int


@stage("overlap", version=11, software=VERIFICATION)
def find_overlaps(run: Run, inputs: OverlapInputs, settings: OverlapStageSettings) -> Compared:
    """Compares the images of a packet, by all their features, with the test sets' photographs.

    Nothing is masked: what unrelated classes have in common may be the test photograph that all of them carry. An image
    that was compared with the same test sets before is not compared again.
    """
    images = read_table(run.root, inputs.images).to_pylist()
    identity = find_overlaps.identity(settings, *(signature.digest for signature in inputs.signatures))
    found = _known(run.root, identity, inputs)
    missing = [image for image in images if _image(image) not in found]
    if missing:
        found |= _compare(run, inputs, missing, settings)
    each = [row for image in images for row in found[_image(image)].comparisons]
    compared = Compared(
        overlaps=run.write_rows(OVERLAPS, [row for image in images for row in _overlaps(image, found)]),
        comparisons=run.write_rows(COMPARISONS, sum_comparisons(each, len(images), _photographs(run.root, inputs))),
        image_comparisons=run.write_rows(IMAGE_COMPARISONS, each),
        compared=sum(row["compared"] for row in each),
    )
    keep_newest(run.root, find_overlaps.name, identity, inputs.shard, compared)
    return compared


class _Found(NamedTuple):
    """What is known of one image: its rows of `overlaps`, and of `image_comparisons`."""

    overlaps: list[dict[str, Any]]
    comparisons: list[dict[str, Any]]


def _image(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["image_id"], row["sha256"]


def _overlaps(image: Mapping[str, Any], found: Mapping[tuple[str, str], _Found]) -> Iterator[dict[str, Any]]:
    """The image's rows of `overlaps`; it may be listed for another class than when they were found."""
    for row in found[_image(image)].overlaps:
        yield {**row, "landmark_id": image["landmark_id"]}


def _compare(
    run: Run, inputs: OverlapInputs, images: Sequence[dict[str, Any]], settings: OverlapStageSettings
) -> dict[tuple[str, str], _Found]:
    """Compares some images of the packet."""
    tests, found = load_signatures(run.root.url, tuple(inputs.signatures)), {}
    test_sets, wanted = [photograph["test_set"] for photograph in tests.photographs], {row["sha256"] for row in images}
    rows = (row for row in read_rows(run.root, inputs.features) if row["sha256"] in wanted)
    spool = fill_spool((row["sha256"], unpack(row)) for row in rows)
    with spool.file:
        for number, image in enumerate(images):
            run.report(number, len(images), "images")
            counts, features = Comparisons(test_sets), spool[image["sha256"]]
            overlaps = compare_image(image, features, tests, counts, settings.overlap, settings.match)
            ids = {name: image[name] for name in ("image_id", "sha256")}
            found[_image(image)] = _Found(overlaps, [{**ids, **row} for row in counts.rows()])
    return found


def _known(root: Root, identity: str, inputs: OverlapInputs) -> dict[tuple[str, str], _Found]:
    """What was found last of the packet's images, if it can still be read."""
    newest = read_newest(root, find_overlaps.name, identity, inputs.shard, Compared)
    if newest is None:
        return {}
    try:
        overlaps, each = (read_table(root, ref).to_pylist() for ref in (newest.overlaps, newest.image_comparisons))
    except DamagedTableError:
        return {}
    found = dict[tuple[str, str], _Found]()
    for row in each:
        found.setdefault(_image(row), _Found([], [])).comparisons.append(row)
    by_id = {image_id: own for (image_id, _), own in found.items()}
    for row in overlaps:
        by_id[row["image_id"]].overlaps.append(row)
    return found


def _photographs(root: Root, inputs: OverlapInputs) -> Counter[str]:
    """How many photographs each test set has."""
    tables = [read_table(root, ref, ["test_set"]) for ref in inputs.signatures]
    return Counter(name for table in tables for name in table["test_set"].to_pylist())


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
    with spool_some(run.root, [inputs.packet], concerned) as spool:
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
    """Returns the photographs of test sets, and their index, which the tasks of a process share."""
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


def spool_some(root: Root, packets: Sequence[Packet], images: pd.DataFrame) -> AbstractContextManager[Spool]:
    """Spools the features of these images alone; packets that have none of them are not read."""
    wanted = frozenset(images.sha256)

    def rows(refs: Sequence[TableRef]) -> Iterator[dict[str, Any]]:
        for packet, ref in zip(packets, refs, strict=True):
            if not wanted.isdisjoint(read_table(root, packet.images, ["sha256"])["sha256"].to_pylist()):
                yield from (row for row in read_rows(root, ref) if row["sha256"] in wanted)

    return spool_features(rows([packet.features for packet in packets]), rows([packet.masks for packet in packets]))
