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
    """A watermark on every photograph fills a list of its own; what is near to it looks at little else."""
    known = photographs(60, 400)
    for photograph in known:
        photograph.descriptors[:150] = photograph.descriptors[0] // 8
    inverted = InvertedFile(known)
    for place in (0, 30):
        descriptors = known[place].descriptors.astype(np.float32)
        squares, found = inverted.search(descriptors, 20, None)
        assert (found[:150] >= 0).all()
        assert np.mean(found[150:, 0] == place * 400 + np.arange(150, 400)) > 0.95
        for one, other in zip((squares, found), inverted.search(descriptors, 20, place), strict=True):
            np.testing.assert_array_equal(one, other)


def test_the_same_photographs_make_the_same_lists(photographs):
    known, asked = photographs(100), photographs(1, seed=9)[0].descriptors.astype(np.float32)
    (squares, found), (others, again) = (InvertedFile(known).search(asked, 10, None) for _ in range(2))
    np.testing.assert_array_equal(found, again)
    np.testing.assert_array_equal(squares, others)


def test_more_is_asked_for_than_lists_hold(photographs):
    known = photographs(100)
    _, found = InvertedFile(known).search(known[0].descriptors.astype(np.float32), 11_000, 0)
    assert (found[:, -1] == -1).all()
