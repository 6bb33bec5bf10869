import numpy as np
import pytest

from tasks.match.shortlist import DescriptorIndex


def photographs(count: int, size: int = 120, seed: int = 0) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [random.integers(0, 200, (size, 128), dtype=np.uint8) for _ in range(count)]


def like(descriptors: np.ndarray, noise: int = 15, seed: int = 1) -> np.ndarray:
    shaken = descriptors.astype(int) + np.random.default_rng(seed).integers(-noise, noise + 1, descriptors.shape)
    return np.clip(shaken, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("count", [1, 2, 30])
def test_the_photograph_itself_comes_first(count):
    known = photographs(count)
    index = DescriptorIndex(known)
    for place in range(count):
        assert index.nearest_photographs(like(known[place]), 5)[0] == place


def test_part_of_a_photograph_is_enough():
    known = photographs(20)
    query = np.concatenate([like(known[7][:25]), photographs(1, 100, seed=9)[0]])
    assert DescriptorIndex(known).nearest_photographs(query, 3)[0] == 7


@pytest.mark.parametrize("count", [1, 3, 100])
def test_at_most_so_many_and_none_twice(count):
    found = DescriptorIndex(photographs(10)).nearest_photographs(photographs(1, seed=5)[0], count)
    assert len(found) <= min(count, 10)
    assert len(set(found.tolist())) == len(found)
    assert found.dtype == np.int64


def test_photographs_without_a_vote_are_left_out():
    known = [*photographs(3), np.zeros((0, 128), np.uint8)]
    assert 3 not in DescriptorIndex(known).nearest_photographs(like(known[0]), 10)


def test_the_same_photographs_give_the_same_answers():
    known, query = photographs(25), photographs(1, seed=8)[0]
    first, again = (DescriptorIndex(known).nearest_photographs(query, 10) for _ in range(2))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("known", [[], [np.zeros((0, 128), np.uint8)]])
def test_an_index_of_nothing_finds_nothing(known):
    assert DescriptorIndex(known).nearest_photographs(photographs(1)[0], 5).tolist() == []


def test_a_picture_of_nothing_finds_nothing():
    assert DescriptorIndex(photographs(4)).nearest_photographs(np.zeros((0, 128), np.uint8), 5).tolist() == []


@pytest.mark.parametrize("copies", [2, 5, 8])
def test_a_photograph_that_a_test_set_holds_several_times_is_found(copies):
    known = [*photographs(10), *([photographs(1, seed=3)[0]] * copies)]
    found = DescriptorIndex(known).nearest_photographs(like(known[-1]), 20)
    assert set(range(10, 10 + copies)) & set(found.tolist())
