"""The lists of descriptors alike."""

import numpy as np

from tasks.match.inverted import InvertedFile


def test_a_descriptor_finds_itself_first(photographs):
    known = photographs(100)
    inverted = InvertedFile(known)
    descriptors = known[40].descriptors.astype(np.float32)
    _, found = inverted.search(descriptors, 5, None)
    assert np.mean(found[:, 0] == 40 * 120 + np.arange(120)) > 0.95
    squares, by_place = inverted.search(descriptors, 5, 40)
    np.testing.assert_array_equal(found, by_place)
    assert (np.diff(squares, axis=1)[found[:, 1:] >= 0] >= 0).all()


def test_what_is_near_is_found_though_few_lists_are_looked_through(photographs, like):
    known = photographs(100)
    inverted = InvertedFile(known)
    _, found = inverted.search(like(known[7], noise=10).descriptors.astype(np.float32), 1, None)
    assert np.mean(found[:, 0] // 120 == 7) > 0.9


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
