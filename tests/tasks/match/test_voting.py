"""The index of descriptors: whose photograph is voted for."""

import numpy as np
import pytest

from tasks.features.packed import Features
from tasks.match.voting import DescriptorIndex, most_voted

NOTHING = Features(np.zeros((0, 6), np.float32), np.zeros((0, 128), np.uint8))


def part(known: Features, count: int) -> Features:
    return Features(known.keypoints[:count], known.descriptors[:count])


def joined(*parts: Features) -> Features:
    return Features(
        np.concatenate([one.keypoints for one in parts]), np.concatenate([one.descriptors for one in parts])
    )


@pytest.mark.parametrize("count", [1, 2, 30])
def test_the_photograph_itself_comes_first(count, photographs, like):
    known = photographs(count)
    index = DescriptorIndex(known)
    for number in range(count):
        assert most_voted(index.votes(like(known[number])), 5)[0] == number


def test_part_of_a_photograph_is_enough(photographs, like):
    known = photographs(20)
    query = joined(like(part(known[7], 25)), photographs(1, 100, seed=9)[0])
    assert most_voted(DescriptorIndex(known).votes(query), 3)[0] == 7


@pytest.mark.parametrize("count", [1, 3, 100])
def test_at_most_so_many_and_none_twice(count, photographs):
    found = most_voted(DescriptorIndex(photographs(10)).votes(photographs(1, seed=5)[0]), count)
    assert len(found) <= min(count, 10)
    assert len(set(found.tolist())) == len(found)
    assert found.dtype == np.int64


def test_photographs_without_a_vote_are_left_out(photographs, like):
    known = [*photographs(3), NOTHING]
    assert 3 not in most_voted(DescriptorIndex(known).votes(like(known[0])), 10)


def test_the_same_photographs_give_the_same_answers(photographs):
    known, query = photographs(25), photographs(1, seed=8)[0]
    first, again = (most_voted(DescriptorIndex(known).votes(query), 10) for _ in range(2))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("known", [[], [NOTHING]])
def test_an_index_of_nothing_finds_nothing(known, photographs):
    assert most_voted(DescriptorIndex(known).votes(photographs(1)[0]), 5).tolist() == []


def test_a_picture_of_nothing_finds_nothing(photographs):
    assert most_voted(DescriptorIndex(photographs(4)).votes(NOTHING), 5).tolist() == []


@pytest.mark.parametrize("copies", [2, 5, 8])
def test_a_photograph_that_a_test_set_holds_several_times_is_found(copies, photographs, like):
    known = [*photographs(10), *([photographs(1, seed=3)[0]] * copies)]
    found = most_voted(DescriptorIndex(known).votes(like(known[-1])), 20)
    assert set(range(10, 10 + copies)) & set(found.tolist())


def test_an_index_too_large_to_look_at_whole_still_finds_the_photograph(photographs, like):
    known = photographs(120)  # 14,400 descriptors
    index = DescriptorIndex(known)
    assert [most_voted(index.votes(like(known[number])), 1)[0] for number in range(0, 120, 10)] == [*range(0, 120, 10)]


@pytest.mark.parametrize("count", [20, 120])
def test_a_photograph_of_the_index_gets_the_same_votes_by_its_index(count, photographs, like):
    known = [*photographs(count, 300), *photographs(1, 1600, seed=2), NOTHING]
    known[1] = like(known[0])
    index = DescriptorIndex(known)
    for number in (0, 1, count - 1, count, count + 1):
        for told, looked_up in zip(index.ask(known[number], number), index.ask(known[number]), strict=True):
            np.testing.assert_array_equal(told, looked_up)


@pytest.mark.parametrize(("turn", "scale"), [(0, 1), (40, 1), (350, 2.6), (180, 0.3)])
def test_a_turned_and_scaled_photograph_gets_as_many_votes(turn, scale, photographs, like):
    known = photographs(10)
    index = DescriptorIndex(known)
    straight, other = index.votes(like(known[4])), index.votes(like(known[4], turn=turn, scale=scale))
    assert other.argmax() == 4
    assert other[4] > 0.9 * straight[4]


def test_votes_that_disagree_in_turn_and_scale_count_less(photographs, like):
    known = photographs(10)
    random = np.random.default_rng(5)
    shuffled = known[4].keypoints.copy()
    shuffled[:, 2:] = random.permutation(shuffled[:, 2:])
    votes = DescriptorIndex(known).votes(Features(shuffled, like(known[4]).descriptors))
    assert votes[4] < 0.5 * DescriptorIndex(known).votes(like(known[4]))[4]
