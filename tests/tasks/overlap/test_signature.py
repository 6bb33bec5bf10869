import hashlib
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from storage.errors import InputError
from storage.parquet import encode
from storage.tables.features import SIGNATURE
from tasks.acquire.folder import Skipped
from tasks.features.packed import Features, pack
from tasks.features.settings import FeatureSettings
from tasks.overlap.signature import METHOD, About, digest_test_set, is_signature, read_signature

SETTINGS = FeatureSettings()
SKIPPED = (Skipped("a", "absent"), Skipped("b.jpg", "known-corrupt"), Skipped("c.jpg", "broken-image", "its header"))
ABOUT = About(test_set="paris", method=METHOD, features=SETTINGS, ground_truth=True, skipped=SKIPPED)


def row(**changes: object) -> dict[str, object]:
    features = Features(np.ones((3, 6), np.float32), np.full((3, 128), 7, np.uint8))
    facts = {"test_set": "paris", "test_image": "a.jpg", "site": "eiffel", "role": "query", "width": 40, "height": 30}
    return {**facts, **pack(features), **changes}


def written(path: Path, *rows: dict[str, object], about: About | None = ABOUT) -> Path:
    table = pa.Table.from_pylist(list(rows), SIGNATURE.schema)
    path.write_bytes(encode(SIGNATURE, table, about.metadata() if about else None))
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "paris.parquet"


def test_a_shared_signature_is_read_with_what_it_says_of_itself(file):
    written(file, row(), row(test_image="b.jpg", role="junk"))
    found = read_signature("paris", file, SETTINGS)
    assert found.about == ABOUT
    assert found.about.counts() == {"absent": 1, "ignored": 1, "not_compared": 1}
    assert found.table["test_image"].to_pylist() == ["a.jpg", "b.jpg"]
    assert hashlib.sha256(found.content).hexdigest() == digest_test_set("paris", file, SETTINGS)


def test_a_parquet_file_is_a_signature_and_a_folder_is_not(file, tmp_path):
    assert is_signature(file)
    assert not is_signature(tmp_path / "photographs")
    (tmp_path / "odd.parquet").mkdir()
    assert not is_signature(tmp_path / "odd.parquet")


def test_no_such_file(file):
    with pytest.raises(InputError, match=r"test set 'paris': .*paris\.parquet: can't be read \(No such file"):
        read_signature("paris", file, SETTINGS)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"<html>", b"PAR1" + bytes(64) + b"PAR1"])
def test_what_is_no_parquet_file(file, content):
    file.write_bytes(content)
    with pytest.raises(InputError, match="not a Parquet file"):
        read_signature("paris", file, SETTINGS)


def test_a_cut_file(file):
    content = written(file, row()).read_bytes()
    for length in (len(content) // 2, len(content) - 1):
        file.write_bytes(content[:length])
        with pytest.raises(InputError, match="not a Parquet file"):
            read_signature("paris", file, SETTINGS)


def test_another_table(file):
    pq.write_table(pa.table({"a": [1]}), file)
    with pytest.raises(InputError, match="says nothing of how it was made"):
        read_signature("paris", file, SETTINGS)
    pq.write_table(pa.table({"a": [1]}).replace_schema_metadata(ABOUT.metadata()), file)
    with pytest.raises(InputError, match="columns are a; expected those of the table `signature`"):
        read_signature("paris", file, SETTINGS)


def test_the_signature_of_another_set(file):
    written(file, row())
    with pytest.raises(InputError, match="is the signature of 'paris'; give --test-set paris="):
        read_signature("oxford", file, SETTINGS)


def test_other_settings_are_named(file):
    written(file, row())
    with pytest.raises(InputError, match=r"made with features\.longest_side = 640, and this run has 512; sign the"):
        read_signature("paris", file, FeatureSettings(longest_side=512))


def test_another_method_is_named(file):
    written(file, row(), about=ABOUT.model_copy(update={"method": METHOD - 1}))
    with pytest.raises(InputError, match=f"was made by method {METHOD - 1}, and this version"):
        read_signature("paris", file, SETTINGS)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"role": "answer"}, "role 'answer'"),
        ({"test_set": "oxford"}, "test_set 'oxford'"),
        ({"width": 0}, "0 × 30 pixels"),
        ({"keypoints": b"\0" * 71}, "71 bytes of keypoints and 384 of descriptors do not go together"),
        ({"descriptors": b"\0" * 128}, "72 bytes of keypoints and 128 of descriptors do not go together"),
        ({"keypoints": np.full(18, np.nan, "<f4").tobytes()}, "a keypoint is not a number"),
    ],
)
def test_rows_that_are_not_what_they_should_be(file, changes, said):
    written(file, row(test_image="0.jpg"), row(**changes))
    with pytest.raises(InputError, match=rf"row 1: .*{said}.*get the file anew"):
        read_signature("paris", file, SETTINGS)


def test_an_empty_cell_and_a_name_that_stands_twice(file):
    nullable = pa.schema([field.with_nullable(True) for field in SIGNATURE.schema], metadata=ABOUT.metadata())

    def write(*rows: dict[str, object], schema: pa.Schema) -> None:
        sink = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(list(rows), schema), sink)
        file.write_bytes(sink.getvalue())

    write(row(site=None), schema=nullable)
    with pytest.raises(InputError, match="columns are"):
        read_signature("paris", file, SETTINGS)
    write(row(), row(), schema=SIGNATURE.schema.with_metadata(ABOUT.metadata()))
    with pytest.raises(InputError, match="row 1: test_image stands there twice"):
        read_signature("paris", file, SETTINGS)


def test_no_photographs(file):
    written(file)
    with pytest.raises(InputError, match="has no photographs"):
        read_signature("paris", file, SETTINGS)


def test_a_few_kilobytes_that_unfold_to_gigabytes_are_refused(file):
    schema = SIGNATURE.schema.with_metadata(ABOUT.metadata())
    zeros = {"keypoints": b"\0" * 24_000, "descriptors": b"\0" * 128_000}
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for part in range(20):
            rows = [row(test_image=f"{part}-{number}.jpg", **zeros) for number in range(100)]
            writer.write_table(pa.Table.from_pylist(rows, schema))
    assert file.stat().st_size < 100_000
    with pytest.raises(InputError, match=r"test set 'paris': .* bytes that unfold to more than 268,435,456"):
        read_signature("paris", file, SETTINGS)
