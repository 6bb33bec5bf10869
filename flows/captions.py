"""The flow `captions`: from annotations of Visual Genome or COCO to published vectors, neighbours and triplets."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from prefect import flow, get_run_logger
from prefect.artifacts import create_table_artifact
from pydantic import BaseModel, ConfigDict

from flows.captions_request import OFFICIAL_NAME, CaptionsRequest, check_captions_request
from flows.runtime.naming import run_name
from flows.runtime.publication import News, publish_once
from flows.settings import CaptionsSettings, RunSettings
from storage.manifest import CaptionManifest, EncodedFacts, SourceFile
from storage.root import Root
from storage.tables.annotations import SkippedRecordsRef
from storage.tables.spec import MatrixRef, TableRef
from tasks.captions.contracts import (
    AnnotationTables,
    Archive,
    ArchiveInputs,
    CocoInputs,
    CocoSource,
    DrawnTriplets,
    EncodedCaptions,
    EncodedObjects,
    NeighbourInputs,
    ObjectInputs,
    Parsed,
    ParseInputs,
    PhraseInputs,
    PublishCaptionsInputs,
    SplitInputs,
    TripletInputs,
)
from tasks.captions.task import (
    draw,
    encode_captions,
    encode_objects,
    fetch_archive,
    find_neighbours,
    parse_coco,
    parse_file,
    publish_captions,
    split_images,
)
from tasks.contracts import StageRunner
from tasks.publish.contracts import Published

STAGES = (
    *(fetch_archive, parse_file, parse_coco, split_images),
    *(encode_captions, encode_objects, find_neighbours, draw, publish_captions),
)
"""All stages, in their order."""

_ROWS_OF_A_TASK = 8192


class Captioned(BaseModel):
    """What the flow returns: the version that now is the latest, and whether that is news."""

    model_config = ConfigDict(frozen=True)

    version: CaptionManifest
    is_new: bool


@flow(name="captions", flow_run_name=run_name("name"), persist_result=False)
def captions(
    files: list[Path] | None = None,
    name: str = OFFICIAL_NAME,
    root: str = "./data",
    settings: CaptionsSettings = CaptionsSettings(),
    run: RunSettings = RunSettings(),
    note: str = "",
    pictures: Path | None = None,
) -> Captioned:
    """Encodes images by what people wrote of them, and publishes the vectors with neighbours and triplets.

    Args:
        files: files of Visual Genome or of COCO's captions, or folders of such, zipped or not; without any, the
            official archives of Visual Genome are fetched.
        name: name of the dataset; its versions are numbered.
        root: dataset root, a folder or any URL that fsspec opens.
        settings: what decides the result.
        run: how it runs.
        note: a sentence or two for the card and the report.
        pictures: folder of the images themselves, named by id, for the report.
    """
    request = check_captions_request(files or [], name, root, settings, note, pictures)
    store = Root(root)

    def work(runner: StageRunner) -> str:
        return run_captions(runner, request, settings).folder

    version, is_new = publish_once(store, name, CaptionManifest, STAGES, run, work, _announce)
    return Captioned(version=version, is_new=is_new)


def run_captions(runner: StageRunner, request: CaptionsRequest, settings: CaptionsSettings) -> Published:
    """Runs the stages, in their order."""
    # Read each file into a table, and list the images that any of them names.
    annotations = (_read_coco if request.coco else _read)(runner, request, settings)
    tables = annotations.tables
    named = SplitInputs(image_data=tables.image_data, regions=tables.regions, objects=tables.objects)
    images = runner.one(split_images, named, settings.split).images

    # Encode them twice: by their phrases, and by their objects.
    phrases = PhraseInputs(images=images, phrases=tables.regions)
    objects = ObjectInputs(images=images, objects=tables.objects, wordnet=request.wordnet)
    by_captions = runner.one(encode_captions, phrases, settings.encode)
    by_objects = runner.one(encode_objects, objects, settings.encode)

    # What is alike, by one of the two; and from that, triplets.
    weights = (by_captions if settings.neighbours.encoding == "captions" else by_objects).weights
    near = runner.each(find_neighbours, _blocks(weights), settings.neighbours)
    drawn = runner.one(draw, TripletInputs(images=images, weights=weights), settings.triplets)

    inputs = PublishCaptionsInputs(
        name=request.name,
        tables=_version_tables(tables, by_captions, by_objects, drawn),
        listed=images,
        captions=by_captions.images,
        objects=by_objects.images,
        image_data=tables.image_data,
        neighbours=[found.neighbours for found in near.values()],
        empty_vectors=[by_captions.empty_vectors, by_objects.empty_vectors],
        skipped_records=annotations.skipped,
        facts=_facts(request, settings, annotations, by_captions, by_objects, drawn),
        pictures=request.pictures,
    )
    return runner.one(publish_captions, inputs, None)


class Annotations(NamedTuple):
    """What the files of annotations became, and what the manifest says of each."""

    tables: AnnotationTables
    skipped: list[SkippedRecordsRef]
    sources: list[SourceFile]


def _read(runner: StageRunner, request: CaptionsRequest, settings: CaptionsSettings) -> Annotations:
    """Fetches archives where no files are given, and reads each into its table."""
    wanted: dict[str, ArchiveInputs] = {
        kind: ArchiveInputs(file=archive, transfer=settings.archives) for kind, archive in request.archives.items()
    }
    archives = runner.each(fetch_archive, wanted, None) if wanted else {}
    files = _files(request, archives)
    parsed = runner.each(parse_file, files, settings.parse)
    given = (output.tables.given() for output in parsed.values())
    return Annotations(
        AnnotationTables.model_validate({name: ref for own in given for name, ref in own.items()}),
        [output.skipped_records for output in parsed.values()],
        [_source(kind, files[kind], request, output) for kind, output in parsed.items()],
    )


def _read_coco(runner: StageRunner, request: CaptionsRequest, settings: CaptionsSettings) -> Annotations:
    """Reads files of COCO's captions into two tables."""
    local = request.coco
    files = [CocoSource(kind=kind, path=str(file.path), content=file.sha256) for kind, file in local.items()]
    parsed = runner.one(parse_coco, CocoInputs(files=files), settings.parse)
    return Annotations(
        AnnotationTables(image_data=parsed.image_data, regions=parsed.regions),
        [parsed.skipped_records],
        [
            SourceFile(
                kind=kind,
                sha256=local[kind].sha256,
                records=read.images,
                rows=read.captions,
                skipped=read.skipped,
            )
            for kind, read in parsed.counts.items()
        ],
    )


def _facts(
    request: CaptionsRequest,
    settings: CaptionsSettings,
    annotations: Annotations,
    by_captions: EncodedCaptions,
    by_objects: EncodedObjects,
    drawn: DrawnTriplets,
) -> EncodedFacts:
    return EncodedFacts(
        note=request.note,
        settings=settings.model_dump(mode="json"),
        sources=annotations.sources,
        encodings={"captions": by_captions.facts, "objects": by_objects.facts},
        similarity=settings.neighbours.encoding,
        triplets=drawn.facts,
        wordnet=request.wordnet,
    )


def _version_tables(
    tables: AnnotationTables, by_captions: EncodedCaptions, by_objects: EncodedObjects, drawn: DrawnTriplets
) -> dict[str, TableRef]:
    """What goes into the version as it is, by its name there."""
    return {
        **tables.given(),
        "caption_weights": by_captions.weights,
        "caption_vocabulary": by_captions.vocabulary,
        "object_weights": by_objects.weights,
        "object_vocabulary": by_objects.vocabulary,
        "caption_triplets": drawn.triplets,
    }


def _files(request: CaptionsRequest, archives: Mapping[str, Archive]) -> dict[str, ParseInputs]:
    fetched: dict[str, ParseInputs] = {
        kind: ParseInputs(kind=kind, archive=archives[kind].archive, path=file.url)
        for kind, file in request.archives.items()
    }
    local = {
        kind: ParseInputs(kind=kind, content=file.sha256, path=str(file.path)) for kind, file in request.files.items()
    }
    return {**fetched, **local}


def _blocks(weights: MatrixRef) -> dict[str, NeighbourInputs]:
    """The rows in blocks whose bounds depend on nothing but their number."""
    return {
        f"{first:06d}": NeighbourInputs(weights=weights, first=first, last=min(first + _ROWS_OF_A_TASK, weights.rows))
        for first in range(0, weights.rows, _ROWS_OF_A_TASK)
    }


def _source(kind: str, file: ParseInputs, request: CaptionsRequest, parsed: Parsed) -> SourceFile:
    """What the manifest says of a file: its digest, where it was fetched, and how much of it could be read."""
    archive = request.archives.get(kind)
    return SourceFile(
        kind=kind,
        sha256=file.archive.digest if file.archive else file.content or "",
        address=archive.shown if archive else None,
        records=parsed.records,
        rows=parsed.rows,
        skipped=parsed.skipped_records.rows,
    )


def _announce(root: Root, version: CaptionManifest, news: News[CaptionManifest]) -> None:
    """Logs what came of the run, and shows both encodings and the way to the report as artifacts."""
    logger = get_run_logger()
    logger.info("%s, %d triplets", news.tell(version), version.triplets.drawn)
    for source in version.sources:
        if source.skipped:
            logger.warning("%s: %d malformed records left out", source.kind, source.skipped)
    rows = [{"encoding": name, **facts.model_dump(exclude={"left_out"})} for name, facts in version.encodings.items()]
    create_table_artifact(rows, key="captions-encodings", description=f"The two encodings: {version.folder}")
    news.link_report(root, version, "captions-report")
