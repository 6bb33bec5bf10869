"""An index is a version of its own kind, found and proven as the others are."""

import pyarrow as pa
import pytest

from storage.errors import DamagedTableError
from storage.manifest import IndexFacts, IndexManifest, NetworkFacts, NetworkManifest, TriedIndex
from storage.parquet import read_bytes, write_bytes, write_table
from storage.tables.retrieval import INDEX_TABLES
from storage.tables.training import NETWORK_FILES, NETWORK_TABLES, TEXT_FILES
from storage.versions import find_version, list_damage_of, point_latest, publish_version, version_table

KIND = TriedIndex(factory="Flat", bytes_per_vector=40, recall=1, recall_by_codes=1, milliseconds=0.5)
FACTS = IndexFacts(
    settings={}, software={}, source="landmarks/1-0123456789ab", source_digest="01" * 32, network="ab" * 32,
    dimensions=8, chosen=KIND, tried=[KIND], not_indexed={},
)  # fmt: skip
TRAINED = NetworkFacts(
    settings={}, software={}, source="landmarks/1-0123456789ab", source_digest="01" * 32, start="cd" * 32,
    network="ab" * 32, dimensions=8, photographs=0, iterations=0, best=0, certificates={}, environment={},
)  # fmt: skip


def publish_index(root, mark: bytes) -> IndexManifest:
    tables = {
        spec.name: write_table(root, f"stages/x/{spec.name}.parquet", spec, pa.Table.from_pylist([], spec.schema))
        for spec in INDEX_TABLES
    }
    files = {
        "index": write_bytes(root, "stages/x/index.faiss", mark, 1),
        "vectors": write_bytes(root, "stages/x/vectors.npy", mark, 1),
        "whitening": write_bytes(root, "stages/x/whitening.safetensors", b"layers", 8),
    }
    return publish_version(root, "landmarks", tables | files, FACTS, lambda _: [], IndexManifest)


def test_an_index_is_found_with_its_facts_and_files(root):
    made = publish_index(root, b"first")
    point_latest(root, made)
    found = find_version(root, "landmarks", "latest", IndexManifest)
    assert found == made
    assert found.folder == f"indexes/landmarks/1-{found.digest[:12]}"
    assert (found.chosen.recall, found.not_indexed, found.source) == (1, {}, "landmarks/1-0123456789ab")
    assert {ref.path for ref in found.tables.values()} == {
        "index.faiss", "vectors.npy", "whitening.safetensors", "indexed.parquet", "results.parquet",
    }  # fmt: skip
    assert publish_index(root, b"first") == made
    assert publish_index(root, b"second").number == 2


def test_an_index_that_was_changed_is_told_and_not_read(root):
    made = publish_index(root, b"first")
    root.write(f"{made.folder}/index.faiss", b"other")
    assert [line for line in list_damage_of(root, made) if "index.faiss" in line]
    with pytest.raises(DamagedTableError, match=r"index\.faiss was changed or damaged"):
        read_bytes(root, version_table(made, "index"))


def test_a_network_may_have_more_than_every_network_has(root):
    """One that learned from captions has texts beside its backbone and whitening: they count for its digest."""
    tables = {
        spec.name: write_table(root, f"stages/x/{spec.name}.parquet", spec, pa.Table.from_pylist([], spec.schema))
        for spec in NETWORK_TABLES
    }
    files = {name: write_bytes(root, f"stages/x/{name}.safetensors", b"layers", 8) for name in NETWORK_FILES}
    text = {name: write_bytes(root, f"stages/x/{name}.safetensors", b"layers", 8) for name in TEXT_FILES}
    plain = publish_version(root, "landmarks", tables | files, TRAINED, lambda _: [], NetworkManifest)
    both = publish_version(root, "landmarks", tables | files | text, TRAINED, lambda _: [], NetworkManifest)
    assert plain.digest != both.digest
    assert set(both.tables) - set(plain.tables) == set(TEXT_FILES)
    assert read_bytes(root, version_table(both, "text")) == b"layers"
    assert list_damage_of(root, both) == []
