"""The lists of descriptors alike."""

import numpy as np

from tasks.match.inverted import InvertedFile


def test_a_descriptor_finds_itself_first(photographs):
    known = photographs(100)
    inverted = InvertedFile(known)
    descriptors = known[40].descriptors.astype(np.float32)
    _, found = inverted.search(descriptors, 5, None)
    assert np.mean(found[:, 0] == 40 * 120 + np.arange(120)) > 0.95
    squares, by_index = inverted.search(descriptors, 5, 40)
    np.testing.assert_array_equal(found, by_index)
    assert (np.diff(squares, axis=1)[found[:, 1:] >= 0] >= 0).all()


def test_what_is_near_is_found_though_few_lists_are_looked_through(photographs, like):
    known = photographs(100)
    inverted = InvertedFile(known)
    for noise, share in (
        (10, 0.99),
        (30, 0.97),
    ):  # with two centres of a half looked at in place of three 0.94, with one 0.7
        asked = [like(one, noise=noise).descriptors.astype(np.float32) for one in known[::10]]
        found = [inverted.search(descriptors, 1, None)[1][:, 0] // 120 for descriptors in asked]
        assert np.mean(np.array(found) == np.arange(0, 100, 10)[:, None]) > share


def test_codes_keep_distances(photographs):
    """Of descriptors that, as those of photographs, vary in some directions only: here in 40."""
    known, random = photographs(100), np.random.default_rng(3)
    directions = random.normal(0, 6, (40, 128))
    for photograph in known:
        photograph.descriptors[:] = np.clip(128 + random.normal(0, 1, (120, 40)) @ directions, 0, 255)
    every = np.concatenate([photograph.descriptors for photograph in known]).astype(np.float32)
    asked = known[7].descriptors.astype(np.float32)
    squares, found = InvertedFile(known).search(asked, 10, None)
    exact = ((asked[:, None] - every[found[:, 1:]]) ** 2).sum(axis=-1)
    assert np.mean(np.abs(squares[:, 1:] / exact - 1)) < 0.05


def test_once_enough_is_seen_no_further_list_is_begun(photographs):
    """A watermark on every photograph fills a list of its own: what asks with it sees no other, and the rest go on."""
    known = photographs(60, 400)
    for photograph in known:
        photograph.descriptors[:150] = 80  # in the midst of the others: lists beside it are not empty
    inverted = InvertedFile(known)
    descriptors = known[30].descriptors[[0, 300]].astype(np.float32)
    _, (mark, other) = inverted.search(descriptors, 24_000, None)
    assert 60 * 150 <= np.count_nonzero(mark >= 0) < 9500  # with the lists beside it some 12,700
    assert other[0] == 30 * 400 + 300
    assert np.count_nonzero(other >= 0) > 400
    whole = known[30].descriptors.astype(np.float32)
    np.testing.assert_array_equal(inverted.search(whole, 20, None)[1], inverted.search(whole, 20, 30)[1])


def test_the_same_photographs_make_the_same_lists(photographs):
    known, asked = photographs(100), photographs(1, seed=9)[0].descriptors.astype(np.float32)
    (squares, found), (others, again) = (InvertedFile(known).search(asked, 10, None) for _ in range(2))
    np.testing.assert_array_equal(found, again)
    np.testing.assert_array_equal(squares, others)


def test_more_is_asked_for_than_lists_hold(photographs):
    known = photographs(100)
    _, found = InvertedFile(known).search(known[0].descriptors.astype(np.float32), 11_000, 0)
    assert (found[:, -1] == -1).all()
