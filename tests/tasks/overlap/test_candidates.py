import numpy as np
import pytest

from tasks.features.packed import Features
from tasks.match.voting import DescriptorIndex
from tasks.overlap.candidates import propose
from tasks.overlap.settings import OverlapSettings


def scatter(seed: int, count: int = 24) -> Features:
    """Keypoints at random with descriptors of their own."""
    random = np.random.default_rng(seed)
    frames = np.tile(np.array([4, 0, 0, 4], np.float32), (count, 1))
    keypoints = np.hstack([random.uniform(20, 580, (count, 2)).astype(np.float32), frames])
    return Features(keypoints, random.integers(0, 256, (count, 128), dtype=np.uint8))


@pytest.mark.parametrize(("photographs", "share", "found"), [(50, 1.5, False), (400, 1.5, True), (400, 2.5, False)])
def test_among_many_photographs_fewer_votes_are_enough(photographs, share, found):
    index = DescriptorIndex([scatter(seed) for seed in range(photographs)])
    votes = index.votes(scatter(7))[7]
    settings = OverlapSettings(min_votes=share * votes)
    assert (7 in {number for number, _ in propose(scatter(7), 600, index, settings)}) == found
