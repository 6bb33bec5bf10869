"""Captions' Prefect face: from Visual Genome's files to vectors, neighbours, triplets, and a published version."""

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from storage.archives import partial_file, put_archive, suffix_of
from storage.folders import records_of
from storage.manifest import CaptionFacts, CaptionManifest
from storage.parquet import read_batches, read_bytes, read_table, write_batches, write_bytes, write_table
from storage.root import Root
from storage.tables import (
    CAPTION_IMAGES,
    CAPTION_NEIGHBOURS,
    CAPTION_TABLES,
    CAPTION_TRIPLETS,
    CAPTION_VOCABULARY,
    EMPTY_VECTORS,
    ENCODED_IMAGES,
    IMAGE_DATA,
    LISTED_IMAGES,
    OBJECT_VOCABULARY,
    SKIPPED_RECORDS,
    TableRef,
    TableSpec,
)
from storage.versions import publish_version
from tasks.acquire.archive import transfer
from tasks.acquire.settings import RemoteFile
from tasks.captions.formats import spec_of
from tasks.captions.forms import Described, count_words, describe, make_stemmer
from tasks.captions.genome import GenomeFile
from tasks.captions.neighbours import Neighbours
from tasks.captions.npz import from_npz, to_npz
from tasks.captions.overview import complete_images, empty_vectors, encoded_images
from tasks.captions.report import render_card, render_report
from tasks.captions.samples import choose_samples, phrases_of
from tasks.captions.settings import (
    ArchiveSettings,
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
from tasks.captions.triplets import draw_triplets
from tasks.orchestration import SOFTWARE, Inputs, Output, reference, references, stage, stage_path

LIBRARIES = {name: version(name) for name in ("nltk", "scikit-learn")}
"""What captions are computed with besides `SOFTWARE`."""

LEFT_OUT = "left out: "
"""Begins the names of those counts of an encoding that tell what has no term."""

_NOT_A_TERM: dict[Encoding, str] = {"captions": "stop words", "objects": "without a synset"}
_ROWS = 1 << 16


@stage("archive", version=1)
def fetch_archive(root_url: str, key: str, inputs: Inputs, settings: None) -> Output:
    """Fetches an archive into the root.

    Inputs: `url`, `sha256` and `bytes` of a `RemoteFile`; `how`, JSON of `ArchiveSettings`.
    """
    root, how = Root(root_url), ArchiveSettings.model_validate_json(str(inputs["how"]))
    archive = RemoteFile.model_validate({name: inputs[name] for name in RemoteFile.model_fields})
    with partial_file(root, hashlib.sha256(archive.url.encode()).hexdigest()[:32]) as file:
        sha256 = transfer(archive, file, how)
        size = file.stat().st_size
        path = put_archive(root, file, sha256, suffix_of(archive.url))
    return Output(tables={"archive": TableRef(path=path, digest=sha256, rows=0)}, counts={"bytes": size})


@stage("parse", version=1)
def parse_file(root_url: str, key: str, inputs: Inputs, settings: ParseSettings) -> Output:
    """Reads a file of annotations into the table of its kind, and what is malformed into `skipped_records`.

    Inputs: `kind`; `archive`, where it was fetched; or else `content`, the sha256 of a local file, and its `path`.
    """
    root = Root(root_url)
    kind = str(inputs["kind"])
    with _open(root, inputs) as file:
        genome = GenomeFile(kind, file, str(inputs["path"]), settings)
        spec = spec_of(kind)
        found = write_batches(root, stage_path(key, spec.name), spec, genome.tables())
    skipped = pa.Table.from_pylist(genome.skipped, SKIPPED_RECORDS.schema)
    left = write_table(root, stage_path(key, "skipped_records"), SKIPPED_RECORDS, skipped)
    counts = {"records": genome.records, "rows": found.rows, "skipped": left.rows}
    return Output(tables={spec.name: found, "skipped_records": left}, counts=counts)


def _open(root: Root, inputs: Inputs) -> AbstractContextManager[IO[bytes]]:
    if inputs["archive"] is None:
        return Path(str(inputs["path"])).open("rb")
    return root.reading(reference(inputs, "archive").path)


@stage("images", version=1)
def split_images(root_url: str, key: str, inputs: Inputs, settings: SplitSettings) -> Output:
    """Lists every image that the files name, in the order of the matrices' rows, and splits them.

    Inputs: `tables`, those that images are looked for in.
    """
    root = Root(root_url)
    found: set[str] = set()
    for ref in references(inputs, "tables"):
        for batch in read_batches(root, ref, _ROWS, ["image_id"]):
            found.update(batch["image_id"].unique().to_pylist())
    images = list_images(found, settings)
    table = write_table(root, stage_path(key, "listed_images"), LISTED_IMAGES, images)
    return Output(tables={"listed_images": table}, counts={"images": images.num_rows})


@stage("encode-captions", version=1)
def encode_captions(root_url: str, key: str, inputs: Inputs, settings: EncodeSettings) -> Output:
    """Encodes images by the stems of their phrases.

    Inputs: `images`; `descriptions`, the tables that hold the phrases, or none; `libraries`, versions.
    """
    root = Root(root_url)
    images = read_table(root, reference(inputs, "images"))
    described = describe(_pairs(root, inputs, ["phrase"]), _rows(images), count_words)
    terms = list(map(make_stemmer(settings), described.forms))
    return _encoded(root, key, "captions", images, described, described.forms, terms, settings)


@stage("encode-objects", version=1)
def encode_objects(root_url: str, key: str, inputs: Inputs, settings: EncodeSettings) -> Output:
    """Encodes images by the WordNet synsets of their objects.

    Inputs: `images`; `descriptions`, the tables that hold the objects, or none; `wordnet`, version of the WordNet that
    names without a synset are looked up in, or None; `libraries`, versions.
    """
    root = Root(root_url)
    images = read_table(root, reference(inputs, "images"))
    lookup = find_in_wordnet() if inputs["wordnet"] else find_nothing
    objects = _pairs(root, inputs, ["names", "synsets"])
    described = describe(objects, _rows(images), partial(count_synsets, lookup=lookup))
    terms = [None if synset == NO_SYNSET else synset for synset, _ in described.forms]
    names = [name for _, name in described.forms]
    return _encoded(root, key, "objects", images, described, names, terms, settings)


def _pairs(root: Root, inputs: Inputs, columns: list[str]) -> Iterator[tuple[str, Any]]:
    """Image id and description of every row; one of several columns is a tuple."""
    for ref in references(inputs, "descriptions"):
        for batch in read_batches(root, ref, _ROWS, ["image_id", *columns]):
            values = [batch[name].to_pylist() for name in columns]
            described = values[0] if len(values) == 1 else zip(*values, strict=True)
            yield from zip(batch["image_id"].to_pylist(), described, strict=True)


def _rows(images: pa.Table) -> dict[str, int]:
    return {image_id: row for row, image_id in enumerate(images["image_id"].to_pylist())}


def _encoded(
    root: Root,
    key: str,
    encoding: Encoding,
    images: pa.Table,
    described: Described,
    forms: Sequence[str],
    terms: Sequence[str | None],
    settings: EncodeSettings,
) -> Output:
    train = np.asarray(images["split"].to_numpy(zero_copy_only=False) == "train")
    encoded = encode(described.counts, forms, terms, train, settings)
    listed = encoded_images(images["image_id"], described, encoded)
    empty = empty_vectors(encoding, listed)
    vocabulary = CAPTION_VOCABULARY if encoding == "captions" else OBJECT_VOCABULARY
    tables = {
        "weights": write_bytes(root, stage_path(key, "weights", ".npz"), to_npz(encoded.weights), images.num_rows),
        "vocabulary": write_table(root, stage_path(key, "vocabulary"), vocabulary, encoded.vocabulary),
        "encoded_images": write_table(root, stage_path(key, "encoded_images"), ENCODED_IMAGES, listed),
        "empty_vectors": write_table(root, stage_path(key, "empty_vectors"), EMPTY_VECTORS, empty),
    }
    terms_of = {NOT_A_TERM: _NOT_A_TERM[encoding]}
    left_out = {f"{LEFT_OUT}{terms_of.get(reason, reason)}": count for reason, count in encoded.left_out.items()}
    counts = {
        "images": images.num_rows,
        "train_images": encoded.train_images,
        "terms": encoded.vocabulary.num_rows,
        "entries": encoded.weights.nnz,
        "occurrences": int(described.counts.sum()),
        "empty": empty.num_rows,
    }
    return Output(tables=tables, counts={**counts, **left_out})


@stage("neighbours", version=1)
def find_neighbours(root_url: str, key: str, inputs: Inputs, settings: NeighbourSettings) -> Output:
    """The nearest images of some rows, among all.

    Inputs: `weights`; `first` and `last`, the rows, the last left out.
    """
    root, first, last = Root(root_url), inputs["first"], inputs["last"]
    assert isinstance(first, int)
    assert isinstance(last, int)
    found = list(Neighbours(_matrix(root, inputs)).of(first, last, settings.k))
    lists = {
        "neighbour_rows": [rows for rows, _ in found],
        "similarities": [similarities for _, similarities in found],
    }
    table = pa.table({"row": range(first, last), **lists}, CAPTION_NEIGHBOURS.schema)
    ref = write_table(root, stage_path(key, "caption_neighbours"), CAPTION_NEIGHBOURS, table)
    return Output(tables={"caption_neighbours": ref}, counts={"pairs": sum(len(rows) for rows, _ in found)})


@stage("triplets", version=1)
def draw(root_url: str, key: str, inputs: Inputs, settings: TripletSettings) -> Output:
    """Draws semantic triplets. Inputs: `weights`; `images`."""
    root = Root(root_url)
    images = read_table(root, reference(inputs, "images"))
    ids, splits = images["image_id"].to_pylist(), images["split"].to_pylist()
    drawing = draw_triplets(_matrix(root, inputs), ids, splits, settings)
    table = pa.Table.from_pylist(drawing.rows, CAPTION_TRIPLETS.schema)
    ref = write_table(root, stage_path(key, "caption_triplets"), CAPTION_TRIPLETS, table)
    return Output(tables={"caption_triplets": ref}, counts={"drawn": ref.rows, **drawing.without})


def _matrix(root: Root, inputs: Inputs) -> sp.csr_array:
    return _weights(root, reference(inputs, "weights"))


def _weights(root: Root, ref: TableRef, columns: int | None = None) -> sp.csr_array:
    return from_npz(read_bytes(root, ref), ref.path, ref.rows, columns)


@stage("publish-captions", version=2)
def publish_captions(root_url: str, key: str, inputs: Inputs, settings: None) -> Output:
    """Puts the stages' tables together and publishes the version.

    Inputs: `name`; `listed`, the images; `listed_captions` and `listed_objects`, the same in each encoding; the
    matrices, both vocabularies and every table of a file that was given, each under its name in a version; lists of
    `caption_neighbours`, of `empty_vectors` and of `skipped_records`; `facts`, JSON of all in `CaptionFacts` but the
    software; `pictures`, folder of files named by image id, or None.
    """
    root = Root(root_url)
    tables = _version_tables(root, key, inputs)
    software = {"python": sys.version.split()[0], "cairn": version("cairn"), "prefect": version("prefect")}
    facts = CaptionFacts(**json.loads(str(inputs["facts"])), software={**software, **SOFTWARE, **LIBRARIES})

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
        folder = Path(str(inputs["pictures"])) if inputs["pictures"] else None
        for path, content in render_report(manifest, read, samples, phrases, folder):
            yield f"report/{path}", content

    manifest = publish_version(root, str(inputs["name"]), tables, facts, render, CaptionManifest)
    refs = {
        name: ref.model_copy(update={"path": f"{manifest.folder}/{ref.path}"}) for name, ref in manifest.tables.items()
    }
    refs |= records_of(root, manifest.folder, "manifest.json")
    assert manifest.files
    listing = manifest.files.model_copy(update={"path": f"{manifest.folder}/{manifest.files.path}"})
    return Output(tables=refs, counts={"number": manifest.number}, listings=(listing,))


def _version_tables(root: Root, key: str, inputs: Inputs) -> dict[str, TableRef]:
    """Every table of the version as a stored file."""

    def put(spec: TableSpec, parts: Iterable[pa.Table]) -> TableRef:
        return write_batches(root, stage_path(key, spec.name), spec, parts)

    joined: dict[str, TableRef] = {
        "caption_images": put(CAPTION_IMAGES, [_complete_images(root, inputs)]),
        "caption_neighbours": put(
            CAPTION_NEIGHBOURS, (read_table(root, ref) for ref in references(inputs, "caption_neighbours"))
        ),
    }
    for spec in (EMPTY_VECTORS, SKIPPED_RECORDS):
        parts = [read_table(root, ref) for ref in references(inputs, spec.name)]
        together = pa.concat_tables([spec.schema.empty_table(), *parts])
        joined[spec.name] = write_table(root, stage_path(key, spec.name), spec, together)
    names = [name for name in CaptionManifest.contents if name in inputs and name not in joined]
    given = {name: reference(inputs, name) for name in names}
    absent = (spec for spec in CAPTION_TABLES if spec.name not in {**joined, **given})
    return {**joined, **given, **{spec.name: put(spec, []) for spec in absent}}


def _complete_images(root: Root, inputs: Inputs) -> pa.Table:
    listed, captions, objects = (
        read_table(root, reference(inputs, name)) for name in ("listed", "listed_captions", "listed_objects")
    )
    data = inputs.get(IMAGE_DATA.name)
    about = read_table(root, data) if isinstance(data, TableRef) else IMAGE_DATA.schema.empty_table()
    return complete_images(listed, captions, objects, about)
