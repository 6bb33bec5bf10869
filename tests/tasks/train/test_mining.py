"""What is mined is the hardest that a look at all triplets finds, of what may be a triplet; draws follow the seed."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import InputError
from tasks.train.mining import JUNK, Labels, draw_pool, draw_triplets, mine_triplets
from tasks.train.settings import MiningSettings

SEEDS = st.integers(0, 2**32 - 1)


def labels_of(classes, pictures=None, verified=None):
    numbers = range(len(classes)) if pictures is None else pictures
    return Labels(np.array(classes), np.array(numbers), None if verified is None else np.array(verified).reshape(-1, 2))


def at_angles(*degrees):
    angles = np.deg2rad(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def random_images(seed, count=14):
    """Labels with copies, junk and verified pairs, and descriptors, of which some are equal."""
    random = np.random.default_rng(seed)
    descriptors = random.normal(size=(count, 3)).round(1) + 0.05
    verified = random.integers(0, count, (40, 2)) if seed % 2 else None
    labels = labels_of(random.integers(JUNK, 3, count), random.integers(0, count, count), verified)
    return labels, descriptors / np.linalg.norm(descriptors, axis=1, keepdims=True)


def every_triplet(labels, pool, descriptors, margin):
    """The loss of each triplet of a pool that may be one and loses something."""
    verified = None if labels.verified is None else {frozenset(pair) for pair in labels.verified.tolist()}
    losses = {}
    for q, p, n in itertools.product(range(len(pool)), repeat=3):
        query, positive, negative = (int(pool[index]) for index in (q, p, n))
        classes, pictures = labels.classes[[query, positive, negative]], labels.pictures[[query, positive, negative]]
        allied = [verified is not None and frozenset((query, other)) in verified for other in (positive, negative)]
        if classes[0] == classes[1] and classes[0] != classes[2] and pictures[0] not in pictures[1:]:
            loss = margin + descriptors[q] @ descriptors[n] - descriptors[q] @ descriptors[p]
            if (verified is None or allied[0]) and not allied[1] and loss > 0:
                losses[query, positive, negative] = loss
    return losses


def test_the_hardest_first_as_by_hand():
    # Seen from 0°, cosines with 10°, 60° and the negative at 30° are .98, .50 and .87. From 10° they are .98 with 0°,
    # .64 and .94, and from 60° .50 with 0°, .64 with 10° and .87. So all pairs but 0° with 10°, seen from 0°, lose.
    mined = mine_triplets(labels_of([0, 0, 0, 1]), np.arange(4), at_angles(0, 10, 60, 30), margin=0.1, hardest=25)
    assert mined.tolist() == [[0, 2, 3], [1, 2, 3], [1, 0, 3], [2, 0, 3], [2, 1, 3]]


@given(SEEDS, st.integers(1, 6), st.floats(0.05, 0.8))
def test_they_are_the_hardest_of_all_there_are(seed, hardest, margin):
    labels, descriptors = random_images(seed)
    pool = draw_pool(labels, MiningSettings(pool=11, seed=seed), 0)
    expected = every_triplet(labels, pool, descriptors[pool], margin)
    try:
        mined = mine_triplets(labels, pool, descriptors[pool], margin, hardest)
    except InputError:
        assert not expected
        return
    assert len({*map(tuple, mined.tolist())}) == len(mined)
    for query in pool.tolist():
        losses = sorted((loss for triplet, loss in expected.items() if triplet[0] == query), reverse=True)
        found = [expected[tuple(triplet)] for triplet in mined[mined[:, 0] == query].tolist()]
        assert np.allclose(found, losses[:hardest])


def test_of_the_class_only_what_is_verified_is_a_positive_and_the_rest_is_no_negative():
    labels = labels_of([0, 0, 0, 1, 1], verified=[[0, 1], [0, 3]])
    mined = mine_triplets(labels, np.arange(5), at_angles(0, 90, 30, 10, 20), margin=0.1, hardest=25)
    assert mined[mined[:, 0] == 0].tolist() == [[0, 1, 4]]  # 2 is not verified with it, and 3 is across the classes
    assert {*mined[:, 0].tolist()} == {0, 1}


def test_copies_are_neither_positives_nor_negatives_of_each_other():
    labels = labels_of([0, 0, 0, 1, 1], pictures=[7, 7, 1, 7, 3])
    mined = mine_triplets(labels, np.arange(5), at_angles(0, 0, 80, 0, 40), margin=0.1, hardest=25)
    assert mined[mined[:, 0] == 0].tolist() == [[0, 2, 4]]


def test_junk_is_in_no_pool():
    labels = labels_of([JUNK, 0, 0, JUNK, 1])
    assert draw_pool(labels, MiningSettings(pool=4), 0).tolist() == [1, 2, 4]


def test_only_losses_above_zero_are_mined():
    mined = mine_triplets(labels_of([0, 0, 1]), np.arange(3), at_angles(0, 5, 120), margin=0.1, hardest=25)
    assert mined.shape == (0, 3)


@pytest.mark.parametrize(
    ("classes", "said"), [([0, 1, 2], "none that can be a positive"), ([0, 0, 0], "none that can be a negative")]
)
def test_a_pool_without_sides_is_refused(classes, said):
    with pytest.raises(InputError, match=said):
        mine_triplets(labels_of(classes), np.arange(3), at_angles(0, 1, 2), margin=0.1, hardest=25)


def test_pools_follow_seed_and_number():
    labels = labels_of(np.arange(300) % 20)
    pools = [draw_pool(labels, MiningSettings(pool=50, seed=seed), number) for seed in (0, 1) for number in (0, 1)]
    assert len({pool.tobytes() for pool in pools}) == 4
    assert all(len({*pool.tolist()}) == 50 and (np.diff(pool) > 0).all() for pool in pools)
    assert np.array_equal(pools[3], draw_pool(labels, MiningSettings(pool=50, seed=1), 1))


def test_draws_follow_seed_and_iteration():
    mined = np.array([[0, 1, 9], [0, 2, 9], [0, 2, 8], [4, 5, 9]])
    drawn = [draw_triplets(mined, MiningSettings(seed=seed), number) for seed in (0, 1) for number in (0, 1)]
    assert len({batch.tobytes() for batch in drawn}) == 4
    assert np.array_equal(drawn[3], draw_triplets(mined, MiningSettings(seed=1), 1))


def test_queries_are_drawn_evenly_and_then_their_triplets():
    mined = np.array([[0, 1, 9], [0, 2, 9], [0, 2, 8], [4, 5, 9]])
    triplets, counts = np.unique(draw_triplets(mined, MiningSettings(batch=6000), 0), axis=0, return_counts=True)
    assert triplets.tolist() == sorted(mined.tolist())
    assert np.allclose(counts, [1000, 1000, 1000, 3000], atol=150)  # 3.9 standard deviations of the last
