"""Of pickles only plain containers and arrays of numbers come through; what else one names is never even looked up."""

import builtins
import os
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.errors import InputError
from tasks.overlap.pickled import RefusedError, read_plain
from tasks.overlap.revisited import read_revisited, revisited_reader

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


class Calls:
    """Pickles as a call of a function."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@settings(max_examples=40)
@given(plain, st.sampled_from(PROTOCOLS[3:]))
def test_plain_values_come_back(value, protocol):
    assert read_plain(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6),
        np.arange(6, dtype=">i4").reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array([True, False]),
        np.array(2.5, "float32"),
        np.zeros((0, 4), "uint8"),
        np.arange(10)[::2],
    ],
)
def test_arrays_of_numbers_come_back(array, protocol):
    (found,) = read_plain(pickle.dumps([array], protocol))
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_lone_number_of_numpy_comes_back_as_ours(protocol):
    found = read_plain(pickle.dumps([np.float64(2.5), np.int32(3)], protocol))
    assert found == [2.5, 3]
    assert [type(value) for value in found] == [float, int]


def test_arrays_that_python_2_wrote_come_back():
    """Text stands for bytes there, and numpy's module has its old name."""
    content = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x02\x85cnumpy\ndtype\nU\x02i4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89U\x08\xc8\x00\x00\x00\x02\x00\x00\x00tb."
    )
    np.testing.assert_array_equal(read_plain(content), np.array([200, 2], np.int32))


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (Calls(os.system, "touch ran"), "system"),
        (Calls(eval, "open('ran', 'w')"), "builtin.*eval"),
        (Calls(getattr, "", "join"), "builtin.*getattr"),
        (Calls(np.load, "x.npy"), "numpy.*load"),
        ([{"a": (Calls(builtins.exec, "open('ran', 'w')"),)}], "builtin.*exec"),
        (np.array([Calls(os.system, "touch ran")], object), "system|array of 'O8'"),
        (np.array(["a"], object), "array of 'O8', not of numbers"),
        (np.array(["a"]), "array of 'U1', not of numbers"),
        (np.zeros(1, "i4,i4"), "not of numbers"),
        (OrderedDict(a=1), "collections.OrderedDict"),
        (Path("x"), "pathlib.*Path"),
        (np.ndarray, "holds type"),
        ({1, 2}, "set"),
        (1j, "builtin.*complex"),
    ],
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_all_else_is_refused_by_name(tmp_path, monkeypatch, value, named, protocol):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RefusedError, match=named):
        read_plain(pickle.dumps(value, protocol))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "content",
    [
        b"cos\nsystem\n(S'touch ran'\ntR.",
        b"(S'touch ran'\nios\nsystem\n.",  # an instance of a class, as protocol 0 makes one
        b"\x80\x04\x8c\x08builtins\x8c\x0a__import__\x93\x8c\x02os\x85R.",
        b"\x80\x04\x8c\x05numpy\x8c\x0eos.system.call\x93.",  # a name with dots, that Pickle would follow
        b"\x80\x02cnumpy\nndarray\n)\x81.",  # an array that its bytes never came for
        b"S'id'\nPid\n.",
        b"\x80\x02Pid\n.",
    ],
)
def test_pickles_written_by_hand_are_refused(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RefusedError):
        read_plain(content)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>not found</html>",
        pickle.dumps({"imlist": list(range(99))})[:-5],
        b"\x80\x02}q\x00(U\x01aq\x01h\x00u.",  # a dictionary that holds itself
        b"(lp0\n" + b"(lp1\n0g0\ng0\na" * 3 + b".",
        b"\x80\x04r\xff\xff\xff\xff" + b"N.",
        b"\x80\x02cnumpy\ndtype\nU\x02i4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffb.",
    ],
)
def test_a_damaged_pickle_costs_an_error(tmp_path, content):
    file = tmp_path / "gnd_x.pkl"
    file.write_bytes(content)
    with revisited_reader() as reader, pytest.raises(InputError, match=r"gnd_x\.pkl: "):
        read_revisited(file, reader)
