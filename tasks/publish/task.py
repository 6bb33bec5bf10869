"""Publish's Prefect face: the pictures of a packet's report, and the version itself."""

import json
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from storage.certificates import publish_certificate
from storage.folders import records_of
from storage.images import check_stored, get_image
from storage.manifest import Attested, Certificate, Facts, FunnelStep, Manifest
from storage.parquet import read_table, write_table
from storage.root import Root
from storage.tables import (
    CERTIFICATE,
    COMPARISONS,
    DROPS,
    EXPANSIONS,
    IMAGES,
    NAMESAKES,
    OVERLAPS,
    PASSED_OVER,
    SIGNATURE,
    THUMBNAILS,
    VERDICTS,
    VERSION_TABLES,
    TableRef,
    TableSpec,
)
from storage.versions import publish_version
from tasks.acquire.sources import duplicate_rows
from tasks.orchestration import SOFTWARE, Inputs, Output, reference, references, stage, stage_path
from tasks.overlap.certificate import certify
from tasks.overlap.namesakes import namesakes
from tasks.publish.attest import render_certificate
from tasks.publish.card import render_card
from tasks.publish.illustrate import draw_keypoints, draw_match, thumbnail
from tasks.publish.passed_over import count_reasons, with_unreadable
from tasks.publish.redaction import redact_sources, redact_tables
from tasks.publish.related import lost_drawing, meeting_drawing, strongest_meetings
from tasks.publish.report import render_report
from tasks.publish.rows import strongest_pairs
from tasks.publish.settings import PublishSettings
from tasks.publish.split import split_images
from tasks.publish.verdicts import build_verdicts, funnel

_MADE_HERE = (VERDICTS, CERTIFICATE, NAMESAKES)


@stage("illustrate", version=5)
def illustrate_packet(root_url: str, key: str, inputs: Inputs, settings: None) -> Output:
    """Thumbnails of `images`, and drawings of what they were dropped for.

    Inputs: `images`; `overlaps`, `pairs`, `groups` and `cuts` where the packet has them; `folders`, JSON of test set to
    folder where its photographs are at hand, and `seen`, JSON of their names.
    """
    root = Root(root_url)
    images = {image["image_id"]: image for image in read_table(root, reference(inputs, "images")).to_pylist()}
    pictures = {f"{image['sha256']}.jpg": thumbnail(get_image(root, image["path"])) for image in images.values()}
    if inputs.get("overlaps"):
        pictures |= _draw_overlaps(root, inputs, images)
        pictures |= _draw_pairs(root, inputs, images)
        pictures |= _draw_cuts(root, inputs, images)
    rows = [{"name": name, "jpeg": jpeg} for name, jpeg in pictures.items()]
    table = pa.Table.from_pylist(rows, THUMBNAILS.schema)
    return Output(tables={"thumbnails": write_table(root, stage_path(key, "thumbnails"), THUMBNAILS, table)})


@stage("illustrate-overlaps", version=2)
def illustrate_overlaps(root_url: str, key: str, inputs: Inputs, settings: None) -> Output:
    """Drawings of the `overlaps` of a packet's `images`; `folders` and `seen` as in `illustrate`."""
    root = Root(root_url)
    images = {image["image_id"]: image for image in read_table(root, reference(inputs, "images")).to_pylist()}
    rows = [{"name": name, "jpeg": jpeg} for name, jpeg in _draw_overlaps(root, inputs, images).items()]
    table = pa.Table.from_pylist(rows, THUMBNAILS.schema)
    return Output(tables={"thumbnails": write_table(root, stage_path(key, "thumbnails"), THUMBNAILS, table)})


def _draw_overlaps(root: Root, inputs: Inputs, images: dict[str, dict[str, Any]]) -> dict[str, bytes]:
    """Each overlapping image beside what its verdict rests on: a test photograph, or an image of its class.

    It is alone where of the test photographs only the signature came.
    """
    folders = json.loads(str(inputs["folders"]))
    drawings = {}
    for pair in strongest_pairs(read_table(root, reference(inputs, "overlaps"))).to_pylist():
        image, folder = images[pair["image_id"]], folders.get(pair["test_set"])
        own, points = get_image(root, image["path"]), np.asarray(pair["points"], np.float32).reshape(-1, 4)
        if pair["through"] is not None:
            drawing = draw_match(own, get_image(root, images[pair["through"]]["path"]), points)
        elif folder:
            drawing = draw_match(own, (Path(folder) / pair["test_image"]).read_bytes(), points)
        else:
            drawing = draw_keypoints(own, points[:, :2])
        drawings[f"overlap-{image['sha256']}.jpg"] = drawing
    return drawings


def _draw_pairs(root: Root, inputs: Inputs, images: dict[str, dict[str, Any]]) -> dict[str, bytes]:
    """Each image of a group that lost, beside its strongest neighbour there."""
    groups = read_table(root, reference(inputs, "groups")).to_pandas()
    lost = set(groups.image_id[~groups.kept & (groups.neighbours > 0)])
    pairs = (
        read_table(root, reference(inputs, "pairs")).to_pandas().sort_values("inliers", ascending=False, kind="stable")
    )
    drawings: dict[str, bytes] = {}
    for pair in pairs[pairs.image_a.isin(lost)].itertuples():
        points = np.asarray(pair.points, np.float32).reshape(-1, 4)
        a, b = images[str(pair.image_a)], images[str(pair.image_b)]
        for left, right, ends in ((a, b, points), (b, a, points[:, [2, 3, 0, 1]])):
            name = f"pair-{left['sha256']}.jpg"
            if name not in drawings:
                drawings[name] = _draw(root, left, right, ends)
    return drawings


def _draw_cuts(root: Root, inputs: Inputs, images: dict[str, dict[str, Any]]) -> dict[str, bytes]:
    """Each pair that was cut."""
    ends = ["image_a", "image_b"]
    cuts = read_table(root, reference(inputs, "cuts"), ends).to_pandas()
    drawings = {}
    for pair in cuts.merge(read_table(root, reference(inputs, "pairs")).to_pandas(), on=ends).itertuples():
        a, b = images[str(pair.image_a)], images[str(pair.image_b)]
        drawings[f"cut-{a['sha256']}-{b['sha256']}.jpg"] = _draw(root, a, b, pair.points)
    return drawings


@stage("illustrate-classes", version=2)
def illustrate_classes(root_url: str, key: str, inputs: Inputs, settings: None) -> Output:
    """Drawings of what classes have in common: the strongest pair of each two, and why an image left its class.

    Inputs: `class_pairs`; lists of all packets' `images` and of the drops that came of it, `lost`.
    """
    root = Root(root_url)
    pairs = read_table(root, reference(inputs, "class_pairs")).to_pandas()
    ids = pa.array(pd.concat([pairs.image_a, pairs.image_b]), pa.string())
    tables = [read_table(root, ref, ["image_id", "sha256", "path"]) for ref in references(inputs, "images")]
    found = [row for table in tables for row in table.filter(pc.is_in(table["image_id"], ids)).to_pylist()]
    images = {image["image_id"]: image for image in found}
    pictures = {}
    for pair in strongest_meetings(pairs).itertuples():
        a, b = images[pair.image_a], images[pair.image_b]
        pictures[meeting_drawing(a["sha256"], b["sha256"])] = _draw(root, a, b, pair.points)
    points = {(pair.image_a, pair.image_b): pair.points for pair in pairs.itertuples()}
    points |= {(b, a): own.reshape(-1, 4)[:, [2, 3, 0, 1]] for (a, b), own in points.items()}
    for drop in (row for ref in references(inputs, "lost") for row in read_table(root, ref).to_pylist()):
        other = json.loads(drop["evidence"]).get("other_image")
        if other:
            a, b = images[drop["image_id"]], images[other]
            pictures[lost_drawing(a["sha256"])] = _draw(root, a, b, points[drop["image_id"], other])
    rows = [{"name": name, "jpeg": jpeg} for name, jpeg in pictures.items()]
    table = pa.Table.from_pylist(rows, THUMBNAILS.schema)
    return Output(tables={"thumbnails": write_table(root, stage_path(key, "thumbnails"), THUMBNAILS, table)})


def _draw(root: Root, left: dict[str, Any], right: dict[str, Any], points: Any) -> bytes:
    """Two rows of `images` side by side, with the cell `points` of their pair."""
    ends = np.asarray(points, np.float32).reshape(-1, 4)
    return draw_match(get_image(root, left["path"]), get_image(root, right["path"]), ends)


@stage("publish", version=8)
def publish_dataset(root_url: str, key: str, inputs: Inputs, settings: PublishSettings) -> Output:
    """Puts the stages' tables together, splits, checks that no row is lost, and publishes the version.

    Inputs: `name`; `sources`; lists of `drops`, `thumbnails`, `comparisons`, `expansions`, `signatures` and every other
    table of a version; `facts`, JSON of all in `Facts` that is not computed here; `checked`, JSON of what is known of
    each test set; `aliases`, JSON of site to further spellings.
    """
    root = Root(root_url)
    tables = {spec.name: _gather(root, inputs, spec) for spec in VERSION_TABLES if spec not in _MADE_HERE}
    drops = _gather(root, inputs, DROPS).to_pandas()
    verdicts = _verdicts(drops, tables, settings)
    tables["verdicts"] = pa.Table.from_pandas(verdicts, VERDICTS.schema, preserve_index=False)
    tables |= _attest(root, inputs, tables, drops)
    tables = redact_tables(tables, settings.redact)
    shown = {**tables, "sources": redact_sources(tables["sources"], settings.redact)}
    software = _software()
    steps = [FunnelStep(**left._asdict()) for left in funnel(verdicts)]
    told = count_reasons(tables["passed_over"])
    facts = Facts(**json.loads(str(inputs["facts"])), software=software, funnel=steps, passed_over=told)

    def render(manifest: Manifest) -> Iterator[tuple[str, bytes]]:
        yield "README.md", render_card(manifest, shown).encode()
        names = set()
        for path, jpeg in _pictures(root, inputs, "report/pictures"):
            names.add(path.rsplit("/", 1)[-1])
            yield path, jpeg
        for path, content in render_report(manifest, shown, names):
            yield f"report/{path}", content

    kept = tables["images"].filter(pc.is_in(tables["images"]["image_id"], pa.array(_kept(verdicts), pa.string())))
    check_stored(root, kept["path"].to_pylist())
    manifest = publish_version(root, str(inputs["name"]), tables, facts, render)
    refs = {
        name: ref.model_copy(update={"path": f"{manifest.folder}/{ref.path}"})
        for name, ref in manifest.tables.items()
        if name != "fetch_log"
    }
    refs |= records_of(root, manifest.folder, "manifest.json")
    counts = {"rows": len(verdicts), "kept": kept.num_rows, "number": manifest.number}
    return Output(tables=refs, counts=counts, listings=_listings(manifest))


@stage("certify", version=4)
def publish_check(root_url: str, key: str, inputs: Inputs, settings: None) -> Output:
    """Puts together what images share with test sets, and publishes the certificate.

    Inputs: lists of `images`, `passed_over`, `overlaps`, `drops`, `thumbnails`, `comparisons`, `expansions`,
    `signatures`; `facts`, JSON of all in `Attested` that is not computed here; `checked` and `aliases` as in `publish`.
    """
    root = Root(root_url)
    tables = {spec.name: _gather(root, inputs, spec) for spec in (IMAGES, PASSED_OVER, OVERLAPS, DROPS)}
    tables["passed_over"] = with_unreadable(tables["passed_over"], tables["drops"])
    tables |= _attest(root, inputs, tables, tables["drops"].to_pandas())
    told = count_reasons(tables["passed_over"])
    facts = Attested(**json.loads(str(inputs["facts"])), software=_software(), passed_over=told)

    def render(made: Certificate) -> Iterator[tuple[str, bytes]]:
        yield from _pictures(root, inputs, "pictures")
        yield from render_certificate(made, tables)

    made = publish_certificate(root, tables, facts, render)
    refs = {name: ref.model_copy(update={"path": f"{made.folder}/{ref.path}"}) for name, ref in made.tables.items()}
    refs |= records_of(root, made.folder, "certificate.json")
    found = pc.count_distinct(tables["overlaps"]["image_id"]).as_py()
    counts = {"images": tables["images"].num_rows, "found": found}
    return Output(tables=refs, counts=counts, listings=_listings(made))


def _listings(made: Manifest | Certificate) -> tuple[TableRef, ...]:
    """Cards, pages and pictures are not tables, but the memo stands and falls with them too."""
    return (made.files.model_copy(update={"path": f"{made.folder}/{made.files.path}"}),) if made.files else ()


def _kept(verdicts: pd.DataFrame) -> pd.Series:
    return verdicts.image_id[verdicts.verdict == "kept"]


def _pictures(root: Root, inputs: Inputs, folder: str) -> Iterator[tuple[str, bytes]]:
    """The pictures that the stages drew, each with its path."""
    for ref in references(inputs, "thumbnails"):
        for row in read_table(root, ref).to_pylist():
            yield f"{folder}/{row['name']}", row["jpeg"]


def _gather(root: Root, inputs: Inputs, spec: TableSpec) -> pa.Table:
    found = inputs[spec.name]
    refs = [found] if isinstance(found, TableRef) else references(inputs, spec.name)
    return pa.concat_tables([spec.schema.empty_table(), *(read_table(root, ref) for ref in refs)])


def _attest(root: Root, inputs: Inputs, tables: dict[str, pa.Table], drops: pd.DataFrame) -> dict[str, pa.Table]:
    """The tables `certificate` and `namesakes`, from `images`, `overlaps` and drops."""
    images = tables["images"].select(["image_id", "landmark_id"]).to_pandas()
    found = tables["overlaps"].select(["image_id", "landmark_id", "test_set", "site", "through"]).to_pandas()
    comparisons, expansions = (_gather(root, inputs, spec).to_pandas() for spec in (COMPARISONS, EXPANSIONS))
    checked, own = json.loads(str(inputs["checked"])), drops.merge(images, on="image_id")
    rows = certify(comparisons, expansions, found, own, checked)
    columns = ["test_set", "site"]
    signed = [read_table(root, ref, columns) for ref in references(inputs, "signatures")]
    sites = pa.concat_tables([SIGNATURE.schema.empty_table().select(columns), *signed]).to_pandas()
    named = namesakes(images, found, sites, json.loads(str(inputs["aliases"])))
    return {
        "certificate": pa.Table.from_pylist(rows, CERTIFICATE.schema),
        "namesakes": pa.Table.from_pandas(named, NAMESAKES.schema, preserve_index=False),
    }


def _software() -> dict[str, str]:
    return {"python": sys.version.split()[0], "cairn": version("cairn"), "prefect": version("prefect"), **SOFTWARE}


def _verdicts(drops: pd.DataFrame, tables: dict[str, pa.Table], settings: PublishSettings) -> pd.DataFrame:
    images = tables["images"].to_pandas()
    groups = tables["groups"].to_pandas()
    kept = groups[groups.kept].copy()
    kept["photograph"] = kept.copy_of.fillna(kept.image_id).map(images.set_index("image_id").sha256)
    kept["split"] = kept.image_id.map(split_images(kept, settings))
    sources = tables["sources"]
    return build_verdicts(sources.to_pandas(), duplicate_rows(sources), images, drops, kept)
