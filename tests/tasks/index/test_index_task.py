"""An index of another version is changed by what is new and gone, or built anew where its kind can't be changed."""

import hashlib

import faiss
import numpy as np
import pytest

from storage.parquet import read_table
from storage.root import Root
from storage.tables.acquisition import IMAGES
from storage.tables.descriptors import UNDESCRIBED, descriptors_of
from storage.tables.versions import VERDICTS
from tasks.contracts import Run
from tasks.describe.packed import pack_descriptors
from tasks.index import build
from tasks.index.contracts import EarlierIndex, IndexInputs
from tasks.index.expansion import unit_length
from tasks.index.settings import IndexSettings
from tasks.index.task import build_index
from tests.rows import image_row, write

DIMENSIONS = 16
VECTORS = unit_length(np.random.default_rng(0).normal(size=(400, DIMENSIONS)).astype("f4"))
DIGESTS = [hashlib.sha256(bytes([number % 256, number // 256])).hexdigest() for number in range(400)]


@pytest.fixture
def root(tmp_path):
    return Root(str(tmp_path / "root"))


def make(root, numbers, settings, earlier=None, key="index-1"):
    """Builds an index of the images of these numbers."""
    rows = [image_row(str(number), sha256=DIGESTS[number]) for number in numbers]
    verdicts = [
        {
            "row": row, "image_id": str(number), "landmark_id": "c", "verdict": "dropped", "stage": "s",
            "reason": "no-match", "evidence": "{}", "split": None, "sha256": DIGESTS[number],
        }
        for row, number in enumerate(numbers)
    ]  # fmt: skip
    packed = pack_descriptors({DIGESTS[number]: VECTORS[number] for number in numbers}, "ab" * 32, DIMENSIONS)
    run = Run(root, key)
    inputs = IndexInputs(
        images=write(root, IMAGES, rows),
        verdicts=write(root, VERDICTS, verdicts),
        descriptors=[run.write(descriptors_of(DIMENSIONS), packed)],
        undescribed=[run.write_rows(UNDESCRIBED, [])],
        earlier=earlier,
    )
    return build_index(run, inputs, settings)


def change(root, factory, after, **settings):
    """Builds an index of the first 300 images, and from it one of others; gives the second, and both indexes."""
    first = make(root, range(300), IndexSettings(factory=factory, **settings))
    earlier = EarlierIndex(index=first.index, indexed=first.indexed, factory=factory)
    second = make(root, after, IndexSettings(**settings), earlier, "index-2")
    return second, *(build.parse(root.read(made.index.path), "index") for made in (first, second))


@pytest.mark.parametrize("factory", ["Flat", "PQ4x4np", "IVF4,PQ4x4np"])
def test_what_both_versions_have_keeps_its_code_and_the_others_come_and_go(root, factory):
    after = [*range(100, 400)]
    second, before, now = change(root, factory, after, probes=4)
    numbers = read_table(root, second.indexed)["faiss_id"].to_numpy()
    assert sorted(numbers) == sorted(build.numbers_of([DIGESTS[number] for number in after]))
    assert now.ntotal == 300
    assert second.chosen.factory == factory
    build.remove(before, build.numbers_of(DIGESTS[:100]))
    build.add(before, build.numbers_of(DIGESTS[300:]), VECTORS[300:])
    for found, expected in zip(now.search(VECTORS[:20], 10), before.search(VECTORS[:20], 10), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_graph_grows_and_is_built_anew_where_something_is_gone(root):
    grown, _, now = change(root, "HNSW8", range(400))
    assert (grown.chosen.factory, now.ntotal) == ("HNSW8", 400)
    fewer, _, now = change(root, "HNSW8", range(50, 300))
    assert (fewer.chosen.factory, now.ntotal) == ("HNSW8", 250)
    assert fewer.chosen.recall > 0.9


def test_averaged_images_are_averaged_anew(root):
    second, _, now = change(root, "Flat", range(100, 400), augmented=3)
    vectors = np.load(root.local_path(second.vectors.path))
    assert not np.isin(vectors, VECTORS).all(axis=1).any()
    flat = faiss.downcast_index(now.index)
    np.testing.assert_array_equal(flat.reconstruct_n(0, 300), vectors)
