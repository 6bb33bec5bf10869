"""An index finds what faiss finds when it is used directly, takes changes, and comes back from its file."""

from functools import cache

import faiss
import numpy as np
import pytest

from storage.errors import InputError
from tasks.index import build
from tasks.index.expansion import unit_length
from tasks.index.search import Database, augment_all, recall, search_exactly

KINDS = ["Flat", "PCA8,Flat", "PQ8x4np", "PCA8,OPQ4_8,PQ4x4np", "IVF4,PQ8x4np", "PCA8,IVF4,Flat", "HNSW8"]


def unit_vectors(count: int, dimensions: int = 16, seed: int = 0) -> np.ndarray:
    """Around a few centres, as descriptors of classes lie."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(12, dimensions))
    return unit_length(
        (centres[rng.integers(12, size=count)] + 0.4 * rng.normal(size=(count, dimensions))).astype("f4")
    )


def database(factory: str = "Flat", count: int = 600) -> Database:
    vectors = unit_vectors(count)
    numbers = np.sort(np.random.default_rng(1).choice(2**62, count, replace=False))
    index = faiss.deserialize_index(learnt(factory, count))
    build.add(index, numbers, vectors)
    return Database(index, numbers, vectors)


@cache
def learnt(factory: str, count: int) -> np.ndarray:
    return faiss.serialize_index(build.learn(unit_vectors(count), factory, probes=4))


@pytest.mark.parametrize("factory", KINDS)
def test_by_codes_alone_it_finds_what_faiss_finds(factory):
    base, queries = database(factory), unit_vectors(20, seed=5)
    plain = faiss.index_factory(16, factory)
    lists = faiss.try_extract_index_ivf(plain)
    if lists is not None:
        lists.nprobe = 4
    if "OPQ" in factory:
        faiss.downcast_VectorTransform(plain.chain.at(1)).niter = 10
    plain.train(base.vectors)
    plain.add(base.vectors)
    distances, indices = plain.search(queries, 7)
    found = base.search(queries, 7, rerank=0)
    np.testing.assert_array_equal(found.rows, indices)
    np.testing.assert_allclose(found.similarities, 1 - distances / 2, atol=1e-6)


@pytest.mark.parametrize("factory", KINDS)
def test_ranking_candidates_again_is_what_faiss_does_to_refine(factory):
    base, queries = database(factory), unit_vectors(20, seed=5)
    coded = base.search(queries, 50, rerank=0).rows
    found = base.search(queries, 5, rerank=10)
    for row, candidates in enumerate(coded):
        exact = base.vectors[candidates] @ queries[row]
        expected = candidates[np.argsort(-exact, kind="stable")[:5]]
        np.testing.assert_array_equal(found.rows[row], expected)
        np.testing.assert_allclose(found.similarities[row], np.sort(exact)[::-1][:5], atol=1e-6)


def test_ranking_again_finds_more_of_the_nearest():
    base, queries = database("PQ4x4np"), unit_vectors(50, seed=5)
    exact = search_exactly(base.vectors, queries, 10).rows
    by_codes, ranked = (recall(base.search(queries, 10, rerank).rows, exact) for rerank in (0, 10))
    assert by_codes < 0.8 < 0.95 < ranked


def test_an_exact_index_has_every_nearest_image():
    base, queries = database("Flat"), unit_vectors(50, seed=5)
    found = base.search(queries, 10, rerank=10)
    expected = np.sort(queries @ base.vectors.T, axis=1)[:, ::-1][:, :10]
    np.testing.assert_allclose(found.similarities, expected, atol=1e-6)
    assert recall(found.rows, search_exactly(base.vectors, queries, 10).rows) == 1


def test_more_than_there_is():
    base = database(count=3)
    found = base.search(unit_vectors(2, seed=5), 5, rerank=10)
    assert (found.rows >= 0).sum(axis=1).tolist() == [3, 3]
    assert found.rows[:, 3:].tolist() == [[-1, -1]] * 2
    assert (found.similarities[:, 3:] == -1).all()


@pytest.mark.parametrize("factory", KINDS[:-1])
def test_what_changes_is_added_and_removed(factory):
    base, more = database(factory), unit_vectors(30, seed=7)
    gone, new = base.numbers[::3], np.arange(30) + 2**62
    assert build.remove(base.index, gone)
    build.add(base.index, new, more)
    kept = ~np.isin(base.numbers, gone)
    numbers, vectors = np.concatenate([base.numbers[kept], new]), np.concatenate([base.vectors[kept], more])
    changed = Database(base.index, numbers, vectors)
    assert changed.index.ntotal == len(numbers)
    own = changed.search(vectors, 1, rerank=20).rows[:, 0]
    assert (own == np.arange(len(numbers))).mean() > 0.95  # a code may hide a twin of its class


def test_a_graph_takes_no_removal_and_is_left_as_it_was():
    base = database("PCA8,HNSW8")
    assert not build.remove(base.index, base.numbers[:5])
    assert base.index.ntotal == len(base.numbers)
    assert build.remove(base.index, base.numbers[:0])


@pytest.mark.parametrize("mapped", [True, False])
@pytest.mark.parametrize("factory", KINDS)
def test_the_file_of_an_index_gives_the_same_answers(tmp_path, factory, mapped):
    base, queries = database(factory), unit_vectors(20, seed=5)
    with (tmp_path / "index.faiss").open("wb") as file:
        build.write(base.index, file)
    assert (tmp_path / "index.faiss").stat().st_size == build.bytes_per_vector(base.index) * 600
    path = tmp_path / "index.faiss"
    read = build.read(path) if mapped else build.parse(path.read_bytes(), path.name)
    again = Database(read, base.numbers, base.vectors)
    for one, other in zip(base.search(queries, 5, 0), again.search(queries, 5, 0), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("factory", KINDS)
def test_an_index_of_other_descriptors_keeps_what_it_has_learnt(factory):
    base, others = database(factory), unit_vectors(50, seed=7)
    learnt = build.refill(base.index, np.arange(50), others)
    assert learnt.ntotal == 50
    found = Database(learnt, np.arange(50), others).search(others, 5, rerank=10).rows[:, 0]
    assert (found == np.arange(50)).mean() > 0.9


@pytest.mark.parametrize("content", [b"", b"no index", b"IxPT" + bytes(200)])
def test_what_is_no_index_is_refused(tmp_path, content):
    (tmp_path / "index.faiss").write_bytes(content)
    with pytest.raises(InputError, match=r"index\.faiss: not an index that faiss .* reads; build it anew"):
        build.read(tmp_path / "index.faiss")
    with pytest.raises(InputError, match=r"index\.faiss: not an index that faiss .* reads; build it anew"):
        build.parse(content, "index.faiss")


@pytest.mark.parametrize(
    ("factory", "said"),
    [
        ("Flt", "Flt"),
        ("PQ5x4np", "multiple of the number of subquantizers"),
        ("IVF1000,Flat", "should be at least as large"),
    ],
)
def test_what_faiss_cannot_make_is_told(factory, said):
    with pytest.raises(InputError, match=f"index '{factory}' of 600 descriptors of 16 dimensions: .*{said}.*; give"):
        database(factory)


def test_numbers_come_from_digests_and_two_of_one_are_refused():
    digests = ["ff" * 32, "00" * 31 + "01", "80" + "00" * 31]
    assert build.numbers_of(digests).tolist() == [2**63 - 1, 0, 2**62]
    with pytest.raises(InputError, match=f"images {'0' * 64} and {digests[1]} have one number"):
        build.numbers_of(["0" * 64, *digests])


def test_expanding_searches_with_the_mean_of_what_was_found():
    base, queries = database(), unit_vectors(4, seed=5)
    nearest = search_exactly(base.vectors, queries, 3).rows
    expected = unit_length(queries + base.vectors[nearest].sum(axis=1))
    np.testing.assert_allclose(base.expand(queries, 3, 0.0, rerank=10), expected, atol=1e-6)


def test_expanding_by_more_than_there_is_takes_all():
    base, queries = database(count=3), unit_vectors(4, seed=5)
    expected = unit_length(queries + base.vectors.sum(axis=0))
    np.testing.assert_allclose(base.expand(queries, 50, 0.0, rerank=10), expected, atol=1e-6)


def test_augmenting_averages_each_image_with_its_nearest():
    vectors = unit_vectors(60)
    similarity = vectors @ vectors.T
    order = np.argsort(-similarity, axis=1)[:, :4]
    weights = np.array([1, 1, 2 / 3, 1 / 3])  # (k - r + 1) / k of the authors' code
    expected = unit_length(np.einsum("r,nrd->nd", weights, vectors[order]).astype("f4"))
    np.testing.assert_allclose(augment_all(vectors, 3), expected, atol=1e-5)


def test_recall_counts_what_there_is():
    assert recall(np.array([[3, 1, 7], [5, -1, -1]]), np.array([[1, 2, 3], [5, -1, -1]])) == 3 / 4
    assert recall(np.zeros((0, 3), int), np.zeros((0, 3), int)) == 0
