import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tasks.features.packed import Features, pack, unpack


@given(st.data(), st.integers(0, 9))
def test_what_is_packed_comes_back(data, count):
    keypoints = data.draw(arrays.arrays(np.float32, (count, 4), elements=st.floats(-1e6, 1e6, width=32)))
    descriptors = data.draw(arrays.arrays(np.uint8, (count, 128)))
    found = unpack(pack(Features(keypoints, descriptors)))
    np.testing.assert_array_equal(found.keypoints, keypoints)
    np.testing.assert_array_equal(found.descriptors, descriptors)
    assert (found.keypoints.dtype, found.descriptors.dtype) == (np.float32, np.uint8)
    assert found.positions.shape == (count, 2)


def test_the_bytes_are_little_endian_rows():
    packed = pack(Features(np.array([[1, 2, 3, 4]], np.float32), np.arange(128, dtype=np.uint8)[None]))
    assert packed["keypoints"] == bytes.fromhex("0000803f000000400000404000008040")
    assert packed["descriptors"] == bytes(range(128))
    swapped = pack(Features(np.array([[1, 2, 3, 4]], ">f4"), np.arange(128, dtype=np.uint8)[None]))
    assert swapped == packed
