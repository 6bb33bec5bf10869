import bz2
import csv
import gzip
import hashlib
import io
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.errors import InputError
from storage.tables.acquisition import SOURCES
from tasks.acquire.lists.rows import MISSING
from tasks.acquire.sources import (
    duplicate_rows,
    folder_digest,
    merge_classes,
    read_list,
    read_sources,
    skipped_files,
)


@pytest.fixture
def written(tmp_path):
    """Writes a list and gives its path."""

    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def columns(table: pa.Table, *names: str) -> list[tuple[object, ...]]:
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))


# Google-Landmarks


def test_a_csv_is_read_in_its_order(written):
    table = read_sources(written("l.csv", 'id,url,landmark_id\n"b","http://h/b?x=1,2",7\na,http://h/a,007\n'))
    assert table.schema.equals(SOURCES.schema)
    assert columns(table, "row", "image_id", "url", "landmark_id") == [
        (0, "b", "http://h/b?x=1,2", "7"),
        (1, "a", "http://h/a", "007"),
    ]
    assert table["md5"].null_count == table["list_x1"].null_count == 2


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffid,url,landmark_id\na,u,1\n",
        "id,url,landmark_id\r\na,u,1\r\n",
        "id,url,landmark_id\ra,u,1",
        "id, url, landmark_id\n a , u , 1 \n",
        'landmark_id,title,id,url\n1,"two\nlines",a,u\n',
        "id,url,landmark_id\n\na,u,1\n\n",
        "id,url,landmark_id\na,u,1\n \t\n",
        "id,url,landmark_id\n,,\na,u,1\n , ,\n",
    ],
)
def test_csv_files_of_many_hands_read_alike(written, text):
    assert columns(read_sources(written("l.csv", text)), "row", "image_id", "url", "landmark_id") == [
        (0, "a", "u", "1")
    ]


@given(
    rows=st.lists(
        st.tuples(st.text("ab;,\t|'x ", min_size=1).filter(str.strip), st.sampled_from(["7", "7.0", "None", "café"])),
        min_size=1,
        max_size=9,
    ).filter(lambda rows: any(label != "None" for _, label in rows)),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    is_packed=st.booleans(),
    suffix=st.sampled_from([".csv", ".tsv", ".csv.gz", ".txt", ""]),
)
def test_a_list_reads_alike_however_it_is_written(rows, delimiter, encoding, is_packed, suffix):
    cells = [(f"{index}", f"http://h/{name.strip()}", label) for index, (name, label) in enumerate(rows)]
    sink = io.StringIO()
    csv.writer(sink, delimiter=delimiter).writerows([("id", "url", "landmark_id"), *cells])
    content = sink.getvalue().encode(encoding)
    ids, urls, labels = (list(column) for column in zip(*cells, strict=True))
    with TemporaryDirectory() as folder:
        text, columnar = Path(folder, f"list{suffix}"), Path(folder, "list.pq")
        text.write_bytes(gzip.compress(content) if is_packed else content)
        spaced = {"id": ids, " url": [f" {url}\r\n" for url in urls], "landmark_id": pa.array(labels, pa.binary())}
        pq.write_table(pa.table(spaced), columnar)
        read, again = read_list(text), read_list(columnar)
    assert read.table.equals(again.table)
    expected = ["" if label == "None" else label.removesuffix(".0") for label in labels]
    assert columns(read.table, "image_id", "url", "landmark_id") == list(zip(ids, urls, expected, strict=True))
    assert read.unlabelled.keys() == again.unlabelled.keys()


def test_rows_without_a_class_are_told_by_line_and_word(written):
    text = "id,url,landmark_id\na,u,None\n\nb,v,7\nc,w,\nd,x,nan\ne,y,NULL\nb,v,7.0\n"
    read = read_list(written("l.csv", text))
    assert read.table["landmark_id"].to_pylist() == ["", "7", "", "", "", "7"]
    assert list(read.unlabelled) == ["a", "c", "d", "e"]
    assert read.unlabelled == {
        "a": ("line 2", "None"), "c": ("line 5", ""), "d": ("line 6", "nan"), "e": ("line 7", "NULL"),
    }  # fmt: skip


def test_of_an_unlabelled_image_that_is_named_twice_the_first_line_is_told(written):
    read = read_list(written("l.csv", "id,url,landmark_id\na,u,None\na,u,nan\nb,v,7\n"))
    assert read.unlabelled == {"a": ("line 2", "None")}


def test_user_names_and_passwords_are_cut_off_and_counted(written):
    lines = "http://me:secret@h/a 1\nhttp://h/b@c 1\nhttp://me@h/d 1\n"
    read = read_list(written("l.txt", lines))
    assert read.table["url"].to_pylist() == ["http://h/a", "http://h/b@c", "http://h/d"]
    assert read.table.equals(read_sources(written("m.txt", "http://h/a 1\nhttp://h/b@c 1\nhttp://h/d 1\n")))
    assert read.credentials == 2


def test_an_error_shows_no_secrets(written):
    text = "id,url,landmark_id\na,http://h/x?token=s3cret,1\na,http://me:s3cret@h/y,1\n"
    with pytest.raises(InputError, match="token=redacted") as caught:
        read_sources(written("l.csv", text))
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("l.csv", gzip.compress(b"id,url,landmark_id\n", mtime=0)[:-6], "packed by gzip, and damaged"),
        ("l.csv.bz2", bz2.compress(b"id,url,landmark_id\n"), "not a text file but packed by bzip2"),
        ("l.csv", b"PK\x03\x04...", "not a text file but a zip archive or a spreadsheet"),
        ("l.csv.gz", gzip.compress(b"PAR1...", mtime=0), "not a text file but a Parquet file"),
        ("l.csv", gzip.compress(bytes(300_000_000), 1, mtime=0), "bytes that unfold to more than 268,435,456"),
    ],
)
def test_packed_lists_that_are_none_say_what_was_found(written, name, content, message):
    with pytest.raises(InputError, match=message):
        read_sources(written(name, content))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "line 1: no column id, url, landmark_id; expected a header"),
        ("id,landmark_id\na,1\n", "line 1: no column url;"),
        ("id,url,landmark_id\n", "the list is empty"),
        ("id,url,landmark_id\na,u,1\nb,u\n", "line 3: 2 columns, expected 3"),
        ("id,url,landmark_id\na,u,1,extra\n", "line 2: 4 columns, expected 3"),
        ("id,url,landmark_id\n , u,1\n", "line 2, column id: empty ('')"),
        ("id,url,landmark_id\na,u,1\nnan,v,1\n", "line 3, column id: empty ('nan')"),
        ("id,url,landmark_id\n1.23457E+15,u,1\n", "line 2, column id: '1.23457E+15' is a number that lost digits"),
        ("id,url,landmark_id\na,u,1e+16\n", "line 2, column landmark_id: '1e+16' is a number that lost digits"),
        ("id,url,landmark_id\na,u,\nb,v,nan\n", "no row has a class (line 2: '')"),
        ("id,url,id,landmark_id\na,u,b,1\n", "line 1: more than one column id"),
        ("ID;URL;CLASS\na;u;1\n", "expected a header with id, url, landmark_id; found 'ID;URL;CLASS'"),
        ("id,url,landmark_id\na,u\0,1\n", "line 2: a NUL character"),
        ("id,url,landmark_id\na,u,1\n".encode("utf-16-le"), "line 1: a NUL character"),
        ('id,url,landmark_id\na,"u,1\n', "expected values separated by ','"),
        (b"id,url,landmark_id\na,u,1\nb,caf\xe9,1\n", "line 3: not UTF-8"),
        (
            "id,url,landmark_id\na,u,1\na,v,1\n",
            "row 2, column id: 'a' stands for 'v' of class '1' here and for 'u' of class '1' in row 1",
        ),
        ("id,url,landmark_id\na,u,1\nb,u,1\na,u,2\n", "row 3, column id: 'a'"),
    ],
)
def test_what_is_wrong_with_a_csv_is_named(written, content, message):
    path = written("l.csv", content)
    with pytest.raises(InputError) as caught:
        read_sources(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_a_parquet_list_reads_like_its_csv(written, tmp_path):
    pq.write_table(
        pa.table({"landmark_id": pa.array([7, 8]), "id": ["a", "b"], "url": ["u", "v"]}), tmp_path / "l.parquet"
    )
    assert read_sources(tmp_path / "l.parquet").equals(
        read_sources(written("l.csv", "id,url,landmark_id\na,u,7\nb,v,8\n"))
    )


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"id": ["a"], "url": ["u"]}, "no column landmark_id"),
        ({"id": ["a", None], "url": ["u", "v"], "landmark_id": [1, 2]}, "row 2, column id: empty"),
        ({"id": ["a", "nan"], "url": ["u", "v"], "landmark_id": [1, 2]}, "row 2, column id: empty"),
        ({"id": [1.0, 1.5], "url": ["u", "v"], "landmark_id": [1, 2]}, "row 2, column id: 1.5, expected whole numbers"),
        ({"id": [2.0**53], "url": ["u"], "landmark_id": [1]}, "row 1, column id: 9007199254740992.0, expected whole"),
        ({"id": ["a"], "url": ["u"], "landmark_id": [float("inf")]}, "row 1, column landmark_id: inf, expected whole"),
        ({"id": ["a"], "url": [["u", "v"]], "landmark_id": [1]}, "column url"),
        ({"id": [], "url": [], "landmark_id": []}, "the list is empty"),
    ],
)
def test_what_is_wrong_with_a_parquet_list_is_named(tmp_path, table, message):
    pq.write_table(pa.table(table), tmp_path / "l.parquet")
    with pytest.raises(InputError, match=message):
        read_sources(tmp_path / "l.parquet")


def test_whole_numbers_that_are_floats_keep_their_digits(written, tmp_path):
    ids = [1234567890123456.0, 2234567890123456.0, 5.0]
    pq.write_table(
        pa.table({"id": ids, "url": ["u", "v", "w"], "landmark_id": [1.0, float("nan"), None]}), tmp_path / "l"
    )
    read = read_list(tmp_path / "l")
    assert columns(read.table, "image_id", "landmark_id") == [
        ("1234567890123456", "1"), ("2234567890123456", ""), ("5", ""),
    ]  # fmt: skip
    assert read.unlabelled == {"2234567890123456": ("row 2", ""), "5": ("row 3", "")}


def test_damaged_text_in_a_parquet_list(tmp_path):
    pq.write_table(
        pa.table({"id": ["a", "b"], "url": ["http://h/xyz", "v"], "landmark_id": ["1", "1"]}), tmp_path / "l"
    )
    damaged = (tmp_path / "l").read_bytes().replace(b"http://h/xyz", b"http://h/x\xff\xfe")
    (tmp_path / "l.parquet").write_bytes(damaged)
    with pytest.raises(InputError, match="UTF8"):
        read_sources(tmp_path / "l.parquet")


def test_a_parquet_list_with_a_doubled_column(tmp_path):
    doubled = pa.Table.from_arrays([pa.array(["a"])] * 4, ["id", "url", "id ", "landmark_id"])
    pq.write_table(doubled, tmp_path / "l.parquet")
    with pytest.raises(InputError, match="more than one column id"):
        read_sources(tmp_path / "l.parquet")


def test_a_parquet_list_that_unfolds_to_gigabytes_is_refused_before_it_is_read(tmp_path):
    pq.write_table(
        pa.table({"id": ["a"] * 500_000, "url": ["u" * 1000] * 500_000, "landmark_id": [1] * 500_000}),
        tmp_path / "l.pq",
    )
    with pytest.raises(InputError, match="unfold to more than"):
        read_sources(tmp_path / "l.pq")


def test_a_file_that_only_claims_to_be_parquet(written):
    with pytest.raises(InputError, match="not a Parquet file"):
        read_sources(written("l.parquet", "id,url,landmark_id\n"))


def test_a_list_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="no such list"):
        read_sources(tmp_path / "absent.csv")


def test_a_device_is_no_list_and_not_read_without_end():
    with pytest.raises(InputError, match="no such list, or no plain file"):
        read_sources(Path("/dev/zero"))


# Landmarks


def test_lines_of_address_and_class(written):
    table = read_sources(
        written("annotation_full_train.txt", "http://h/a.jpg 12\nhttp://h/b.jpg\t12\r\nhttp://h/a.jpg 13\n")
    )
    assert columns(table, "url", "landmark_id") == [
        ("http://h/a.jpg", "12"),
        ("http://h/b.jpg", "12"),
        ("http://h/a.jpg", "13"),
    ]
    assert table["image_id"].to_pylist() == [
        hashlib.sha256(text.encode()).hexdigest()[:16]
        for text in ("12 http://h/a.jpg", "12 http://h/b.jpg", "13 http://h/a.jpg")
    ]


def test_what_editors_and_programs_leave_in_lines(written):
    read = read_list(written("l.txt", "http://h/a.jpg 12\nhttp://h/b.jpg 12.0\nhttp://h/c.jpg None\n \n\n"))
    assert read.table["landmark_id"].to_pylist() == ["12", "12", ""]
    assert list(read.unlabelled.values()) == [("line 3", "None")]


def test_published_boxes_are_x1_x2_y1_y2(written):
    table = read_sources(written("annotation_clean_val.txt", "http://h/a 1 10 300 20 200\nhttp://h/b 1 0 50 5 400\n"))
    assert columns(table, "list_x1", "list_y1", "list_x2", "list_y2") == [(10, 20, 300, 200), (0, 5, 50, 400)]


def test_boxes_in_the_other_order_are_found_out(written):
    table = read_sources(written("l.txt", "http://h/a 1 100 20 300 90\nhttp://h/b 1 50 5 80 40\n"))
    assert columns(table, "list_x1", "list_y1", "list_x2", "list_y2") == [(100, 20, 300, 90), (50, 5, 80, 40)]


def test_the_order_that_fits_every_box_beats_one_that_fits_nearly_all(written):
    # the first line fits both orders, the second only x1 y1 x2 y2
    table = read_sources(written("l.txt", "http://h/a 1 10 20 30 40\nhttp://h/b 1 50 5 80 40\n"))
    assert columns(table, "list_x1", "list_y1", "list_x2", "list_y2") == [(10, 20, 30, 40), (50, 5, 80, 40)]


def test_one_odd_box_does_not_condemn_a_list(written):
    lines = [f"http://h/{n} 1 10 300 20 200" for n in range(200)] + ["http://h/x 1 300 10 20 200"]
    table = read_sources(written("l.txt", "\n".join(lines)))
    assert table["list_x1"].to_pylist() == [10] * 200 + [300]


def test_boxes_that_fit_neither_order_are_refused(written):
    lines = [f"http://h/{n} 1 300 10 200 20" for n in range(5)]
    with pytest.raises(InputError, match=r"line 1, columns 3–6: boxes are neither"):
        read_sources(written("l.txt", "\n".join(lines)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the list is empty"),
        ("\n\n", "the list is empty"),
        ("u 1\n\nv 1\n\n", "line 2: empty"),
        ("u None\nv nan\n", "no row has a class (line 1: 'None')"),
        ("u 1\nv\n", "line 2: 1 columns, expected 2"),
        ("u 1 2\n", "line 1: 3 columns, expected 2 or 6; found 'u 1 2'"),
        ("u 1\nv 1 1 2 3 4\n", "line 2: 6 columns, expected 2"),
        ("u one\n", "line 1, column 2: 'one', expected an integer"),
        ("u 1 1 2 3 4.5\n", "line 1, column 6: '4.5', expected an integer"),
        ("u 1 1 2 3 --4\n", "line 1, column 6: '--4', expected an integer"),
        ("u 1 1 2 3 ²\n", "line 1, column 6: '²', expected an integer"),
    ],
)
def test_what_is_wrong_with_lines_is_named(written, text, message):
    with pytest.raises(InputError) as caught:
        read_sources(written("l.txt", text))
    assert message in str(caught.value)


# Checksums


def test_checksums_stand_line_by_line(written):
    path = written("l.txt", "u 1\nv 1\n")
    table = read_sources(path, written("l.md5sum", f"{'A' * 32}\n{'0' * 32}  v.jpg\n\n"))
    assert table["md5"].to_pylist() == ["a" * 32, "0" * 32]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0" * 32 + "\n", "1 lines, expected 2"),
        (f"{'0' * 32}\n{'g' * 32}\n", "line 2: 'gggg"),
        (f"{'0' * 32}\n{'0' * 31}\n", "line 2: '0000"),
        (f"\n{'0' * 32}\n", "line 1: ''"),
    ],
)
def test_what_is_wrong_with_checksums_is_named(written, text, message):
    with pytest.raises(InputError) as caught:
        read_sources(written("l.txt", "u 1\nv 1\n"), written("l.md5sum", text))
    assert "l.md5sum" in str(caught.value)
    assert message in str(caught.value)


# Google-Landmarks v2's clean list


def test_the_clean_list_narrows_and_rows_are_counted_anew(written):
    path = written("l.csv", "id,url,landmark_id\na,u,1\nb,v,1\nc,w,2\n")
    table = read_sources(path, clean_file=written("train_clean.csv", "landmark_id,images\n1,b x\n2,c\n"))
    assert columns(table, "row", "image_id") == [(0, "b"), (1, "c")]


def test_the_clean_list_may_name_very_many_images_in_a_line(written):
    names = [f"{number:016x}" for number in range(12_000)]
    path = written("l.csv", "id,url,landmark_id\n" + "".join(f"{name},http://h/{name},1\n" for name in names))
    table = read_sources(path, clean_file=written("train_clean.csv", f"landmark_id,images\n1,{' '.join(names)}\n"))
    assert table.num_rows == len(names)


def test_checksums_go_with_their_rows_through_the_clean_list(written):
    path, md5 = written("l.csv", "id,url,landmark_id\na,u,1\nb,v,1\n"), written("m", f"{'1' * 32}\n{'2' * 32}\n")
    table = read_sources(path, md5, written("train_clean.csv", "landmark_id,images\n1,b\n"))
    assert table["md5"].to_pylist() == ["2" * 32]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a header"),
        ("landmark_id\n1\n", "expected a header"),
        ("landmark_id,images\n1,x y\n", "none of its ids"),
        ("landmark_id,images\n1\n", "line 2"),
    ],
)
def test_what_is_wrong_with_a_clean_list_is_named(written, text, message):
    with pytest.raises(InputError, match=message):
        read_sources(written("l.csv", "id,url,landmark_id\na,u,1\n"), clean_file=written("train_clean.csv", text))


# Folders


def test_a_folder_of_class_folders(written, tmp_path):
    written("set/b/2.JPG", b"two")
    written("set/a/1.jpeg", b"one")
    written("set/a/4.jfif", b"four")
    written("set/a/5", b"\0 of no known format")
    written("set/a/notes.txt", b"no picture")
    written("set/stray.jpg", b"in no class")
    written("set/a/deeper/3.jpg", b"deep")
    table = read_sources(tmp_path / "set")
    assert columns(table, "row", "image_id", "url", "landmark_id", "md5") == [
        (0, "a/1.jpeg", "a/1.jpeg", "a", hashlib.md5(b"one").hexdigest()),
        (1, "a/4.jfif", "a/4.jfif", "a", hashlib.md5(b"four").hexdigest()),
        (2, "a/5", "a/5", "a", hashlib.md5(b"\0 of no known format").hexdigest()),
        (3, "a/deeper/3.jpg", "a/deeper/3.jpg", "a/deeper", hashlib.md5(b"deep").hexdigest()),
        (4, "b/2.JPG", "b/2.JPG", "b", hashlib.md5(b"two").hexdigest()),
        (5, "stray.jpg", "stray.jpg", "", hashlib.md5(b"in no class").hexdigest()),
    ]
    assert read_list(tmp_path / "set").unlabelled == {"stray.jpg": (f"{tmp_path / 'set'}, at its top", "")}
    assert read_list(tmp_path / "set", any_depth=True).unlabelled == {}
    assert skipped_files(tmp_path / "set") == [("a/notes.txt", "no-photograph", "")]
    assert skipped_files(written("l.csv", "id,url,landmark_id\na,u,1\n")) == []


def test_the_digest_of_a_folder_is_of_all_that_a_run_sees_of_it(written, tmp_path):
    folder = tmp_path / "set"

    def digest() -> str:
        return folder_digest(read_sources(folder), skipped_files(folder))

    written("set/a/1.jpg", b"one")
    digests = [digest()]
    for name in ("a/1.jpg", "a/2", "notes.txt", "top.jpg"):
        written(f"set/{name}", b"changed")
        digests.append(digest())
    assert len(set(digests)) == len(digests)
    written("set/notes.txt", b"another note")
    assert digest() == digests[-1]


def test_a_folder_of_links_that_lead_out_says_so(written, tmp_path):
    written("store/1.jpg", b"one")
    (tmp_path / "set").mkdir()
    (tmp_path / "set/tower").symlink_to(tmp_path / "store")
    with pytest.raises(InputError, match=r"no images found; .*; not followed, since they lead out of it: tower"):
        read_sources(tmp_path / "set")


def test_a_folder_without_images(tmp_path):
    with pytest.raises(InputError, match="no images found; expected CLASS/IMAGE"):
        read_sources(tmp_path)


# Repeated rows


def test_a_repeated_line_is_no_error_and_points_at_its_first(written):
    table = read_sources(written("l.csv", "id,url,landmark_id\na,u,1\nb,v,1\na,u,1\nc,w,1\nb,v,1\na,u,1\n"))
    np.testing.assert_array_equal(duplicate_rows(table), [0, 1, 0, 3, 1, 0])


text = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp"), exclude_characters="\ufeff@"),
    min_size=1,
    max_size=12,
).filter(lambda word: word not in MISSING and "+" not in word and not word.endswith("0"))


@given(rows=st.lists(st.tuples(text, text, text), min_size=1, max_size=12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_in_are_rows_out_whatever_they_hold(rows, tmp_path):
    unique = [(f"{image}{index}", url, landmark) for index, (image, url, landmark) in enumerate(rows)]
    path = tmp_path / "l.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("id", "url", "landmark_id"), *unique, *unique[:3]])
    table = read_sources(path)
    assert columns(table, "image_id", "url", "landmark_id") == [*unique, *unique[:3]]
    np.testing.assert_array_equal(duplicate_rows(table), [*range(len(unique)), *range(len(unique[:3]))])


# Real lists


def test_the_real_training_list(shared_data):
    table = read_sources(shared_data / "url_lists/gldv1_train.csv")
    assert table.num_rows == 1490
    assert columns(table.slice(0, 1), "image_id", "landmark_id") == [("85107e96e9ab5e7e", "205")]
    assert all(url.startswith("http") for url in table["url"].to_pylist())


def test_the_real_validation_list(shared_data):
    table = read_sources(shared_data / "url_lists/gldv1_valid.csv")
    assert table.num_rows == 396
    assert columns(table.slice(0, 1), "image_id", "landmark_id") == [("b8a453b31eb19984", "205")]


LETTERS = pa.Table.from_pylist(
    [{"row": n, "image_id": str(n), "url": f"u{n}", "landmark_id": name} for n, name in enumerate("abcab")],
    SOURCES.schema,
)


def test_images_of_a_merged_class_count_as_the_other_and_nothing_else_changes():
    merged = merge_classes(LETTERS, {"a": "c"})
    assert merged["landmark_id"].to_pylist() == ["c", "b", "c", "c", "b"]
    assert merged.schema.equals(LETTERS.schema)
    assert merged.drop_columns("landmark_id").equals(LETTERS.drop_columns("landmark_id"))
    assert merge_classes(LETTERS, {}).equals(LETTERS)


@pytest.mark.parametrize(
    ("merge", "message"),
    [
        ({"x": "a"}, "merge 'x' = 'a': the class 'x' is not in the list"),
        ({"a": "x"}, "merge 'a' = 'x': the class 'x' is not in the list"),
        ({"a": "b", "b": "c"}, "merge 'a' = 'b': that is merged itself, into 'c'; name the last class"),
        ({"a": "a"}, "merge 'a' = 'a': that is merged itself"),
    ],
)
def test_merges_that_make_no_sense_are_refused(merge, message):
    with pytest.raises(InputError, match=message):
        merge_classes(LETTERS, merge)


def test_images_of_a_folder_at_any_depth_need_no_class(tmp_path):
    for name in ("top.jpg", "a/one.JPG", "a/b/deep.png", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    found = read_sources(tmp_path, any_depth=True)
    assert list(zip(found["image_id"].to_pylist(), found["landmark_id"].to_pylist(), strict=True)) == [
        ("a/b/deep.png", "a/b"), ("a/one.JPG", "a"), ("top.jpg", ""),
    ]  # fmt: skip
    assert not read_list(tmp_path, any_depth=True).unlabelled
    assert [*read_list(tmp_path).unlabelled] == ["top.jpg"]


def test_a_folder_without_images_says_what_was_expected(tmp_path):
    with pytest.raises(InputError, match=r"expected files such as IMAGE\.jpg below it"):
        read_sources(tmp_path, any_depth=True)
