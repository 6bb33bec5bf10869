import hashlib
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from storage.errors import DamagedTableError, InputError
from storage.manifest import Manifest
from storage.tables.spec import TableRef
from storage.tables.versions import VERSION_TABLES
from storage.versions import (
    check_name,
    content_digest,
    find_version,
    latest_version,
    list_names,
    list_versions,
    point_latest,
    publish_version,
    read_manifest,
    read_version_table,
)

ONE = {"a": "kept", "b": "http-error"}
TWO = {"a": "kept", "b": "kept"}


def invent(root, facts, number: int, digest: str, name: str = "set") -> Manifest:
    """A version of which there is a manifest and nothing else, with the digest that the test wants."""
    manifest = Manifest(
        **facts.model_dump(), name=name, number=number, digest=digest, tables={}, created_at="2026-01-01T00:00:00Z"
    )
    root.write(f"{manifest.folder}/manifest.json", manifest.model_dump_json().encode())
    return manifest


# Publishing


def test_a_version_is_a_folder_of_tables_and_a_manifest(root, tables_of, publish, facts):
    manifest = publish(root, tables_of(ONE))
    assert manifest.folder == f"versions/set/1-{manifest.digest[:12]}"
    assert set(root.names(manifest.folder)) == {f"{spec.name}.parquet" for spec in VERSION_TABLES} | {
        "README.md",
        "SHA256SUMS",
        "manifest.sha256",
        "manifest.json",
    }
    for name, ref in manifest.tables.items():
        content = root.read(f"{manifest.folder}/{ref.path}")
        assert hashlib.sha256(content).hexdigest() == ref.digest, name
        assert read_version_table(root, manifest, name).num_rows == ref.rows
    assert root.read(f"{manifest.folder}/README.md") == b"# set"
    assert read_manifest(root, "set", manifest.folder.rsplit("/", 1)[1]) == manifest
    assert manifest.funnel == facts.funnel
    assert json.loads(root.read(f"{manifest.folder}/manifest.json"))["settings"] == facts.settings


def test_the_digest_is_over_the_lines_of_the_tables(local_root, tables_of, publish):
    manifest = publish(local_root, tables_of(ONE))
    lines = [
        f"{spec.name} {hashlib.sha256(local_root.read(f'{manifest.folder}/{spec.name}.parquet')).hexdigest()}\n"
        for spec in VERSION_TABLES
        if spec.name != "fetch_log"
    ]
    assert manifest.digest == hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def test_the_digest_does_not_depend_on_the_order_of_tables():
    refs = {name: TableRef(path=name, digest=str(number) * 64, rows=1) for number, name in enumerate(["x", "y", "z"])}
    assert content_digest(refs) == content_digest(dict(reversed(refs.items())))
    assert content_digest(refs) != content_digest({**refs, "x": refs["y"], "y": refs["x"]})
    assert content_digest(refs) == content_digest({**refs, "fetch_log": refs["x"]})


def test_the_same_content_is_published_once_whatever_the_fetch_log_says(root, tables_of, publish):
    first = publish(root, tables_of(ONE))
    assert publish(root, tables_of(ONE, seconds=9.9)) == first
    assert [version.number for version in list_versions(root, "set")] == [1]


def test_shuffled_rows_are_the_same_version(local_root, tables_of, publish):
    tables = tables_of(ONE)
    turned = {
        name: table.take(pa.array(range(table.num_rows - 1, -1, -1), pa.int64())) for name, table in tables.items()
    }
    assert publish(local_root, turned) == publish(local_root, tables)


def test_other_content_is_the_next_number_and_the_old_version_stays_as_it_is(root, tables_of, publish):
    first = publish(root, tables_of(ONE))
    before = {name: root.read(f"{first.folder}/{name}") for name in root.names(first.folder)}
    second = publish(root, tables_of(TWO))
    assert second.number == 2
    assert publish(root, tables_of(ONE)) == first
    assert list_versions(root, "set") == [first, second]
    assert {name: root.read(f"{first.folder}/{name}") for name in root.names(first.folder)} == before


def test_names_have_their_own_numbers(root, tables_of, publish):
    publish(root, tables_of(ONE))
    assert publish(root, tables_of(TWO), "other").number == 1
    assert list_names(root) == ["other", "set"]


def test_on_an_object_store_the_manifest_comes_last_and_latest_after_it(bucket_root, object_store, tables_of, publish):
    manifest = publish(bucket_root, tables_of(ONE))
    point_latest(bucket_root, manifest)
    prefix = bucket_root.base.split("/", 1)[1]
    puts = [key.removeprefix(f"{prefix}/") for method, key in object_store.requests if method == "PUT"]
    assert puts[0] == "locks/publish/versions/set.json"
    assert puts[-2:] == [f"{manifest.folder}/manifest.json", "versions/set/latest"]
    assert len(puts) == len(set(puts)) == len(VERSION_TABLES) + 6  # with lock, card, and two lists of digests


def test_half_a_version_is_none(root, tables_of, publish, facts):
    def render(manifest: Manifest):
        yield "README.md", b"half"
        assert list_versions(root, "set") == []
        assert latest_version(root, "set") is None
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        publish_version(root, "set", tables_of(ONE), facts, render)
    assert list_versions(root, "set") == []
    assert latest_version(root, "set") is None
    # the next attempt takes its place, with nothing left of it
    manifest = publish_version(root, "set", tables_of(ONE), facts, lambda _: [("other.md", b"whole")])
    assert list_versions(root, "set") == [manifest]
    assert "README.md" not in root.names(manifest.folder)
    assert [name for name in root.names("versions/set") if name.startswith(".")] == []


def test_tables_that_break_their_schema_are_not_published(root, tables_of, publish):
    tables = tables_of(ONE)
    with pytest.raises(ValueError, match="two rows share a key"):
        publish(root, {**tables, "verdicts": pa.concat_tables([tables["verdicts"]] * 2)})
    with pytest.raises(KeyError, match="boxes"):
        publish(root, {name: table for name, table in tables.items() if name != "boxes"})
    assert root.names("versions") == []


def test_a_published_table_opens_by_itself(local_root, tables_of, publish):
    manifest = publish(local_root, tables_of(ONE))
    table = pq.read_table(local_root.local_path(f"{manifest.folder}/verdicts.parquet"))
    assert table["reason"].to_pylist() == ["kept", "http-error"]
    assert b"exactly as many rows" not in table.schema.field("row").metadata[b"description"]
    assert table.schema.field("row").metadata[b"description"].startswith(b"Position in the list")


# Latest


def test_latest_is_none_until_it_points_somewhere(root, tables_of, publish):
    assert latest_version(root, "set") is None
    first = publish(root, tables_of(ONE))
    assert latest_version(root, "set") is None
    point_latest(root, first)
    assert latest_version(root, "set") == first


def test_latest_moves_and_moves_back(root, tables_of, publish):
    first, second = publish(root, tables_of(ONE)), publish(root, tables_of(TWO))
    for version in (first, second, first):
        point_latest(root, version)
        assert latest_version(root, "set") == version
        assert find_version(root, "set", "latest") == version


def test_latest_to_nowhere_is_named(root, tables_of, publish):
    manifest = publish(root, tables_of(ONE))
    point_latest(root, manifest)
    root.remove(manifest.folder)
    with pytest.raises(
        InputError,
        match=rf"no version '{manifest.folder.rsplit('/', 1)[1]}' of 'set' in .*; `cairn versions` lists them",
    ):
        latest_version(root, "set")


# Finding


def test_a_version_is_found_by_number_folder_or_digest(local_root, facts):
    versions = [
        invent(local_root, facts, 1, "aa" + "0" * 62),
        invent(local_root, facts, 2, "ab" + "0" * 62),
        invent(local_root, facts, 10, "c" * 64),
    ]
    for version in versions:
        assert find_version(local_root, "set", str(version.number)) == version
        assert find_version(local_root, "set", version.folder.rsplit("/", 1)[1]) == version
        assert find_version(local_root, "set", version.digest) == version
        assert find_version(local_root, "set", version.digest[:2]) == version
    assert list_versions(local_root, "set") == versions


@pytest.mark.parametrize("which", ["3", "b", "a", "latest", "2-aa0000000000", "ABC"])
def test_none_or_several_are_an_error_that_counts_them(local_root, facts, which):
    invent(local_root, facts, 1, "aa" + "0" * 62)
    invent(local_root, facts, 2, "ab" + "0" * 62)
    count = {"a": 2}.get(which, 0)
    with pytest.raises(InputError, match=rf"{count} versions of 'set' in .* fit '{which}'"):
        find_version(local_root, "set", which)


def test_a_number_means_the_number_even_where_a_digest_begins_like_it(local_root, facts):
    first = invent(local_root, facts, 1, "e" * 64)
    invent(local_root, facts, 2, "1" + "e" * 63)
    assert find_version(local_root, "set", "1") == first


# Damage


def test_a_damaged_table_of_a_version_is_never_read(root, tables_of, publish):
    manifest = publish(root, tables_of(ONE))
    path = f"{manifest.folder}/verdicts.parquet"
    root.write(path, root.read(path)[:-1])
    with pytest.raises(DamagedTableError, match=r"verdicts\.parquet was changed or damaged"):
        read_version_table(root, manifest, "verdicts")
    root.remove(path)
    with pytest.raises(DamagedTableError, match=r"verdicts\.parquet is gone"):
        read_version_table(root, manifest, "verdicts")


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"[]", b"\xff\xfe", b'{"name": 3}'])
def test_a_damaged_manifest_is_named(root, tables_of, publish, content):
    manifest = publish(root, tables_of(ONE))
    root.write(f"{manifest.folder}/manifest.json", content)
    with pytest.raises(DamagedTableError, match=r"manifest\.json was changed or damaged; run the command"):
        read_manifest(root, "set", manifest.folder.rsplit("/", 1)[1])


def test_what_else_lies_about_is_no_version(local_root, tables_of, publish):
    manifest = publish(local_root, tables_of(ONE))
    for path in (
        "versions/set/notes.txt",
        "versions/set/2-aaaaaaaaaaaa/verdicts.parquet",
        "versions/set/.building-2/manifest.json",
        "versions/.hidden/x",
    ):
        local_root.write(path, b"1")
    assert list_versions(local_root, "set") == [manifest]
    assert list_names(local_root) == ["set"]


# Names


@pytest.mark.parametrize("name", ["a", "Landmarks-v2.1_clean", "0", "a" * 64])
def test_good_names(name):
    check_name(name)


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".hidden", "-a", "_a", "a/b", "../a", "a b", "a\n", "ä", "a" * 65, "a\\b"]
)
def test_names_that_no_folder_should_have(name):
    with pytest.raises(InputError, match="use up to 64 letters"):
        check_name(name)
