"""The stages `index`, which builds one of descriptors, and `publish-index`."""

import io
from collections.abc import Iterator
from dataclasses import asdict

import numpy as np
import pyarrow as pa

from storage.manifest import IndexFacts, IndexManifest, TriedIndex
from storage.parquet import read_bytes, read_table, write_bytes
from storage.tables.retrieval import INDEXED, RESULTS
from storage.versions import publish_version
from tasks.contracts import Run, stage
from tasks.describe.packed import unpack_descriptors
from tasks.index import build
from tasks.index.choose import Measured, choose
from tasks.index.contracts import Indexed, IndexInputs, PublishIndexInputs
from tasks.index.published import vectors_file
from tasks.index.report import render_card, render_report
from tasks.index.rows import count_not_indexed, rows_of_index
from tasks.index.search import augment_all
from tasks.index.settings import IndexSettings
from tasks.publish.contracts import Published, published
from tasks.software import RETRIEVAL, describe_software

_READ = ["image_id", "sha256", "path", "width", "height"]


@stage("index", version=1, software=("numpy", "pandas", "faiss-cpu"), threads=None)
def build_index(run: Run, inputs: IndexInputs, settings: IndexSettings) -> Indexed:
    """Builds an index of all readable images of a version that could be described.

    Raises:
        InputError: no kind of index keeps within the budget, or faiss can't make the one that is asked for.
    """
    images = read_table(run.root, inputs.images, _READ).to_pandas()
    verdicts = read_table(run.root, inputs.verdicts, ["row", "image_id", "landmark_id", "reason"]).to_pandas()
    described = pa.concat_tables([read_table(run.root, ref) for ref in inputs.descriptors])
    places = {sha256: place for place, sha256 in enumerate(described["sha256"].to_pylist())}
    rows = rows_of_index(images, verdicts, places.keys())
    vectors = unpack_descriptors(described)[[places[sha256] for sha256 in rows.sha256]]
    if settings.augmented:
        vectors = augment_all(vectors, settings.augmented, settings.augmented_by)
    tried = list[Measured]()
    index, chosen = choose(vectors, rows.faiss_id.to_numpy(np.int64), settings, tried.append)
    undescribed = pa.concat_tables([read_table(run.root, ref) for ref in inputs.undescribed])
    reasons = dict(zip(undescribed["sha256"].to_pylist(), undescribed["reason"].to_pylist(), strict=True))
    sink = io.BytesIO()
    build.write(index, sink)
    return Indexed(
        indexed=run.write(INDEXED, pa.Table.from_pandas(rows, INDEXED.schema, preserve_index=False)),
        index=write_bytes(run.root, run.path("index", ".faiss"), sink.getvalue(), len(vectors)),
        vectors=write_bytes(run.root, run.path("vectors", ".npy"), vectors_file(vectors), len(vectors)),
        dimensions=vectors.shape[1],
        chosen=TriedIndex(**asdict(chosen)),
        tried=[TriedIndex(**asdict(one)) for one in tried],
        not_indexed=count_not_indexed(images, places.keys(), reasons),
    )


@stage("publish-index", version=1)
def publish_index(run: Run, inputs: PublishIndexInputs, settings: None) -> Published:
    """Publishes an index as a version of its own, with a card and a report."""
    root = run.root
    scored = [read_table(root, ref) for ref in inputs.results]
    results = run.write(RESULTS, pa.concat_tables([RESULTS.schema.empty_table(), *scored]))
    whitening = read_bytes(root, inputs.whitening)
    tables = {
        INDEXED.name: inputs.indexed,
        RESULTS.name: results,
        "index": inputs.index,
        "vectors": inputs.vectors,
        "whitening": write_bytes(root, run.path("whitening", ".safetensors"), whitening, inputs.facts.dimensions),
    }
    facts = IndexFacts(**dict(inputs.facts), software=describe_software(RETRIEVAL))

    def render(manifest: IndexManifest) -> Iterator[tuple[str, bytes]]:
        yield "README.md", render_card(manifest).encode()
        yield from render_report(manifest, read_table(root, results).to_pylist(), sorted(inputs.worst))
        for name, worst in inputs.worst.items():
            yield f"report/{name}/index.html", read_bytes(root, worst.page)
            for picture in read_table(root, worst.pictures).to_pylist():
                yield f"report/{name}/pictures/{picture['name']}", picture["jpeg"]

    made = publish_version(root, inputs.name, tables, facts, render, IndexManifest)
    return published(root, made, "manifest.json")
