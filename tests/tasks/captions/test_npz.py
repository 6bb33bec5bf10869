import io
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import DamagedTableError
from tasks.captions.npz import from_npz, to_npz

MATRIX = sp.csr_array(np.array([[0, 0.6, 0.8], [0, 0, 0], [1, 0, 0]], np.float32))
PARTS = {"data": MATRIX.data, "indices": MATRIX.indices, "indptr": MATRIX.indptr, "shape": np.array([3, 3])}


def packed(*, compressed: bool = False, **changes: object) -> bytes:
    sink = io.BytesIO()
    save = np.savez_compressed if compressed else np.savez
    save(sink, **{**PARTS, "format": np.array(b"csr"), "_is_array": np.array(True), **changes})
    return sink.getvalue()


def test_the_file_is_what_scipy_opens_and_always_the_same(monkeypatch):
    content = to_npz(MATRIX)
    monkeypatch.setattr("time.time", lambda: 2e9)
    monkeypatch.setattr("time.localtime", lambda *_: (2033, 5, 18, 3, 33, 20, 2, 138, 0))
    assert to_npz(MATRIX) == content
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        assert {"data", "indices", "indptr", "shape", "format"} <= set(file)
        assert file["data"].dtype == np.float32
        assert file["indices"].dtype == np.int32
    assert (sp.load_npz(io.BytesIO(content)) != MATRIX).nnz == 0


@pytest.mark.parametrize("columns", [3, None])
def test_it_is_read_back(columns):
    assert (from_npz(to_npz(MATRIX), "w.npz", 3, columns) != MATRIX).nnz == 0
    assert from_npz(to_npz(sp.csr_array((2, 0), dtype=np.float32)), "w.npz", 2, 0).shape == (2, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"indices": np.array([1, 2, 7_000_000], np.int32)},
        {"indices": np.array([1, 2, -1], np.int32)},
        {"indices": np.array([1, 2], np.int32)},
        {"indptr": np.array([0, 9, 2, 3], np.int32)},
        {"indptr": np.array([0, 2, 2, 9], np.int32)},
        {"indptr": np.array([5, 2, 2, 3], np.int32)},
        {"indptr": np.array([0, 3], np.int32)},
        {"indptr": np.array([0, 5_000_000, 0, 0], np.int32), "data": np.zeros(0, np.float32),
         "indices": np.zeros(0, np.int32)},
        {"shape": np.array([3, 2])},
        {"shape": np.array([3, 4])},
        {"shape": np.array([2, 3])},
        {"shape": np.array([3, -3])},
        {"data": MATRIX.data.astype(np.float64)},
        {"data": np.array([{}, {}, {}], object)},
        {"format": np.array(b"csc")},
        {"format": np.array(b"dia")},
    ],
)  # fmt: skip
def test_a_matrix_that_contradicts_itself_or_its_tables_is_refused(changes):
    with pytest.raises(
        DamagedTableError, match=r"^w\.npz can't be used \(.*\); expected a CSR matrix of float32, 3 × 3"
    ):
        from_npz(packed(**changes), "w.npz", 3, 3)


@pytest.mark.parametrize("content", [b"", b"PK", pickle.dumps([1]), to_npz(MATRIX)[:-30], to_npz(MATRIX)[:200]])
def test_what_is_no_matrix_is_refused(content):
    with pytest.raises(DamagedTableError, match=r"w\.npz can't be used"):
        from_npz(content, "w.npz", 3)


def test_a_file_that_unfolds_to_more_than_it_is_is_refused():
    many = np.zeros(1_000_000, np.float32)
    with pytest.raises(DamagedTableError, match="unfolds to more than it is"):
        from_npz(packed(compressed=True, data=many), "w.npz", 3)


@given(st.lists(st.integers(-5, 9), min_size=3, max_size=3), st.lists(st.integers(-2, 6), min_size=4, max_size=4))
def test_whatever_the_indices_what_is_read_can_be_multiplied_with(indices, indptr):
    content = packed(indices=np.array(indices, np.int32), indptr=np.array(indptr, np.int32))
    try:
        matrix = from_npz(content, "w.npz", 3, 3)
    except DamagedTableError:
        return
    assert (matrix @ matrix.T).shape == (3, 3)
    np.testing.assert_allclose(matrix @ np.ones(3), matrix.toarray() @ np.ones(3), rtol=1e-6)
