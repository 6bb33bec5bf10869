"""A budget decides which kind of index is made, and what is measured of it is so."""

import numpy as np
import pytest

from storage.errors import InputError
from tasks.index.choose import Measured, choose, kinds
from tasks.index.expansion import unit_length
from tasks.index.settings import IndexSettings

COUNT, DIMENSIONS = 3_000, 128
NUMBERS = np.arange(COUNT)


def descriptors() -> np.ndarray:
    rng = np.random.default_rng(0)
    return unit_length((rng.normal(size=(COUNT, DIMENSIONS)) / np.arange(1, DIMENSIONS + 1) ** 0.5).astype("f4"))


def chosen(**settings: object) -> tuple[list[Measured], Measured]:
    tried: list[Measured] = []
    _, measured = choose(descriptors(), NUMBERS, IndexSettings.model_validate(settings), tried.append)
    return tried, measured


def test_where_memory_allows_every_descriptor_stays_as_it_is():
    tried, measured = chosen(memory=1024, milliseconds=1000)
    assert tried == [measured]
    assert measured.factory == "Flat"
    assert (measured.recall, measured.recall_by_codes) == (1, 1)
    assert measured.bytes_per_vector == pytest.approx(4 * DIMENSIONS + 8, abs=1)


def test_what_can_not_fit_is_not_built_and_less_memory_takes_a_smaller_kind():
    tried, measured = chosen(memory=1, milliseconds=1000)
    assert [kind.factory for kind in tried] == ["SQ8"]
    assert measured.bytes_per_vector * COUNT < 2**20
    assert measured.recall_by_codes < measured.recall


def test_a_factory_string_is_made_whatever_it_takes():
    tried, measured = chosen(factory="PQ16x4np", memory=1, milliseconds=1e-9, rerank=0)
    assert tried == [measured]
    assert measured.recall == measured.recall_by_codes < 0.9


def test_a_kind_that_faiss_makes_and_can_not_search_is_told():
    with pytest.raises(InputError, match=r"index 'PQ64x2np' of 3,000 descriptors .* give another factory string"):
        chosen(factory="PQ64x2np")


def test_where_nothing_fits_an_error_says_so():
    with pytest.raises(
        InputError, match=r"no index of 3,000 descriptors of 128 dimensions keeps within 1,024 MB and 1e"
    ):
        chosen(milliseconds=1e-9)


def test_kinds_go_from_exact_to_small():
    found = list(kinds(200_000, 2_048))
    assert [name for name, _ in found[:4]] == ["Flat", "HNSW32", "SQ8", "PCA512,OPQ256,PQ256np"]
    assert found[-1] == ("PCA512,OPQ16,IVF1788,PQ16np", 24)
    assert [name for name, _ in kinds(5_000, 2_048)] == ["Flat", "HNSW32", "SQ8"]  # too few to learn codes from
    assert "OPQ64,PQ64np" in dict(kinds(200_000, 128))
