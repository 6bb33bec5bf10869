"""The stages `index`, which builds one of descriptors, and `publish-index`."""

import io
from collections.abc import Iterator
from dataclasses import asdict

import numpy as np
import pyarrow as pa

from storage.images import get_image
from storage.manifest import IndexFacts, IndexManifest, TriedIndex
from storage.parquet import read_bytes, read_table, write_bytes
from storage.tables.retrieval import INDEXED, RESULTS
from storage.versions import publish_version
from tasks.contracts import Run, stage
from tasks.describe.packed import unpack_descriptors
from tasks.index import build
from tasks.index.build import Index, Numbers, Vectors
from tasks.index.choose import Measured, choose, measure
from tasks.index.contracts import EarlierIndex, Indexed, IndexInputs, PublishIndexInputs
from tasks.index.nearest import draw_nearest, nearest_of_classes
from tasks.index.published import vectors_file
from tasks.index.report import render_card, render_report
from tasks.index.rows import count_not_indexed, rows_of_index
from tasks.index.search import Database, augment_all
from tasks.index.settings import IndexSettings
from tasks.publish.contracts import Published, published
from tasks.software import RETRIEVAL, describe_software

_READ = ["image_id", "sha256", "path", "width", "height"]


@stage("index", version=2, software=("numpy", "pandas", "faiss-cpu"), threads=None)
def build_index(run: Run, inputs: IndexInputs, settings: IndexSettings) -> Indexed:
    """Builds an index of all readable images of a version that could be described.

    Raises:
        InputError: no kind of index keeps within the budget, or faiss can't make the one that is asked for.
    """
    images = read_table(run.root, inputs.images, _READ).to_pandas()
    verdicts = read_table(run.root, inputs.verdicts, ["row", "image_id", "landmark_id", "reason"]).to_pandas()
    described = pa.concat_tables([read_table(run.root, ref) for ref in inputs.descriptors])
    row_of = {sha256: row for row, sha256 in enumerate(described["sha256"].to_pylist())}
    rows = rows_of_index(images, verdicts, row_of.keys())
    vectors = unpack_descriptors(described)[[row_of[sha256] for sha256 in rows.sha256]]
    if settings.augmented:
        vectors = augment_all(vectors, settings.augmented, settings.augmented_by)
    index, tried = _make(run, inputs.earlier, rows.faiss_id.to_numpy(np.int64), vectors, settings)
    undescribed = pa.concat_tables([read_table(run.root, ref) for ref in inputs.undescribed])
    reasons = dict(zip(undescribed["sha256"].to_pylist(), undescribed["reason"].to_pylist(), strict=True))
    sink = io.BytesIO()
    build.write(index, sink)
    paths, classes = rows.path.tolist(), rows.landmark_id.tolist()
    sheet = draw_nearest(nearest_of_classes(rows, vectors), classes, lambda row: get_image(run.root, paths[row]))
    return Indexed(
        indexed=run.write(INDEXED, pa.Table.from_pandas(rows, INDEXED.schema, preserve_index=False)),
        index=write_bytes(run.root, run.path("index", ".faiss"), sink.getvalue(), len(vectors)),
        vectors=write_bytes(run.root, run.path("vectors", ".npy"), vectors_file(vectors), len(vectors)),
        nearest=run.write_file("nearest.jpg", sheet),
        dimensions=vectors.shape[1],
        chosen=TriedIndex(**asdict(tried[-1])),
        tried=[TriedIndex(**asdict(one)) for one in tried],
        not_indexed=count_not_indexed(images, row_of.keys(), reasons),
    )


def _make(
    run: Run, earlier: EarlierIndex | None, numbers: Numbers, vectors: Vectors, settings: IndexSettings
) -> tuple[Index, list[Measured]]:
    """An index, changed from an earlier one where that can be; and the kinds that were measured, its own the last."""
    if earlier and not settings.augmented and (changed := _change(run, earlier, numbers, vectors)):
        return changed, [measure(Database(changed, numbers, vectors), earlier.factory, settings)]
    asked = settings.model_copy(update={"factory": earlier.factory}) if earlier else settings
    tried = list[Measured]()
    index, _ = choose(vectors, numbers, asked, tried.append)
    return index, tried


def _change(run: Run, earlier: EarlierIndex, numbers: Numbers, vectors: Vectors) -> Index | None:
    """An earlier index without what is gone, and with what is new; None where its kind lets nothing be removed."""
    index = build.parse(read_bytes(run.root, earlier.index), earlier.index.path)
    before = read_table(run.root, earlier.indexed, ["faiss_id"])["faiss_id"].to_numpy()
    if not build.remove(index, np.setdiff1d(before, numbers)):
        return None
    is_new = ~np.isin(numbers, before)
    build.add(index, numbers[is_new], vectors[is_new])
    return index


@stage("publish-index", version=2)
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
        yield "report/nearest.jpg", read_bytes(root, inputs.nearest)
        yield from render_report(manifest, read_table(root, results).to_pylist(), sorted(inputs.worst))
        for name, worst in inputs.worst.items():
            yield f"report/{name}/index.html", read_bytes(root, worst.page)
            for picture in read_table(root, worst.pictures).to_pylist():
                yield f"report/{name}/pictures/{picture['name']}", picture["jpeg"]

    made = publish_version(root, inputs.name, tables, facts, render, IndexManifest)
    return published(root, made, "manifest.json")
