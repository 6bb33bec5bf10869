import io
import json
import tracemalloc
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import InputError
from tasks.captions import records, window
from tasks.captions.records import read_records, unpacked

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
arrays = st.lists(st.dictionaries(st.text(max_size=4), values, max_size=4), max_size=6)


class Dripping(io.BytesIO):
    """A file that gives a few bytes at a time, however many are asked for."""

    def __init__(self, content: bytes, size: int) -> None:
        super().__init__(content)
        self.given = size

    def read(self, _: int | None = -1, /) -> bytes:
        return super().read(self.given)


def read(content: bytes) -> list[records.Record]:
    return list(read_records(io.BytesIO(content)))


@given(arrays, st.booleans(), st.sampled_from([None, 2]), st.integers(1, 40))
def test_records_are_those_of_json_in_whatever_pieces_they_come(entries, ascii_only, indent, size):
    content = json.dumps(entries, ensure_ascii=ascii_only, indent=indent).encode()
    found = list(read_records(Dripping(content, size)))
    assert [record.value for record in found] == entries
    assert [record.number for record in found] == list(range(len(entries)))
    assert all(content[record.offset : record.offset + 1] == b"{" for record in found)


def test_offsets_count_bytes():
    content = '[{"a": "größe"}, {"b": 1}]'.encode()
    assert [record.offset for record in read(content)] == [1, content.index(b'{"b"')]


@pytest.mark.parametrize(
    ("middle", "problem"),
    [
        (b'{"a": nul}', "no JSON"),
        (b'{"a": 1,}', "no JSON"),
        (b'{"a": [1, {"b": "]}"}, tru]}', "no JSON"),
        (b'{"a": NaN}', "NaN is not a number"),
        (b'{"a": "\x01"}', "no JSON"),
        (b'{"a": "\xff\xfe"}', "not UTF-8"),
        (b"[1, 2]", "expected an object"),
        (b"null", "expected an object"),
        (b"None", "expected an object, found None"),
        (b"12.5", "expected an object"),
        (b'"text"', "expected an object"),
        (b'{"a": ' + b"9" * 5000 + b"}", "no JSON"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deep"),
    ],
)
@pytest.mark.parametrize("size", [7, 1 << 20])
def test_a_malformed_record_costs_no_other(middle, problem, size):
    if size == 7 and len(middle) > 10_000:
        size = 10_000
    content = b'[{"n": 0}, ' + middle + b', {"n": 2}]'
    first, broken, last = read_records(Dripping(content, size))
    assert (first.value, last.value) == ({"n": 0}, {"n": 2})
    assert problem in broken.problem
    assert broken.value == {}
    assert (broken.number, broken.offset) == (1, 11)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "byte 0: expected a JSON array"),
        (b'{"a": 1}\n{"a": 2}', "byte 0: expected a JSON array"),
        (b"<html>404</html>", "byte 0: expected a JSON array"),
        (b'[{"a": 1}', "byte 9: after record 0"),
        (b'[{"a": 1},', "byte 10: expected record 1 .found the end"),
        (b'[{"a": 1}, {"a": ', "byte 11: it is cut short in record 1; fetch it again"),
        (b'[{"a": 1}, {"a": "x', "byte 11: it is cut short in record 1"),
        (b'[{"a": 1} {"a": 2}]', "byte 10: after record 0: expected a comma"),
        (b'[{"a": 1}, ]', "byte 11: expected record 1"),
        (b'[{"a": 1}] more', "byte 11: expected nothing after the array"),
        (b'[{"a": 1}}]', "byte 9: after record 0"),
    ],
)
def test_what_is_no_whole_array_is_an_error_with_its_place(content, said):
    with pytest.raises(InputError, match=said):
        read(content)


def test_an_empty_array_and_a_byte_order_mark():
    assert read(b" [ ] \n") == []
    assert read(b'\xef\xbb\xbf[{"a": 1}]')[0].value == {"a": 1}


def test_a_record_without_end_is_given_up(monkeypatch):
    monkeypatch.setattr(window, "_LONGEST_VALUE", 5000)
    content = b'[{"a": "' + b"x" * 3_000_000 + b'"}]'
    with pytest.raises(InputError, match="record 0 does not end in 5,000 characters"):
        read(content)


def test_memory_does_not_grow_with_the_file():
    peaks = []
    for count in (1_000, 20_000):
        tracemalloc.start()
        assert sum(record.problem is None for record in read_records(Endless(count))) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0] < 16_000_000


class Endless(io.RawIOBase):
    """So many records of 4 KB, which never are in memory together."""

    def __init__(self, count: int) -> None:
        self.count, self.done = count, 0

    def read(self, _: int = -1, /) -> bytes:
        first, self.done = self.done, min(self.count, self.done + 250)
        entry = json.dumps({"regions": [{"phrase": "a dog on a red car " * 4}] * 42})
        text = ", ".join([entry] * (self.done - first))
        return f"{', ' if first else '['}{text}{']' if self.done == self.count else ''}".encode() if text else b""


# Archives


def zipped(*members: tuple[str, bytes]) -> io.BytesIO:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return sink


def test_a_zip_is_its_one_json_file():
    with unpacked(zipped(("__MACOSX/._a.json", b"x"), ("folder/a.json", b"[]"), ("README", b"hello"))) as file:
        assert file.read() == b"[]"
    with unpacked(io.BytesIO(b"[1]")) as file:
        assert file.read() == b"[1]"


def test_a_zip_of_none_or_several_is_refused():
    with pytest.raises(InputError, match="found 0"), unpacked(zipped(("a.txt", b""))):
        pass
    with pytest.raises(InputError, match="found 2"), unpacked(zipped(("a.json", b"[]"), ("b.json", b"[]"))):
        pass


def test_a_damaged_zip_is_named():
    content = bytearray(zipped(("a.json", b"[" + b'{"a": 1}, ' * 500 + b"{}]")).getvalue())
    content[60] ^= 0xFF
    with (
        pytest.raises(InputError, match="the archive can't be unpacked"),
        unpacked(io.BytesIO(content)) as file,
    ):
        file.read()
