"""The stages `illustrate…`, which draw the pictures of reports, and `publish` and `certify`, which make the reports."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from storage.certificates import publish_certificate
from storage.images import check_stored, get_image
from storage.manifest import Attested, Certificate, Facts, FunnelStep, Manifest
from storage.parquet import read_table
from storage.root import Root
from storage.tables.acquisition import DROPS, FETCH_LOG, IMAGES, PASSED_OVER, SOURCES
from storage.tables.features import MASKS, SIGNATURE, MasksRef
from storage.tables.groups import BOXES, CLASS_GROUPS, CLASS_PAIRS, CUTS, GROUPS, PAIRS
from storage.tables.overlap import CERTIFICATE, COMPARISONS, EXPANSIONS, NAMESAKES, OVERLAPS
from storage.tables.spec import R, TableSpec
from storage.tables.versions import THUMBNAILS, VERDICTS, ThumbnailsRef
from storage.versions import publish_version
from tasks.acquire.sources import duplicate_rows
from tasks.contracts import Run, stage
from tasks.overlap.certificate import certify
from tasks.overlap.namesakes import namesakes
from tasks.pages.pictures import thumbnail
from tasks.publish.attest import render_certificate
from tasks.publish.card import render_card
from tasks.publish.contracts import (
    CertifyInputs,
    ClassDrawingInputs,
    Drawn,
    GroupEvidence,
    IllustrateInputs,
    LeakEvidence,
    OverlapDrawingInputs,
    OverlapEvidence,
    PublishedCertificate,
    PublishedVersion,
    PublishInputs,
    published,
)
from tasks.publish.illustrate import MATCH_SIDE, draw_keypoints, draw_match
from tasks.publish.items import near_miss_drawing
from tasks.publish.passed_over import count_reasons, with_unreadable
from tasks.publish.redaction import redact_sources, redact_tables
from tasks.publish.related import class_pair_drawing, reassigned_drawing, strongest_class_pairs
from tasks.publish.report import render_report
from tasks.publish.rows import strongest_pairs
from tasks.publish.settings import PublishSettings
from tasks.publish.split import split_images
from tasks.publish.verdicts import build_verdicts, funnel
from tasks.software import CURATION, describe_software

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


@stage("publish", version=9)
def publish_dataset(run: Run, inputs: PublishInputs, settings: PublishSettings) -> PublishedVersion:
    """Puts the stages' tables together, splits, checks that no row is lost, and publishes the version.

    Raises:
        DamagedTableError: a stored image that is kept was lost or has rotted.
    """
    root = run.root
    drops = _gather(root, inputs.drops, DROPS).to_pandas()
    tables = _stage_tables(root, inputs)
    verdicts = _verdicts(drops, tables, settings, inputs.facts.overrides.get("keep", {}))
    tables["verdicts"] = pa.Table.from_pandas(verdicts, VERDICTS.schema, preserve_index=False)
    tables |= _attest(root, inputs.leaks, tables, drops)
    tables = redact_tables(tables, settings.redact)
    shown = {**tables, "sources": redact_sources(tables["sources"], settings.redact)}
    facts = Facts(
        **dict(inputs.facts),
        software=describe_software(CURATION),
        funnel=[FunnelStep(**step._asdict()) for step in funnel(verdicts)],
        passed_over=count_reasons(tables["passed_over"]),
    )

    def render(manifest: Manifest) -> Iterator[tuple[str, bytes]]:
        yield "README.md", render_card(manifest, shown).encode()
        names = set()
        for path, jpeg in _pictures(root, inputs.thumbnails, "report/pictures"):
            names.add(path.rsplit("/", 1)[-1])
            yield path, jpeg
        for path, content in render_report(manifest, shown, names):
            yield f"report/{path}", content

    kept = tables["images"].filter(pc.is_in(tables["images"]["image_id"], pa.array(_kept(verdicts), pa.string())))
    check_stored(root, kept["path"].to_pylist())
    manifest = publish_version(root, inputs.name, tables, facts, render)
    files = published(root, manifest, "manifest.json")
    return PublishedVersion(**dict(files), number=manifest.number, rows=len(verdicts), kept=kept.num_rows)


def _stage_tables(root: Root, inputs: PublishInputs) -> dict[str, pa.Table]:
    """Every table of a version that is not made here."""
    return {
        SOURCES.name: _gather(root, [inputs.sources], SOURCES),
        PASSED_OVER.name: _gather(root, inputs.leaks.passed_over, PASSED_OVER),
        IMAGES.name: _gather(root, inputs.images, IMAGES),
        MASKS.name: _gather_pictures(root, inputs.masks),
        OVERLAPS.name: _gather(root, inputs.leaks.overlaps, OVERLAPS),
        PAIRS.name: _gather(root, inputs.pairs, PAIRS),
        GROUPS.name: _gather(root, inputs.groups, GROUPS),
        CLASS_GROUPS.name: _gather(root, inputs.class_groups, CLASS_GROUPS),
        CUTS.name: _gather(root, inputs.cuts, CUTS),
        CLASS_PAIRS.name: _gather(root, [inputs.class_pairs], CLASS_PAIRS),
        BOXES.name: _gather(root, inputs.boxes, BOXES),
        FETCH_LOG.name: _gather(root, inputs.fetch_log, FETCH_LOG),
    }


@stage("certify", version=4)
def publish_check(run: Run, inputs: CertifyInputs, settings: None) -> PublishedCertificate:
    """Puts together what images share with test sets, and publishes the certificate."""
    root = run.root
    drops = _gather(root, inputs.drops, DROPS)
    tables = {
        IMAGES.name: _gather(root, inputs.images, IMAGES),
        PASSED_OVER.name: with_unreadable(_gather(root, inputs.leaks.passed_over, PASSED_OVER), drops),
        OVERLAPS.name: _gather(root, inputs.leaks.overlaps, OVERLAPS),
        DROPS.name: drops,
    }
    tables |= _attest(root, inputs.leaks, tables, drops.to_pandas())
    passed_over = count_reasons(tables[PASSED_OVER.name])
    facts = Attested(**dict(inputs.facts), software=describe_software(CURATION), passed_over=passed_over)

    def render(made: Certificate) -> Iterator[tuple[str, bytes]]:
        yield from _pictures(root, inputs.thumbnails, "pictures")
        yield from render_certificate(made, tables)

    made = publish_certificate(root, tables, facts, render)
    return PublishedCertificate(
        **dict(published(root, made, "certificate.json")),
        images=tables[IMAGES.name].num_rows,
        found=pc.count_distinct(tables[OVERLAPS.name]["image_id"]).as_py(),
    )


def _kept(verdicts: pd.DataFrame) -> pd.Series:
    return verdicts.image_id[verdicts.verdict == "kept"]


def _pictures(root: Root, thumbnails: Iterable[ThumbnailsRef], folder: str) -> Iterator[tuple[str, bytes]]:
    """The pictures that the stages drew, each with its path."""
    for ref in thumbnails:
        for row in read_table(root, ref).to_pylist():
            yield f"{folder}/{row['name']}", row["jpeg"]


def _gather(root: Root, refs: Sequence[R], spec: TableSpec[R]) -> pa.Table:
    return pa.concat_tables([spec.schema.empty_table(), *(read_table(root, ref) for ref in refs)])


def _gather_pictures(root: Root, refs: Sequence[MasksRef]) -> pa.Table:
    """The masks of all packets; a picture that two classes keep is in the packet of each, masked alike."""
    masks = _gather(root, refs, MASKS)
    _, first = np.unique(masks["sha256"].to_numpy(), return_index=True)
    return masks.take(pa.array(first))


def _attest(root: Root, leaks: LeakEvidence, tables: dict[str, pa.Table], drops: pd.DataFrame) -> dict[str, pa.Table]:
    """The tables `certificate` and `namesakes`, from `images`, `overlaps` and drops."""
    images = tables["images"].select(["image_id", "landmark_id"]).to_pandas()
    found = tables["overlaps"].select(["image_id", "landmark_id", "test_set", "site", "through"]).to_pandas()
    comparisons = _gather(root, leaks.comparisons, COMPARISONS).to_pandas()
    expansions = _gather(root, leaks.expansions, EXPANSIONS).to_pandas()
    rows = certify(comparisons, expansions, found, drops.merge(images, on="image_id"), leaks.checked)
    columns = ["test_set", "site"]
    signed = [read_table(root, ref, columns) for ref in leaks.signatures]
    sites = pa.concat_tables([SIGNATURE.schema.empty_table().select(columns), *signed]).to_pandas()
    named = namesakes(images, found, sites, leaks.aliases)
    return {
        "certificate": pa.Table.from_pylist(rows, CERTIFICATE.schema),
        "namesakes": pa.Table.from_pandas(named, NAMESAKES.schema, preserve_index=False),
    }


def _verdicts(
    drops: pd.DataFrame, tables: dict[str, pa.Table], settings: PublishSettings, by_hand: Mapping[str, str]
) -> pd.DataFrame:
    images = tables["images"].to_pandas()
    groups = tables["groups"].to_pandas()
    kept = groups[groups.kept].copy()
    kept["photograph"] = kept.copy_of.fillna(kept.image_id).map(images.set_index("image_id").sha256)
    kept["split"] = kept.image_id.map(split_images(kept, settings))
    kept["by_hand"] = kept.image_id.map(by_hand)
    sources = tables["sources"]
    return build_verdicts(sources.to_pandas(), duplicate_rows(sources), images, drops, kept)
