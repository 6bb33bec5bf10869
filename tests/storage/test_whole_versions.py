"""A version is whole, and its number is its own: races, damage, and what `verify` says of it."""

import hashlib
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest

from bench.faults.damage import DAMAGES, damage
from bench.faults.races import race
from storage.errors import DamagedTableError, InputError
from storage.images import put_image
from storage.locks import lock
from storage.runs import one_run
from storage.tables.acquisition import IMAGES
from storage.verify import verify_version
from storage.versions import (
    find_version,
    latest_version,
    list_damage_of,
    list_versions,
    point_latest,
    read_if_sound,
    read_manifest,
)

ONE = {"a": "kept", "b": "http-error"}
TWO = {"a": "kept", "b": "kept"}
FILES = ("verdicts.parquet", "fetch_log.parquet", "README.md", "manifest.json", "manifest.sha256", "SHA256SUMS")


def folder_of(version) -> str:
    return version.folder.rsplit("/", 1)[1]


# Several at once


@pytest.mark.parametrize("lists", [(ONE, ONE), (ONE, TWO)], ids=["same", "different"])
def test_who_publishes_at_one_moment_publishes_whole_versions_with_numbers_of_their_own(
    local_root, tables_of, publish, lists
):
    for number in range(8):
        name = f"set-{number}"
        made = race([lambda of=of, name=name: publish(local_root, tables_of(of), name) for of in lists])
        published = list_versions(local_root, name)
        assert [version.number for version in published] == [1, 2][: len({version.digest for version in published})]
        assert {version.digest for version in published} == {version.digest for version in made}
        assert all(list_damage_of(local_root, version) == [] for version in published)
        assert [entry for entry in local_root.names(f"versions/{name}") if entry.startswith(".")] == []
        assert local_root.find("locks") == {}


def test_so_it_is_on_a_store(bucket_root, tables_of, publish):
    race([lambda of=of: publish(bucket_root, tables_of(of)) for of in (ONE, ONE, TWO)])
    published = list_versions(bucket_root, "set")
    assert [version.number for version in published] == [1, 2]
    assert all(list_damage_of(bucket_root, version) == [] for version in published)


def test_a_second_run_of_a_name_is_refused_and_leftovers_of_dead_ones_go(local_root, tables_of, publish):
    publish(local_root, tables_of(ONE))
    local_root.write("versions/set/.building-2-aa.bb/x", b"1")
    local_root.write("versions/other/.building-1-aa.bb/x", b"1")
    with one_run(local_root, "versions", "set"):
        assert folder_of(list_versions(local_root, "set")[0]) in local_root.names("versions/set")
        assert ".building-2-aa.bb" not in local_root.names("versions/set")
        assert ".building-1-aa.bb" in local_root.names("versions/other")  # of a run that may be under way
        with pytest.raises(InputError, match="another run is at work"), one_run(local_root, "versions", "set"):
            pass
        with one_run(local_root, "versions", "other"):
            pass


def test_what_was_half_written_a_day_ago_goes(local_root):
    for path in ("stages/x/.writing-1", "stages/x/.writing-2", "certificates/c/.building-a.b/x"):
        local_root.write(path, b"1")
    long_ago = time.time() - 25 * 3600
    for path in ("stages/x/.writing-1", "certificates/c/.building-a.b"):
        os.utime(local_root.local_path(path), (long_ago, long_ago))
    with one_run(local_root, "versions", "set"):
        assert local_root.names("stages/x") == [".writing-2"]
        assert local_root.names("certificates/c") == []


# Damage


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("file", FILES)
def test_damage_is_seen_and_the_same_content_published_again_mends_it(local_root, tables_of, publish, file, kind):
    first = publish(local_root, tables_of(ONE))
    damage(local_root, f"{first.folder}/{file}", kind)
    if (file, kind) == ("manifest.json", "delete"):
        assert list_versions(local_root, "set") == []
    else:
        assert verify_version(local_root, "set", "1").wrong
    mended = publish(local_root, tables_of(ONE))
    assert (mended.number, mended.digest) == (first.number, first.digest)
    assert list_versions(local_root, "set") == [mended]
    assert list_damage_of(local_root, mended) == []
    if not file.startswith("manifest.") or (kind == "delete" and file == "manifest.sha256"):
        assert mended.created_at == first.created_at  # whose facts were sound


def test_forged_facts_are_not_read(root, tables_of, publish):
    first = publish(root, tables_of(ONE))
    path = f"{first.folder}/manifest.json"
    facts = json.loads(root.read(path))
    facts["funnel"][0]["images"] += 1
    root.write(path, json.dumps(facts).encode())
    with pytest.raises(DamagedTableError, match=r"manifest\.json was changed or damaged; run the command"):
        read_manifest(root, "set", folder_of(first))
    assert publish(root, tables_of(ONE)).funnel == first.funnel


def test_a_damaged_version_is_in_nobody_elses_way(local_root, tables_of, publish):
    first = publish(local_root, tables_of(ONE))
    damage(local_root, f"{first.folder}/manifest.json", "zeros")
    second = publish(local_root, tables_of(TWO))
    assert second.number == 2
    assert find_version(local_root, "set", "2") == second
    assert find_version(local_root, "set", second.digest) == second
    assert read_if_sound(local_root, "set", folder_of(first)) is None
    with pytest.raises(DamagedTableError, match="was changed or damaged"):
        find_version(local_root, "set", "1")


@pytest.mark.parametrize("content", [b"\0", b"x" * 5000, b"\xff\xfe", b"", b"../../x"])
def test_a_damaged_latest_is_told_and_written_anew(root, tables_of, publish, content):
    version = publish(root, tables_of(ONE))
    root.write("versions/set/latest", content)
    with pytest.raises(DamagedTableError, match="latest is damaged; the next run of 'set' writes it anew"):
        latest_version(root, "set")
    point_latest(root, version)
    assert latest_version(root, "set") == version


def test_a_version_of_long_ago_is_read_and_published_again_becomes_one_of_now(local_root, tables_of, publish):
    first = publish(local_root, tables_of(ONE))
    old = first.model_copy(update={"files": None})
    for name in ("SHA256SUMS", "manifest.sha256"):
        local_root.remove(f"{first.folder}/{name}")
    local_root.write(f"{first.folder}/manifest.json", old.model_dump_json(exclude={"files"}).encode())
    assert find_version(local_root, "set", "1") == old
    assert publish(local_root, tables_of(ONE)) == first
    assert verify_version(local_root, "set", "1").wrong == ()


# Verify


@pytest.fixture
def with_image(tables_of):
    """Tables whose one kept image is stored; and its path."""

    def make(root):
        content = b"a picture"
        sha256 = hashlib.sha256(content).hexdigest()
        path = put_image(root, content, sha256, "jpg")
        values = {"string": "", "bool": False}
        row = {f.name: values.get(str(f.type), 0) for f in IMAGES.schema if not f.nullable}
        row |= {"image_id": "a", "landmark_id": "tower", "path": path, "sha256": sha256, "bytes": len(content)}
        return {**tables_of(ONE), "images": pa.Table.from_pylist([row], IMAGES.schema)}, path

    return make


def test_verify_counts_all_files_and_names_what_is_wrong(root, publish, with_image):
    tables, image = with_image(root)
    version = publish(root, tables)
    found = verify_version(root, "set", "1")
    assert found.wrong == ()
    assert found.files == len(root.names(version.folder)) + 1
    root.write(image, b"a picturE")
    root.write(f"{version.folder}/README.md", b"")
    assert verify_version(root, "set", "1").wrong == (
        f"{version.folder}/README.md is gone or damaged",
        f"{image} is gone or damaged: the same command with --refetch failed fetches it anew",
    )
    root.remove(f"{version.folder}/verdicts.parquet")
    assert f"{version.folder}/verdicts.parquet is gone or damaged" in verify_version(root, "set", "1").wrong


def test_publishing_waits_for_another_of_the_same_name(local_root, tables_of, publish):
    with ThreadPoolExecutor(1) as threads:
        with lock(local_root, "publish/versions/set"):
            waiting = threads.submit(publish, local_root, tables_of(ONE))
            assert list_versions(local_root, "set") == []
        assert waiting.result().number == 1
