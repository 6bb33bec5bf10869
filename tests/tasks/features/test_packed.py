import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tasks.features.packed import Features, pack, unpack


@given(st.data(), st.integers(0, 9))
def test_what_is_packed_comes_back(data, count):
    keypoints = data.draw(arrays.arrays(np.float32, (count, 6), elements=st.floats(-1e6, 1e6, width=32)))
    descriptors = data.draw(arrays.arrays(np.uint8, (count, 128)))
    found = unpack(pack(Features(keypoints, descriptors)))
    np.testing.assert_array_equal(found.keypoints, keypoints)
    np.testing.assert_array_equal(found.descriptors, descriptors)
    assert (found.keypoints.dtype, found.descriptors.dtype) == (np.float32, np.uint8)
    assert found.positions.shape == (count, 2)


def test_angles_and_radii_are_those_of_the_frames():
    frames = [[0, 0, 2, 0, 0, 2], [0, 0, 0, -3, 3, 0], [0, 0, 4, 0, 1, 1]]  # upright, turned by 90°, sheared upright
    found = Features(np.array(frames, np.float32), np.zeros((3, 128), np.uint8))
    np.testing.assert_allclose(found.angles, [0, 90, 0], atol=1e-5)
    np.testing.assert_allclose(found.radii, [2, 3, 2])
    assert (found.angles.dtype, found.radii.dtype) == (np.float32, np.float32)


def test_the_bytes_are_little_endian_rows():
    packed = pack(Features(np.array([[1, 2, 3, 4, 5, 6]], np.float32), np.arange(128, dtype=np.uint8)[None]))
    assert packed["keypoints"] == bytes.fromhex("0000803f0000004000004040000080400000a0400000c040")
    assert packed["descriptors"] == bytes(range(128))
    swapped = pack(Features(np.array([[1, 2, 3, 4, 5, 6]], ">f4"), np.arange(128, dtype=np.uint8)[None]))
    assert swapped == packed


def test_the_largest_are_chosen_by_region_and_keep_their_order():
    found = Features(np.array([[n, 0, size, 0, 0, size] for n, size in enumerate([2, 5, 1, 5, 3])], np.float32),
                     np.zeros((5, 128), np.uint8))  # fmt: skip
    assert found.largest(3).positions[:, 0].tolist() == [1, 3, 4]
    assert found.largest(2).positions[:, 0].tolist() == [1, 3]
    assert len(found.largest(9).positions) == 5
