import hashlib
import io
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import DamagedTableError
from storage.parquet import (
    encode,
    is_intact,
    read_batches,
    read_bytes,
    read_rows,
    read_table,
    write_batches,
    write_bytes,
    write_rows,
    write_table,
)
from storage.tables.acquisition import DROPS
from storage.tables.annotations import REGIONS
from storage.tables.features import FEATURES
from storage.tables.groups import PAIRS
from storage.tables.spec import TableRef, TableSpec
from storage.tables.versions import VERDICTS

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=6)
drop_rows = st.lists(st.tuples(texts, texts, texts, texts), unique_by=lambda row: row[0], max_size=12)


def drops(rows: list[tuple[str, str, str, str]]) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(DROPS.schema.names, row, strict=True)) for row in rows], DROPS.schema)


def pairs(count: int) -> pa.Table:
    rows = [
        {
            "landmark_id": f"c{n % 3}",
            "image_a": f"a{n}",
            "image_b": f"b{n % 4}",
            "putative": n,
            "inliers": n,
            "false_alarms": -float(n),
            "copy": False,
            "repeats": False,
            "affine": [float(n)] * 6,
            "points": [float(n)] * (4 * (n % 3)),
        }
        for n in range(count)
    ]
    return pa.Table.from_pylist(rows, PAIRS.schema)


@given(drop_rows, st.randoms(use_true_random=False))
def test_shuffled_rows_give_the_same_bytes(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert encode(DROPS, drops(rows)) == encode(DROPS, drops(shuffled))


@given(drop_rows)
def test_rows_in_are_rows_out_sorted_by_the_key(rows):
    table = pq.read_table(io.BytesIO(encode(DROPS, drops(rows))))
    assert table.schema.equals(DROPS.schema, check_metadata=True)
    found = list(zip(*(table[name].to_pylist() for name in DROPS.schema.names), strict=True))
    assert sorted(found) == sorted(rows)
    keys = [row[0].encode() for row in found]
    assert keys == sorted(keys)


@given(st.permutations(range(12)), st.integers(1, 11))
def test_neither_order_nor_chunks_nor_pandas_leave_a_trace(order, cut):
    table = pairs(12)
    chunked = pa.concat_tables([table.take(pa.array(order[:cut])), table.take(pa.array(order[cut:]))])
    from_pandas = pa.Table.from_pandas(chunked.to_pandas(), PAIRS.schema)
    reordered = chunked.select(PAIRS.schema.names[::-1]).append_column("more", pa.array(range(12)))
    reference = encode(PAIRS, table)
    assert encode(PAIRS, chunked) == encode(PAIRS, from_pandas) == encode(PAIRS, reordered) == reference


def test_dictionaries_and_other_widths_are_brought_to_the_schema():
    table = drops([("b", "s", "r", "{}"), ("a", "s", "r", "{}")])
    coded = pa.table(
        {
            name: table[name].dictionary_encode() if name == "stage" else table[name].cast(pa.large_string())
            for name in table.schema.names
        }
    )
    assert encode(DROPS, coded) == encode(DROPS, table)


def test_the_settings_of_the_writer_are_fixed():
    facts = pq.ParquetFile(io.BytesIO(encode(PAIRS, pairs(12)))).metadata
    assert facts.format_version == "2.6"
    assert facts.row_group(0).column(0).compression == "ZSTD"
    assert facts.num_row_groups == 1


def test_an_empty_table_keeps_its_schema():
    table = pq.read_table(io.BytesIO(encode(VERDICTS, VERDICTS.schema.empty_table())))
    assert table.schema.equals(VERDICTS.schema, check_metadata=True)


@pytest.mark.parametrize("missing", DROPS.schema.names)
def test_a_missing_column_is_refused(missing):
    with pytest.raises((ValueError, KeyError), match=missing):
        encode(DROPS, drops([("a", "b", "c", "d")]).drop_columns([missing]))


def test_a_column_of_another_kind_is_refused():
    with pytest.raises((ValueError, NotImplementedError)):
        encode(PAIRS, pairs(3).set_column(3, "putative", pa.array(["many", "few", "none"])))
    with pytest.raises(ValueError, match=r"overflow|not in range|out of bounds"):
        encode(PAIRS, pairs(1).set_column(3, "putative", pa.array([2**40])))


def test_an_empty_cell_where_none_may_be_is_refused():
    rows = drops([("a", "b", "c", "d")]).set_column(2, "reason", pa.array([None], pa.string()))
    with pytest.raises(ValueError, match="null"):
        encode(DROPS, rows)


def test_two_rows_of_one_key_are_refused():
    with pytest.raises(ValueError, match=r"table drops: two rows share a key \('image_id',\)"):
        encode(DROPS, drops([("a", "b", "c", "d"), ("a", "x", "y", "z")]))
    doubled = pa.concat_tables([pairs(3), pairs(1)])
    with pytest.raises(ValueError, match="two rows share a key"):
        encode(PAIRS, doubled)


def test_a_key_of_several_columns_orders_by_all():
    spec = TableSpec(TableRef, "t", "r", ("a", "b"), pa.schema([("a", pa.int64()), ("b", pa.string())]))
    table = pa.table({"a": [2, 1, 1], "b": ["x", "b", "a"]}, spec.schema)
    found = pq.read_table(io.BytesIO(encode(spec, table)))
    assert list(zip(found["a"].to_pylist(), found["b"].to_pylist(), strict=True)) == [(1, "a"), (1, "b"), (2, "x")]


# Kept and read back


def test_a_table_comes_back_by_its_reference(root):
    ref = write_table(root, "stages/match/x/pairs.parquet", PAIRS, pairs(20))
    assert ref.rows == 20
    assert ref.digest == hashlib.sha256(root.read(ref.path)).hexdigest()
    assert read_table(root, ref).sort_by("image_a").equals(pairs(20).sort_by("image_a"))
    assert read_table(root, ref, ["image_b", "inliers"]).column_names == ["image_b", "inliers"]
    assert is_intact(root, ref)


def test_references_of_the_same_rows_are_equal(root):
    order = np.random.default_rng(0).permutation(20)
    first, second = (
        write_table(root, "x", PAIRS, pairs(20)),
        write_table(root, "x", PAIRS, pairs(20).take(pa.array(order))),
    )
    assert first == second


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda b: b + b"\0", lambda b: b[:100] + bytes([b[100] ^ 1]) + b[101:], lambda _: b""]
)
def test_changed_bytes_are_never_read(root, damage):
    ref = write_table(root, "x.parquet", PAIRS, pairs(20))
    root.write(ref.path, damage(root.read(ref.path)))
    assert not is_intact(root, ref)
    with pytest.raises(
        DamagedTableError, match=r"x\.parquet was changed or damaged; run the command that made it again"
    ):
        read_table(root, ref)


def test_a_lost_table_is_named(root):
    ref = write_table(root, "x.parquet", PAIRS, pairs(2))
    root.remove(ref.path)
    assert not is_intact(root, ref)
    with pytest.raises(DamagedTableError, match=r"x\.parquet is gone; run the command that made it again"):
        read_table(root, ref)


def test_a_folder_in_place_of_a_table_is_not_intact(local_root):
    ref = write_table(local_root, "x.parquet", PAIRS, pairs(2))
    local_root.remove(ref.path)
    local_root.write("x.parquet/y", b"1")
    assert not is_intact(local_root, ref)


# Other programs open the files as they are


@pytest.fixture
def file_of_pairs(local_root) -> str:
    return str(local_root.local_path(write_table(local_root, "pairs.parquet", PAIRS, pairs(20)).path))


def test_pandas_opens_it(file_of_pairs):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.read_parquet(file_of_pairs)
    assert list(frame.columns) == PAIRS.schema.names
    assert len(frame) == 20
    assert frame.inliers.sum() == sum(range(20))


def test_duckdb_opens_it(file_of_pairs):
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    query = "select landmark_id, count(*), sum(len(points)) from read_parquet(?) group by 1 order by 1"
    with duckdb.connect() as connection:
        found = connection.execute(query, [file_of_pairs]).fetchall()
    assert found == [("c0", 7, 0), ("c1", 7, 28), ("c2", 6, 48)]


def test_hugging_face_datasets_opens_it(file_of_pairs, tmp_path):
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    found = datasets.Dataset.from_parquet(file_of_pairs, cache_dir=str(tmp_path / "cache"))
    assert found.num_rows == 20
    assert found[1]["affine"] == [12.0] * 6  # a12 is the second image of c0, as text sorts
    assert set(found.column_names) == set(PAIRS.schema.names)


@pytest.mark.parametrize("path", ["../outside.parquet", "/etc/hostname"])
def test_a_reference_out_of_the_root_is_not_intact(local_root, path):
    assert not is_intact(local_root, TableRef(path=path, digest="0" * 64, rows=0))


# Row by row


def features(count: int) -> Iterator[dict[str, object]]:
    for n in range(count):
        cells = {"keypoints": bytes(24 * (n % 5)), "descriptors": np.random.default_rng(n).bytes(128 * (n % 5))}
        yield {"sha256": f"{n:064}", **cells, "crashed": n % 7 == 0}


@pytest.mark.parametrize("count", [0, 1, 64, 65, 200])
def test_rows_that_stream_in_stream_out(local_root, count):
    ref = write_rows(local_root, "f/x.parquet", FEATURES, features(count))
    assert ref.rows == count
    assert list(read_rows(local_root, ref)) == list(features(count))
    table = read_table(local_root, ref)
    assert table.schema.equals(FEATURES.schema, check_metadata=True)
    assert table.to_pylist() == list(features(count))


def test_streamed_rows_give_the_same_bytes_each_time(local_root):
    refs = [write_rows(local_root, f"{name}.parquet", FEATURES, features(130)) for name in ("a", "b")]
    assert refs[0].digest == refs[1].digest
    assert all(is_intact(local_root, ref) for ref in refs)


@pytest.mark.parametrize("order", [[1, 0], [0, 0], [*range(64), 63]])
def test_rows_that_do_not_ascend_are_refused_and_nothing_is_written(local_root, order):
    rows = list(features(70))
    with pytest.raises(ValueError, match=r"features.*sha256"):
        write_rows(local_root, "f/x.parquet", FEATURES, (rows[n] for n in order))
    assert local_root.names("f") == []


def test_a_damaged_table_yields_no_row(local_root):
    ref = write_rows(local_root, "x.parquet", FEATURES, features(5))
    local_root.write("x.parquet", local_root.read("x.parquet")[:-1])
    with pytest.raises(DamagedTableError, match=r"x\.parquet"):
        next(read_rows(local_root, ref))
    local_root.remove("x.parquet")
    with pytest.raises(DamagedTableError, match="gone"):
        next(read_rows(local_root, ref))


def test_rows_stream_through_an_object_store(bucket_root):
    ref = write_rows(bucket_root, "f/x.parquet", FEATURES, features(70))
    assert is_intact(bucket_root, ref)
    assert list(read_rows(bucket_root, ref)) == list(features(70))
    assert bucket_root.names("f") == ["x.parquet"]


# Parts


def regions(numbers: list[tuple[int, int]]) -> pa.Table:
    box = dict.fromkeys(("x1", "y1", "x2", "y2"), 0.0)
    rows = [
        {"record": r, "item": i, "image_id": "1", "region_id": 1, "phrase": f"{r} {i}", "synsets": [], **box}
        for r, i in numbers
    ]
    return pa.Table.from_pylist(rows, REGIONS.schema)


def test_parts_are_stored_and_read_as_they_come(root):
    parts = [regions([(0, 0), (0, 1)]), regions([]), regions([(1, 0)]), regions([(3, 5), (4, 0)])]
    ref = write_batches(root, "f/x.parquet", REGIONS, iter(parts))
    assert ref.rows == 5
    assert read_table(root, ref).equals(pa.concat_tables(parts))
    found = list(read_batches(root, ref, 2, ["phrase"]))
    assert max(batch.num_rows for batch in found) <= 2
    assert [phrase for batch in found for phrase in batch["phrase"].to_pylist()] == ["0 0", "0 1", "1 0", "3 5", "4 0"]
    assert write_batches(root, "f/y.parquet", REGIONS, iter(parts)).digest == ref.digest
    assert write_batches(root, "f/z.parquet", REGIONS, []).rows == 0


@pytest.mark.parametrize(
    "parts", [[[(0, 1), (0, 0)]], [[(0, 0)], [(0, 0)]], [[(1, 0)], [], [(0, 9)]], [[(2, 0), (1, 1)]]]
)
def test_parts_that_do_not_ascend_are_refused_and_leave_nothing(local_root, parts):
    with pytest.raises(ValueError, match="table regions: rows don't ascend by the key"):
        write_batches(local_root, "f/x.parquet", REGIONS, map(regions, parts))
    assert not local_root.exists("f/x.parquet")


def test_what_is_no_table_is_kept_with_its_digest(root):
    ref = write_bytes(root, "m.npz", b"matrix", 7)
    assert (read_bytes(root, ref), ref.rows) == (b"matrix", 7)
    root.write("m.npz", b"Matrix")
    with pytest.raises(DamagedTableError, match=r"m\.npz was changed or damaged"):
        read_bytes(root, ref)
