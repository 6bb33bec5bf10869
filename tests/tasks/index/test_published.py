"""An index comes back from its files as it was; files that don't fit are refused, and nothing is unpickled."""

import pickle

import numpy as np
import pytest

from storage.errors import InputError
from tasks.index import build
from tasks.index.expansion import unit_length
from tasks.index.published import open_database, vectors_file

VECTORS = unit_length(np.random.default_rng(0).normal(size=(40, 8)).astype("f4"))
NUMBERS = np.arange(40) * 10


@pytest.fixture
def files(tmp_path):
    index = build.learn(VECTORS, "Flat", 1)
    build.add(index, NUMBERS, VECTORS)
    with (tmp_path / "index.faiss").open("wb") as file:
        build.write(index, file)
    (tmp_path / "vectors.npy").write_bytes(vectors_file(VECTORS))
    return tmp_path / "index.faiss", tmp_path / "vectors.npy"


def test_what_was_written_finds_what_it_did(files):
    database = open_database(*files, NUMBERS)
    assert isinstance(database.vectors, np.memmap)
    assert database.search(VECTORS[:5], 1, 10).rows[:, 0].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (vectors_file(VECTORS[:39]), r"float32 \(39, 8\), expected float32 \(40, 8\); build the index anew"),
        (vectors_file(VECTORS[:, :7]), r"float32 \(40, 7\), expected float32 \(40, 8\)"),
        (vectors_file(VECTORS)[:-4], "not a whole .npy file of numbers; build the index anew"),
        (pickle.dumps(VECTORS), "not a whole .npy file of numbers"),
        (b"", "not a whole .npy file"),
    ],
)
def test_descriptors_that_do_not_fit_are_refused(files, content, said):
    files[1].write_bytes(content)
    with pytest.raises(InputError, match=f"vectors.npy: {said}"):
        open_database(*files, NUMBERS)


def test_objects_in_place_of_numbers_are_refused(files):
    with files[1].open("wb") as file:
        np.save(file, np.array([{}] * 40, object), allow_pickle=True)
    with pytest.raises(InputError, match=r"not a whole \.npy file of numbers"):
        open_database(*files, NUMBERS)


def test_a_table_of_other_images_is_refused(files):
    with pytest.raises(InputError, match="an index of 40 images beside a table of 39; build"):
        open_database(*files, NUMBERS[:39])
