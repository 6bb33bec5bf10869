"""Which records of the memo count: what someone else prepared, or a disk damaged, is computed again."""

import hashlib
import json
import os
import shutil
from typing import Any

import pytest
from prefect.serializers import JSONSerializer

from flows.runtime.memo import is_sound, to_record
from storage.root import Root
from storage.tables.spec import ListingRef, TableRef
from tasks.contracts import Output

SERIALIZER = JSONSerializer(object_encoder=None, object_decoder=None).model_dump(mode="json")
NAMED = {"path": "stages/x/y/t.parquet", "digest": hashlib.sha256(b"rows").hexdigest(), "rows": 1}
RECORD = "stages/records/key"


class Written(Output):
    """What a stage wrote: a table, and maybe a listing of further files."""

    table: TableRef | None = None
    files: ListingRef | None = None


def record(output: Any = None, stamp: str = "") -> str:
    result = json.dumps({"output": {} if output is None else output, "stamp": stamp})
    return json.dumps({"metadata": {"serializer": SERIALIZER}, "result": result})


def sound(root: Root, content: str | bytes) -> bool:
    root.write(RECORD, content.encode() if isinstance(content, str) else content)
    return is_sound(root, "key", Written)


def kept(root: Root, **refs: TableRef) -> str:
    """The record of a stage that has just written these."""
    return record(**to_record(root, Written(**refs)))


@pytest.fixture
def root(tmp_path) -> Root:
    root = Root(str(tmp_path / "root"))
    root.write(NAMED["path"], b"rows")
    return root


@pytest.fixture
def listed(root) -> ListingRef:
    """A listing that names the table's file."""
    listing = f"{NAMED['digest']}  t.parquet\n".encode()
    root.write("stages/x/y/SHA256SUMS", listing)
    return ListingRef(path="stages/x/y/SHA256SUMS", digest=hashlib.sha256(listing).hexdigest(), rows=1)


@pytest.mark.parametrize("stamp", ["", "of another time"])
def test_a_record_is_sound_as_long_as_its_tables_are(root, stamp):
    assert sound(root, record({"table": NAMED}, stamp))
    root.write(NAMED["path"], b"rowz")
    assert not sound(root, record({"table": NAMED}, stamp))
    assert not is_sound(root, "other", Written)


def test_it_is_sound_as_long_as_the_files_of_its_listings_are(root, listed):
    assert sound(root, record({"files": listed.model_dump()}))
    root.write(NAMED["path"], b"")
    assert not sound(root, record({"files": listed.model_dump()}))


def test_what_was_not_written_since_is_not_read(root, listed):
    """Damage that leaves length and time is not seen here: whoever reads the table sees it."""
    content = kept(root, table=TableRef(**NAMED), files=listed)
    path = root.local_path(NAMED["path"])
    times = path.stat()
    path.write_bytes(b"rowz")
    assert not sound(root, content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert sound(root, content)


@pytest.mark.parametrize("change", ["longer", "gone", "listing gone", "another file of the listing"])
def test_what_was_written_since_is_read(root, listed, change):
    content = kept(root, table=TableRef(**NAMED), files=listed)
    assert sound(root, content)
    match change:
        case "longer":
            root.write(NAMED["path"], b"rows and more")
        case "gone":
            root.remove(NAMED["path"])
        case "listing gone":
            root.remove(listed.path)
        case _:
            root.write("stages/x/y/other", b"of no concern")
    assert sound(root, content) == (change == "another file of the listing")


def test_a_root_that_was_copied_is_read_once(root, tmp_path):
    """Its files have new times: once all are seen to be whole, the record has these."""
    root.write(RECORD, kept(root, table=TableRef(**NAMED)).encode())
    shutil.copytree(root.url, tmp_path / "copy", copy_function=shutil.copyfile)
    copy = Root(str(tmp_path / "copy"))
    before = copy.read(RECORD)
    assert is_sound(copy, "key", Written)
    after = copy.read(RECORD)
    assert before != after
    assert is_sound(copy, "key", Written)
    assert copy.read(RECORD) == after


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"3",
        record().encode("utf-16"),
        b"\xef\xbb\xbf" + record().encode(),
        record()[:-1] + ', "x": NaN}',
        "[" * 3000 + "]" * 3000,
        record()[:-1] + ', "x": ' + "[" * 3000 + "]" * 3000 + "}",
        json.dumps({"metadata": {"serializer": SERIALIZER}, "result": '{"output": ' + "[" * 3000 + "]" * 3000 + "}"}),
        json.dumps({"metadata": {"serializer": SERIALIZER}, "result": 5}),
        json.dumps({"metadata": {"serializer": {**SERIALIZER, "type": "pickle"}}, "result": '{"output": {}}'}),
        record({"table": {**NAMED, "path": "a\0b"}}),
        record({"table": {**NAMED, "path": "a\ud800b"}}),
        record({"table": {**NAMED, "path": "../t"}}),
        record({"files": {**NAMED, "path": "../SHA256SUMS"}}),
        record({"other": NAMED}),
        json.dumps({"metadata": {"serializer": SERIALIZER}, "result": '{"tables": {}}'}),
    ],
    ids=range(18),
)
def test_what_is_no_record_is_not_sound(root, content):
    assert not sound(root, content)
