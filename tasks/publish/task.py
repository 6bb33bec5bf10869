"""The stages `publish` and `certify`: a version with its card and report, and a certificate."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from storage.certificates import publish_certificate
from storage.images import check_stored
from storage.manifest import Attested, Certificate, Facts, FunnelStep, Manifest
from storage.parquet import read_table
from storage.root import Root
from storage.tables.acquisition import DRAWINGS, DROPS, FETCH_LOG, IMAGES, PASSED_OVER, SOURCES, DrawingsRef
from storage.tables.features import MASKS, SIGNATURE, TEMPLATES
from storage.tables.groups import BOXES, CLASS_GROUPS, CLASS_PAIRS, CUTS, GROUPS, PAIRS
from storage.tables.overlap import CERTIFICATE, COMPARISONS, EXPANSIONS, NAMESAKES, OVERLAPS
from storage.tables.spec import R, TableSpec
from storage.tables.versions import VERDICTS, ThumbnailsRef
from storage.versions import publish_version
from tasks.acquire.sources import duplicate_rows
from tasks.contracts import Run, stage
from tasks.overlap.certificate import certify
from tasks.overlap.namesakes import namesakes
from tasks.publish.attest import render_certificate
from tasks.publish.card import render_card
from tasks.publish.contracts import (
    CertifyInputs,
    LeakEvidence,
    PublishedCertificate,
    PublishedVersion,
    PublishInputs,
    published,
)
from tasks.publish.passed_over import count_reasons, with_unreadable, without_keypoints
from tasks.publish.redaction import redact_sources, redact_tables
from tasks.publish.report import render_report
from tasks.publish.settings import PublishSettings
from tasks.publish.split import split_images
from tasks.publish.verdicts import build_verdicts, funnel
from tasks.software import CURATION, describe_software


@stage("publish", version=12)
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
    kept = tables["images"].filter(pc.is_in(tables["images"]["image_id"], pa.array(_kept(verdicts), pa.string())))
    blind = without_keypoints(kept, tables["masks"])  # a person kept them, for the method drops them
    tables["passed_over"] = pa.concat_tables([tables["passed_over"], blind])
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
        for name, jpeg in _pictures(root, inputs.thumbnails):
            names.add(name)
            yield f"report/pictures/{name}", jpeg
        for path, content in render_report(manifest, shown, names):
            yield f"report/{path}", content

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
        DRAWINGS.name: _gather_drawings(root, inputs.drawings),
        TEMPLATES.name: _gather(root, [inputs.templates], TEMPLATES),
        MASKS.name: _gather_pictures(root, inputs.masks, MASKS),
        OVERLAPS.name: _gather(root, inputs.leaks.overlaps, OVERLAPS),
        PAIRS.name: _gather(root, inputs.pairs, PAIRS),
        GROUPS.name: _gather(root, inputs.groups, GROUPS),
        CLASS_GROUPS.name: _gather(root, inputs.class_groups, CLASS_GROUPS),
        CUTS.name: _gather(root, inputs.cuts, CUTS),
        CLASS_PAIRS.name: _gather(root, [inputs.class_pairs], CLASS_PAIRS),
        BOXES.name: _gather(root, inputs.boxes, BOXES),
        FETCH_LOG.name: _gather(root, inputs.fetch_log, FETCH_LOG),
    }


@stage("certify", version=5)
def publish_check(run: Run, inputs: CertifyInputs, settings: None) -> PublishedCertificate:
    """Puts together what images share with test sets, and publishes the certificate."""
    root = run.root
    drops, images = _gather(root, inputs.drops, DROPS), _gather(root, inputs.images, IMAGES)
    told = with_unreadable(_gather(root, inputs.leaks.passed_over, PASSED_OVER), drops)
    masks = _gather_pictures(root, inputs.masks, MASKS)
    tables = {
        IMAGES.name: images,
        PASSED_OVER.name: pa.concat_tables([told, without_keypoints(images, masks)]),
        OVERLAPS.name: _gather(root, inputs.leaks.overlaps, OVERLAPS),
        DROPS.name: drops,
    }
    tables |= _attest(root, inputs.leaks, tables, drops.to_pandas())
    passed_over = count_reasons(tables[PASSED_OVER.name])
    facts = Attested(**dict(inputs.facts), software=describe_software(CURATION), passed_over=passed_over)

    def render(made: Certificate) -> Iterator[tuple[str, bytes]]:
        yield from ((f"pictures/{name}", jpeg) for name, jpeg in _pictures(root, inputs.thumbnails))
        yield from render_certificate(made, tables)

    made = publish_certificate(root, tables, facts, render)
    return PublishedCertificate(
        **dict(published(root, made, "certificate.json")),
        images=tables[IMAGES.name].num_rows,
        found=pc.count_distinct(tables[OVERLAPS.name]["image_id"]).as_py(),
    )


def _kept(verdicts: pd.DataFrame) -> pd.Series:
    return verdicts.image_id[verdicts.verdict == "kept"]


def _pictures(root: Root, thumbnails: Iterable[ThumbnailsRef]) -> Iterator[tuple[str, bytes]]:
    """The pictures that the stages drew, each with its name."""
    for ref in thumbnails:
        for row in read_table(root, ref).to_pylist():
            yield row["name"], row["jpeg"]


def _gather(root: Root, refs: Sequence[R], spec: TableSpec[R]) -> pa.Table:
    return pa.concat_tables([spec.schema.empty_table(), *(read_table(root, ref) for ref in refs)])


def _gather_pictures(root: Root, refs: Sequence[R], spec: TableSpec[R]) -> pa.Table:
    """The rows of all parts, one of each picture; one that stands in several parts has the same row in each."""
    rows = _gather(root, refs, spec)
    _, first = np.unique(rows["sha256"].to_numpy(), return_index=True)
    return rows.take(pa.array(first))


def _gather_drawings(root: Root, refs: Sequence[DrawingsRef]) -> pa.Table:
    """The pictures of all shards that have a sign."""
    looked_at = _gather_pictures(root, refs, DRAWINGS)
    return looked_at.filter(pc.is_valid(looked_at["sign"]))


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
