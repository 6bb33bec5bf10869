"""Which records of the memo count: what someone else prepared, or a disk damaged, is computed again."""

import hashlib
import json

import pytest
from prefect.serializers import JSONSerializer

from storage.root import Root
from tasks.orchestration import memo_is_sound

SERIALIZER = JSONSerializer(object_encoder=None, object_decoder=None).model_dump(mode="json")
NAMED = {"path": "stages/x/y/t.parquet", "digest": hashlib.sha256(b"rows").hexdigest(), "rows": 1}


def record(tables=None, **output) -> str:
    result = json.dumps({"tables": tables or {}, **output})
    return json.dumps({"metadata": {"serializer": SERIALIZER}, "result": result})


def is_sound(root: Root, content: str | bytes) -> bool:
    root.write("stages/records/key", content.encode() if isinstance(content, str) else content)
    return memo_is_sound(root, "key")


@pytest.fixture
def root(tmp_path) -> Root:
    root = Root(str(tmp_path / "root"))
    root.write(NAMED["path"], b"rows")
    return root


def test_a_record_is_sound_as_long_as_its_tables_are(root):
    assert is_sound(root, record({"t": NAMED}))
    root.write(NAMED["path"], b"rowz")
    assert not is_sound(root, record({"t": NAMED}))
    assert not memo_is_sound(root, "other")


def test_it_is_sound_as_long_as_the_files_of_its_lists_are(root):
    listing = f"{NAMED['digest']}  t.parquet\n".encode()
    root.write("stages/x/y/SHA256SUMS", listing)
    ref = {"path": "stages/x/y/SHA256SUMS", "digest": hashlib.sha256(listing).hexdigest(), "rows": 1}
    assert is_sound(root, record(listings=[ref]))
    root.write(NAMED["path"], b"")
    assert not is_sound(root, record(listings=[ref]))


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
        json.dumps({"metadata": {"serializer": SERIALIZER}, "result": '{"tables": ' + "[" * 3000 + "]" * 3000 + "}"}),
        json.dumps({"metadata": {"serializer": SERIALIZER}, "result": 5}),
        json.dumps({"metadata": {"serializer": {**SERIALIZER, "type": "pickle"}}, "result": '{"tables": {}}'}),
        record({"t": {**NAMED, "path": "a\0b"}}),
        record({"t": {**NAMED, "path": "a\ud800b"}}),
        record({"t": {**NAMED, "path": "../t"}}),
        record(listings=[{**NAMED, "path": "../SHA256SUMS"}]),
    ],
    ids=range(16),
)
def test_what_is_no_record_is_not_sound(root, content):
    assert not is_sound(root, content)
