import numpy as np
import pytest

from tasks.features.packed import Features
from tasks.match import shortlist as module
from tasks.match.settings import MatchSettings
from tasks.match.shortlist import DescriptorIndex, most_voted, shortlist


def frames(radii: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """Circles turned by angles, as the frames of keypoints, (n, 4)."""
    cos, sin = radii * np.cos(np.deg2rad(degrees)), radii * np.sin(np.deg2rad(degrees))
    return np.stack([cos, -sin, sin, cos], axis=1)


def photographs(count: int, size: int = 120, seed: int = 0) -> list[Features]:
    random = np.random.default_rng(seed)
    return [
        Features(
            np.column_stack(
                [random.uniform(0, 640, (size, 2)), frames(random.uniform(1, 20, size), random.uniform(0, 360, size))]
            ).astype(np.float32),
            random.integers(0, 200, (size, 128), dtype=np.uint8),
        )
        for _ in range(count)
    ]


NOTHING = Features(np.zeros((0, 6), np.float32), np.zeros((0, 128), np.uint8))


def like(known: Features, noise: int = 15, seed: int = 1, turn: float = 0.0, scale: float = 1.0) -> Features:
    """The same keypoints seen by a camera turned by so many degrees, so many times nearer."""
    shaken = known.descriptors.astype(int) + np.random.default_rng(seed).integers(
        -noise, noise + 1, known.descriptors.shape
    )
    camera = frames(np.array([scale]), np.array([turn])).reshape(2, 2)
    seen = (camera @ known.keypoints[:, 2:].reshape(-1, 2, 2)).reshape(-1, 4)
    keypoints = np.hstack([known.positions, seen]).astype(np.float32)
    return Features(keypoints, np.clip(shaken, 0, 255).astype(np.uint8))


def part(known: Features, count: int) -> Features:
    return Features(known.keypoints[:count], known.descriptors[:count])


def joined(*parts: Features) -> Features:
    return Features(
        np.concatenate([one.keypoints for one in parts]), np.concatenate([one.descriptors for one in parts])
    )


@pytest.mark.parametrize("count", [1, 2, 30])
def test_the_photograph_itself_comes_first(count):
    known = photographs(count)
    index = DescriptorIndex(known)
    for place in range(count):
        assert most_voted(index.votes(like(known[place])), 5)[0] == place


def test_part_of_a_photograph_is_enough():
    known = photographs(20)
    query = joined(like(part(known[7], 25)), photographs(1, 100, seed=9)[0])
    assert most_voted(DescriptorIndex(known).votes(query), 3)[0] == 7


@pytest.mark.parametrize("count", [1, 3, 100])
def test_at_most_so_many_and_none_twice(count):
    found = most_voted(DescriptorIndex(photographs(10)).votes(photographs(1, seed=5)[0]), count)
    assert len(found) <= min(count, 10)
    assert len(set(found.tolist())) == len(found)
    assert found.dtype == np.int64


def test_photographs_without_a_vote_are_left_out():
    known = [*photographs(3), NOTHING]
    assert 3 not in most_voted(DescriptorIndex(known).votes(like(known[0])), 10)


def test_the_same_photographs_give_the_same_answers():
    known, query = photographs(25), photographs(1, seed=8)[0]
    first, again = (most_voted(DescriptorIndex(known).votes(query), 10) for _ in range(2))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("known", [[], [NOTHING]])
def test_an_index_of_nothing_finds_nothing(known):
    assert most_voted(DescriptorIndex(known).votes(photographs(1)[0]), 5).tolist() == []


def test_a_picture_of_nothing_finds_nothing():
    assert most_voted(DescriptorIndex(photographs(4)).votes(NOTHING), 5).tolist() == []


@pytest.mark.parametrize("copies", [2, 5, 8])
def test_a_photograph_that_a_test_set_holds_several_times_is_found(copies):
    known = [*photographs(10), *([photographs(1, seed=3)[0]] * copies)]
    found = most_voted(DescriptorIndex(known).votes(like(known[-1])), 20)
    assert set(range(10, 10 + copies)) & set(found.tolist())


def test_an_index_too_large_to_look_at_whole_still_finds_the_photograph():
    known = photographs(120)  # 14,400 descriptors
    index = DescriptorIndex(known)
    assert [most_voted(index.votes(like(known[place])), 1)[0] for place in range(0, 120, 10)] == [*range(0, 120, 10)]


@pytest.mark.parametrize(("turn", "scale"), [(0, 1), (40, 1), (350, 2.6), (180, 0.3)])
def test_a_turned_and_scaled_photograph_gets_as_many_votes(turn, scale):
    known = photographs(10)
    index = DescriptorIndex(known)
    straight, other = index.votes(like(known[4])), index.votes(like(known[4], turn=turn, scale=scale))
    assert other.argmax() == 4
    assert other[4] > 0.9 * straight[4]


def test_votes_that_disagree_in_turn_and_scale_count_less():
    known = photographs(10)
    random = np.random.default_rng(5)
    shuffled = known[4].keypoints.copy()
    shuffled[:, 2:] = random.permutation(shuffled[:, 2:])
    votes = DescriptorIndex(known).votes(Features(shuffled, like(known[4]).descriptors))
    assert votes[4] < 0.5 * DescriptorIndex(known).votes(like(known[4]))[4]


# Pairs


def test_pairs_of_the_likeliest_photographs_come_first():
    known = photographs(6)
    near, far = like(known[1], noise=5), like(known[4], noise=40)
    settings = MatchSettings(candidates=2, min_votes=20)
    assert shortlist([*known, near, far], settings) == [(1, 6), (4, 7)]


def test_each_photograph_has_at_most_so_many_candidates():
    alike = [like(photographs(1)[0], seed=seed) for seed in range(12)]
    found = shortlist(alike, MatchSettings(candidates=2, min_votes=1))
    assert all(a < b for a, b in found)
    assert len(found) == len(set(found)) <= 24
    assert {place for pair in found for place in pair} == set(range(12))


def test_blocks_find_what_one_index_finds(monkeypatch):
    known = photographs(8)
    several = [*known, *(like(photograph, seed=3) for photograph in known)]
    settings = MatchSettings(candidates=1, min_votes=20)
    whole = shortlist(several, settings)
    monkeypatch.setattr(module, "BLOCK", 5)
    assert set(shortlist(several, settings)) == set(whole) == {(n, n + 8) for n in range(8)}
