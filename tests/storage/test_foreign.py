import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from storage.errors import InputError
from storage.foreign import read_foreign, read_foreign_schema


def written(table: pa.Table, **how: object) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", **how)
    return sink.getvalue()


def addresses(count: int) -> pa.Table:
    numbers = np.random.default_rng(0).integers(0, 1 << 62, count)
    return pa.table(
        {
            "id": pa.array([f"{number:016x}" for number in numbers]),
            "url": pa.array([f"https://upload.example/commons/{n % 256:02x}/{n:x}.jpg" for n in numbers]),
            "landmark_id": pa.array(numbers % 700),
        }
    )


@pytest.mark.parametrize("how", [{}, {"use_dictionary": False}, {"data_page_version": "2.0", "row_group_size": 500}])
def test_what_people_write_is_read_as_it_is(how):
    table = addresses(3_000)
    content = written(table, **how)
    assert read_foreign_schema("list", content).names == table.column_names
    assert read_foreign("list", content, ["url", "landmark_id"]).equals(table.select(["url", "landmark_id"]))


@pytest.mark.parametrize("kind", [pa.string(), pa.binary(), pa.large_string()])
def test_one_long_value_of_very_many_rows_is_refused_before_it_unfolds(kind):
    long = pa.DictionaryArray.from_arrays(pa.array(np.zeros(300_000, np.int32)), pa.array(["x" * 10_000], kind))
    content = written(pa.table({"url": long}).replace_schema_metadata(None), store_schema=False)
    before = pa.total_allocated_bytes()
    with pytest.raises(InputError, match=rf"^list: {content.size:,} bytes that unfold to more than 268,435,456"):
        read_foreign("list", content, ["url"])
    assert content.size < 20_000
    assert pa.total_allocated_bytes() - before < 1 << 24


def test_very_many_rows_of_one_number_and_pages_of_zeros_are_refused_by_the_footer_alone():
    many = written(pa.table({"id": pa.nulls(34_000_000)}), row_group_size=1 << 26)
    zeros = written(pa.table({"url": [b"\0" * (1 << 26)] * 4}), use_dictionary=False, write_statistics=False)
    for content, name in ((many, "id"), (zeros, "url")):
        with pytest.raises(InputError, match="unfold to more than"):
            read_foreign("list", content, [name])


def test_an_encoding_that_unfolds_without_end_is_named():
    content = written(addresses(5), use_dictionary=False, column_encoding={"url": "DELTA_BYTE_ARRAY"})
    with pytest.raises(InputError, match="column url: is encoded as DELTA_BYTE_ARRAY"):
        read_foreign("list", content, ["url"])
    assert read_foreign("list", content, ["id"]).num_rows == 5


def test_lists_in_a_column_are_named():
    with pytest.raises(InputError, match=r"list: column url: expected text or numbers, not list<"):
        read_foreign("list", written(pa.table({"url": [["a"]]})), ["url"])


def test_texts_that_are_none_are_found():
    bad = pa.array([b"caf\xe9"], pa.binary()).view(pa.string())
    with pytest.raises(InputError, match="list: not a Parquet file"):
        read_foreign("list", written(pa.table({"url": bad})), ["url"])


@pytest.mark.parametrize("cut", [0, 4, 100, 1_000])
def test_what_is_no_parquet_file_is_said_to_be_none(cut):
    content = written(addresses(50)).to_pybytes()[:cut]
    for read in (read_foreign_schema, lambda where, buffer: read_foreign(where, buffer, ["url"])):
        with pytest.raises(InputError, match="list: not a Parquet file"):
            read("list", pa.py_buffer(content))
