"""The stages of captions: from files of annotations to vectors, neighbours, triplets, and a published version."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from storage.archives import partial_file, put_archive, suffix_of
from storage.manifest import CaptionFacts, CaptionManifest, EncodingFacts, TripletFacts
from storage.parquet import read_batches, read_bytes, read_table, write_batches, write_bytes
from storage.root import Root
from storage.tables.annotations import IMAGE_DATA, REGIONS, SKIPPED_RECORDS
from storage.tables.captions import (
    CAPTION_IMAGES,
    CAPTION_NEIGHBOURS,
    CAPTION_TABLES,
    CAPTION_TRIPLETS,
    CAPTION_VOCABULARY,
    EMPTY_VECTORS,
    ENCODED_IMAGES,
    LISTED_IMAGES,
    OBJECT_VOCABULARY,
)
from storage.tables.spec import FileRef, R, TableRef, TableSpec
from storage.versions import publish_version
from tasks.acquire.archive import transfer
from tasks.captions.coco import CocoFile, caption_tables, image_tables
from tasks.captions.contracts import (
    AnnotationTables,
    Archive,
    ArchiveInputs,
    CocoCounts,
    CocoInputs,
    DrawnTriplets,
    EncodedCaptions,
    EncodedObjects,
    Near,
    NeighbourInputs,
    ObjectInputs,
    Parsed,
    ParsedCoco,
    ParseInputs,
    PhraseInputs,
    PublishCaptionsInputs,
    Split,
    SplitInputs,
    TripletInputs,
)
from tasks.captions.formats import spec_of
from tasks.captions.forms import CountedForms, count_forms, count_words, make_stemmer
from tasks.captions.genome import GenomeFile
from tasks.captions.neighbours import Neighbours
from tasks.captions.npz import from_npz, to_npz
from tasks.captions.overview import complete_images, empty_vectors, encoded_images
from tasks.captions.report import render_card, render_report
from tasks.captions.samples import choose_samples, phrases_of
from tasks.captions.settings import (
    EncodeSettings,
    Encoding,
    NeighbourSettings,
    ParseSettings,
    SplitSettings,
    TripletSettings,
)
from tasks.captions.split import list_images
from tasks.captions.synsets import NO_SYNSET, count_synsets, find_in_wordnet, find_nothing
from tasks.captions.tfidf import NOT_A_TERM, encode
from tasks.captions.tfidf import Encoded as Weighted
from tasks.captions.triplets import draw_triplets
from tasks.contracts import Run, stage
from tasks.publish.contracts import Published, published
from tasks.software import CAPTIONS, describe_software

_ENCODING = ("numpy", "scipy", "scikit-learn", "nltk")
_NOT_A_TERM: dict[Encoding, str] = {"captions": "stop words", "objects": "without a synset"}
_ROWS = 1 << 16


@stage("archive", version=1)
def fetch_archive(run: Run, inputs: ArchiveInputs, settings: None) -> Archive:
    """Fetches an archive into the root."""
    with partial_file(run.root, hashlib.sha256(inputs.file.url.encode()).hexdigest()[:32]) as file:
        sha256 = transfer(inputs.file, file, inputs.transfer)
        path = put_archive(run.root, file, sha256, suffix_of(inputs.file.url))
    return Archive(archive=FileRef(path=path, digest=sha256))


@stage("parse", version=2)
def parse_file(run: Run, inputs: ParseInputs, settings: ParseSettings) -> Parsed:
    """Reads a file of annotations into the table of its kind, and what is malformed into `skipped_records`."""
    with _open(run.root, inputs) as file:
        genome = GenomeFile(inputs.kind, file, inputs.path, settings)
        spec = spec_of(inputs.kind)
        found = write_batches(run.root, run.path(spec.name), spec, genome.tables())
    skipped = run.write_rows(SKIPPED_RECORDS, genome.skipped)
    tables = AnnotationTables.model_validate({spec.name: found})
    return Parsed(tables=tables, skipped_records=skipped, records=genome.records, rows=found.rows)


@stage("parse-coco", version=1)
def parse_coco(run: Run, inputs: CocoInputs, settings: ParseSettings) -> ParsedCoco:
    """Reads COCO's files into the tables that Visual Genome's become, and what is malformed into `skipped_records`."""
    with ExitStack() as opened:
        files = [
            CocoFile(source.kind, opened.enter_context(Path(source.path).open("rb")), source.path, settings)
            for source in inputs.files
        ]
        image_data = write_batches(run.root, run.path(IMAGE_DATA.name), IMAGE_DATA, image_tables(files))
        regions = write_batches(run.root, run.path(REGIONS.name), REGIONS, caption_tables(files))
    skipped = run.write_rows(SKIPPED_RECORDS, [row for file in files for row in file.skipped])
    counts = {
        file.kind: CocoCounts(images=len(file.sizes), captions=file.captions, skipped=len(file.skipped))
        for file in files
    }
    return ParsedCoco(image_data=image_data, regions=regions, skipped_records=skipped, counts=counts)


def _open(root: Root, inputs: ParseInputs) -> AbstractContextManager[IO[bytes]]:
    return root.reading(inputs.archive.path) if inputs.archive else Path(inputs.path).open("rb")


@stage("images", version=1)
def split_images(run: Run, inputs: SplitInputs, settings: SplitSettings) -> Split:
    """Lists every image that the files name, in the order of the matrices' rows, and splits them."""
    found: set[str] = set()
    for ref in (inputs.image_data, inputs.regions, inputs.objects):
        for batch in read_batches(run.root, ref, _ROWS, ["image_id"]) if ref else ():
            found.update(batch["image_id"].unique().to_pylist())
    return Split(images=run.write(LISTED_IMAGES, list_images(found, settings)))


@stage("encode-captions", version=1, software=_ENCODING)
def encode_captions(run: Run, inputs: PhraseInputs, settings: EncodeSettings) -> EncodedCaptions:
    """Encodes images by the stems of their phrases."""
    images = read_table(run.root, inputs.images)
    counted = count_forms(_pairs(run.root, inputs.phrases, ["phrase"]), _rows(images), count_words)
    terms = list(map(make_stemmer(settings), counted.forms))
    weighted = _weigh(images, counted, counted.forms, terms, settings)
    own = _write_encoded(run, "captions", images, counted, weighted)
    return EncodedCaptions(vocabulary=run.write(CAPTION_VOCABULARY, weighted.vocabulary, "vocabulary"), **own)


@stage("encode-objects", version=1, software=_ENCODING)
def encode_objects(run: Run, inputs: ObjectInputs, settings: EncodeSettings) -> EncodedObjects:
    """Encodes images by the WordNet synsets of their objects."""
    images = read_table(run.root, inputs.images)
    lookup = find_in_wordnet() if inputs.wordnet else find_nothing
    objects = _pairs(run.root, inputs.objects, ["names", "synsets"])
    counted = count_forms(objects, _rows(images), partial(count_synsets, lookup=lookup))
    terms = [None if synset == NO_SYNSET else synset for synset, _ in counted.forms]
    weighted = _weigh(images, counted, [name for _, name in counted.forms], terms, settings)
    own = _write_encoded(run, "objects", images, counted, weighted)
    return EncodedObjects(vocabulary=run.write(OBJECT_VOCABULARY, weighted.vocabulary, "vocabulary"), **own)


def _pairs(root: Root, ref: TableRef | None, columns: list[str]) -> Iterator[tuple[str, Any]]:
    """Image id and description of every row; one of several columns is a tuple."""
    for batch in read_batches(root, ref, _ROWS, ["image_id", *columns]) if ref else ():
        values = [batch[name].to_pylist() for name in columns]
        counted = values[0] if len(values) == 1 else zip(*values, strict=True)
        yield from zip(batch["image_id"].to_pylist(), counted, strict=True)


def _rows(images: pa.Table) -> dict[str, int]:
    return {image_id: row for row, image_id in enumerate(images["image_id"].to_pylist())}


def _weigh(
    images: pa.Table, counted: CountedForms, forms: Sequence[str], terms: Sequence[str | None], settings: EncodeSettings
) -> Weighted:
    train = np.asarray(images["split"].to_numpy(zero_copy_only=False) == "train")
    return encode(counted.counts, forms, terms, train, settings)


def _write_encoded(
    run: Run, encoding: Encoding, images: pa.Table, counted: CountedForms, weighted: Weighted
) -> dict[str, Any]:
    """What both encodings write, by the names of `Encoded`."""
    listed = encoded_images(images["image_id"], counted, weighted)
    empty = empty_vectors(encoding, listed)
    terms_of = {NOT_A_TERM: _NOT_A_TERM[encoding]}
    facts = EncodingFacts(
        images=images.num_rows,
        train_images=weighted.train_images,
        terms=weighted.vocabulary.num_rows,
        entries=weighted.weights.nnz,
        occurrences=int(counted.counts.sum()),
        left_out={terms_of.get(reason, reason): count for reason, count in weighted.left_out.items()},
        empty=empty.num_rows,
    )
    return {
        "weights": write_bytes(run.root, run.path("weights", ".npz"), to_npz(weighted.weights), images.num_rows),
        "images": run.write(ENCODED_IMAGES, listed),
        "empty_vectors": run.write(EMPTY_VECTORS, empty),
        "facts": facts,
    }


@stage("neighbours", version=1, software=("numpy", "scipy"))
def find_neighbours(run: Run, inputs: NeighbourInputs, settings: NeighbourSettings) -> Near:
    """Finds the nearest images of some rows, among all."""
    weights = _weights(run.root, inputs.weights)
    found = list(Neighbours(weights).of(inputs.first, inputs.last, settings.k))
    lists = {
        "neighbour_rows": [rows for rows, _ in found],
        "similarities": [similarities for _, similarities in found],
    }
    table = pa.table({"row": range(inputs.first, inputs.last), **lists}, CAPTION_NEIGHBOURS.schema)
    return Near(neighbours=run.write(CAPTION_NEIGHBOURS, table))


@stage("triplets", version=1, software=("numpy", "scipy"))
def draw(run: Run, inputs: TripletInputs, settings: TripletSettings) -> DrawnTriplets:
    """Draws semantic triplets."""
    images = read_table(run.root, inputs.images)
    ids, splits = images["image_id"].to_pylist(), images["split"].to_pylist()
    drawing = draw_triplets(_weights(run.root, inputs.weights), ids, splits, settings)
    triplets = run.write_rows(CAPTION_TRIPLETS, drawing.rows)
    return DrawnTriplets(triplets=triplets, facts=TripletFacts(drawn=triplets.rows, without=drawing.without))


def _weights(root: Root, ref: TableRef, columns: int | None = None) -> sp.csr_array:
    return from_npz(read_bytes(root, ref), ref.path, ref.rows, columns)


@stage("publish-captions", version=2)
def publish_captions(run: Run, inputs: PublishCaptionsInputs, settings: None) -> Published:
    """Puts the stages' tables together and publishes the version."""
    root, tables = run.root, _version_tables(run, inputs)
    facts = CaptionFacts(**dict(inputs.facts), software=describe_software(CAPTIONS))

    def render(manifest: CaptionManifest) -> Iterator[tuple[str, bytes]]:
        yield "README.md", render_card(manifest).encode()
        read = {
            name: read_table(root, tables[name])
            for name in ("caption_images", "caption_vocabulary", "object_vocabulary", "caption_triplets")
        }
        read |= {name: read_table(root, tables[name]) for name in ("empty_vectors", "skipped_records")}
        shown = "caption" if manifest.similarity == "captions" else "object"
        terms = read[f"{shown}_vocabulary"]["term"].to_pylist()
        weights = _weights(root, tables[f"{shown}_weights"], len(terms))
        samples = choose_samples(read, weights, terms, read_table(root, tables["caption_neighbours"]))
        regions = read_batches(root, tables["regions"], _ROWS, ["image_id", "phrase"])
        phrases = phrases_of(regions, samples.image_ids())
        for path, content in render_report(manifest, read, samples, phrases, inputs.pictures):
            yield f"report/{path}", content

    manifest = publish_version(root, inputs.name, tables, facts, render, CaptionManifest)
    return published(root, manifest, "manifest.json")


def _version_tables(run: Run, inputs: PublishCaptionsInputs) -> dict[str, TableRef]:
    """Every table of the version as a stored file; those of files that were not given are empty."""

    def put(spec: TableSpec[R], parts: Iterable[pa.Table]) -> R:
        return write_batches(run.root, run.path(spec.name), spec, parts)

    joined: dict[str, TableRef] = {
        "caption_images": put(CAPTION_IMAGES, [_complete_images(run.root, inputs)]),
        "caption_neighbours": put(CAPTION_NEIGHBOURS, (read_table(run.root, ref) for ref in inputs.neighbours)),
        "empty_vectors": _join(run, EMPTY_VECTORS, inputs.empty_vectors),
        "skipped_records": _join(run, SKIPPED_RECORDS, inputs.skipped_records),
    }
    absent: list[TableSpec[Any]] = [spec for spec in CAPTION_TABLES if spec.name not in {**joined, **inputs.tables}]
    return {**joined, **inputs.tables, **{spec.name: put(spec, []) for spec in absent}}


def _join(run: Run, spec: TableSpec[R], refs: Sequence[R]) -> R:
    return run.write(spec, pa.concat_tables([spec.schema.empty_table(), *(read_table(run.root, ref) for ref in refs)]))


def _complete_images(root: Root, inputs: PublishCaptionsInputs) -> pa.Table:
    listed, captions, objects = (read_table(root, ref) for ref in (inputs.listed, inputs.captions, inputs.objects))
    about = read_table(root, inputs.image_data) if inputs.image_data else IMAGE_DATA.schema.empty_table()
    return complete_images(listed, captions, objects, about)
