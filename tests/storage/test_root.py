import errno
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from storage.errors import InputError, UnwritableRootError
from storage.root import Root
from storage.unwritable import explain_unwritable


def test_what_is_written_is_read(root):
    root.write("a/b/c.bin", b"\0one")
    assert root.read("a/b/c.bin") == b"\0one"
    root.write("a/b/c.bin", b"two")
    assert root.read("a/b/c.bin") == b"two"
    root.write("empty", b"")
    assert root.read("empty") == b""


def test_what_is_not_there(root):
    with pytest.raises(FileNotFoundError):
        root.read("a/absent")
    assert not root.exists("a/absent")
    assert root.names("a/absent") == []
    root.remove("a/absent")


def test_names_are_of_files_and_folders_sorted(root):
    for path in ("f/b", "f/a/x", "f/a/y", "f/c", "g"):
        root.write(path, b"1")
    assert root.names("f") == ["a", "b", "c"]
    assert root.exists("f/a")
    root.write("f/0", b"1")
    assert root.names("f") == ["0", "a", "b", "c"]


def test_a_folder_is_removed_with_all_in_it(root):
    for path in ("f/a/x", "f/b", "fa"):
        root.write(path, b"1")
    root.remove("f")
    assert not root.exists("f")
    assert not root.exists("f/a/x")
    assert root.read("fa") == b"1"


def test_a_folder_moves_with_all_in_it(local_root):
    for path in ("f/a/x", "f/b"):
        local_root.write(path, path.encode())
    local_root.move("f", "deep/g")
    assert local_root.names("deep/g") == ["a", "b"]
    assert local_root.read("deep/g/a/x") == b"f/a/x"
    assert not local_root.exists("f")


def test_a_writable_root_is_left_as_it_was(root):
    root.check_writable()
    assert not root.exists("")
    root.write("kept", b"1")
    root.check_writable()
    assert root.names("") == ["kept"]


def test_what_another_process_did_is_seen(bucket_root, object_store):
    """Its file system keeps listings: they must not hide what others wrote or removed since."""
    prefix = bucket_root.base.split("/", 1)[1]
    bucket_root.write("f/mine", b"1")
    assert bucket_root.names("f") == ["mine"]
    object_store.put_object(Bucket="cairn-tests", Key=f"{prefix}/f/theirs", Body=b"2")
    assert bucket_root.exists("f/theirs")
    assert bucket_root.read("f/theirs") == b"2"
    assert bucket_root.names("f") == ["mine", "theirs"]
    object_store.delete_object(Bucket="cairn-tests", Key=f"{prefix}/f/theirs")
    assert not bucket_root.exists("f/theirs")


# A local root


def test_a_relative_folder_is_made_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = Root("data")
    root.write("x", b"1")
    monkeypatch.chdir("/")
    assert root.read("x") == b"1"
    assert root.url == str(tmp_path / "data")
    assert Root(root.url + "/").url == root.url


@pytest.mark.parametrize("name", ["with space", "Ünïcode 塔", "100%", "a#b?c"])
def test_any_folder_name_will_do(tmp_path, name):
    root = Root(str(tmp_path / name))
    root.write("f/x", b"1")
    assert (tmp_path / name / "f/x").read_bytes() == b"1"
    assert root.local_path("f/x") == tmp_path / name / "f/x"


def test_files_can_be_read_by_others(local_root):
    local_root.write("x", b"1")
    assert local_root.local_path("x").stat().st_mode & 0o777 == 0o644


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(local_root):
    local_root.write("f/x", b"old")
    with pytest.raises(TypeError):
        local_root.write("f/x", "text is not bytes")
    assert local_root.read("f/x") == b"old"
    assert local_root.names("f") == ["x"]


def test_a_reader_never_sees_a_part(local_root):
    contents = [bytes([letter]) * 300_000 for letter in b"ab"]
    local_root.write("x", contents[0])
    done = threading.Event()

    def rewrite() -> None:
        for number in range(40):
            local_root.write("x", contents[number % 2])
        done.set()

    writer = threading.Thread(target=rewrite)
    writer.start()
    seen = set()
    while not done.is_set():
        seen.add(local_root.read("x"))
    writer.join()
    assert seen <= set(contents)


def test_a_root_below_a_file_is_not_writable(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match=r"root '.*/file/data' can't be written .*; give a folder you own"):
        Root(str(tmp_path / "file/data")).check_writable()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="this system has no /proc, whose folders refuse every file")
def test_a_file_system_that_refuses_files_is_not_writable():
    with pytest.raises(InputError, match="can't be written"):
        Root("/proc/cairn").check_writable()


def test_the_check_removes_no_folder_that_was_there(tmp_path):
    (tmp_path / "of the user").mkdir()
    Root(str(tmp_path / "of the user/new/data")).check_writable()
    assert [path.name for path in tmp_path.iterdir()] == ["of the user"]
    assert list((tmp_path / "of the user").iterdir()) == []


# An object store


def test_an_object_store_has_no_local_paths(bucket_root):
    assert not bucket_root.is_local
    with pytest.raises(InputError, match=r"s3://cairn-tests/root-\d+ is not on this machine's disk; copy x first"):
        bucket_root.local_path("x")


def test_a_bucket_that_is_not_there_is_not_writable(object_store):
    with pytest.raises(InputError, match=r"root 's3://no-such-bucket/data' can't be written \(no-such-bucket"):
        Root("s3://no-such-bucket/data").check_writable()


def test_a_store_without_credentials_is_not_writable(object_store, monkeypatch, tmp_path):
    import s3fs

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    s3fs.S3FileSystem.clear_instance_cache()
    try:
        with pytest.raises(InputError, match=r"root 's3://cairn-tests/other' can't be written"):
            Root("s3://cairn-tests/other").check_writable()
    finally:
        s3fs.S3FileSystem.clear_instance_cache()


@pytest.mark.parametrize("url", ["nosuch://bucket/x", "htp://h/x"])
def test_a_kind_of_url_that_nothing_opens(url):
    with pytest.raises(InputError, match=f"root '{url}' can't be opened"):
        Root(url)


@pytest.fixture
def flushes(local_root, monkeypatch) -> Callable[[set[int]], tuple[int, int]]:
    """Has five ask for a flush while one is under way, the flushes of these numbers failing: how many began, failed."""
    opened, held = os.open, threading.Event()
    local_root.write("a", b"1")

    def run(failing: set[int]) -> tuple[int, int]:
        begun: list[object] = []

        def slow(path: str, flags: int, *mode: int) -> int:
            if path != local_root.base:
                return opened(path, flags, *mode)
            begun.append(path)
            if len(begun) == 1:
                held.wait()
            if len(begun) in failing:
                raise OSError("too many open files")
            return opened(path, flags, *mode)

        monkeypatch.setattr(os, "open", slow)
        with ThreadPoolExecutor(6) as threads:
            asked = [threads.submit(local_root.flush)]
            while not begun:
                time.sleep(0.01)
            asked += [threads.submit(local_root.flush) for _ in range(5)]
            time.sleep(0.2)
            held.set()
            failed = [future.exception() for future in asked if future.exception()]
        return len(begun), len(failed)

    return run


def test_who_asks_for_a_flush_while_one_is_under_way_shares_the_next(flushes):
    assert flushes(set()) == (2, 0)


def test_a_flush_that_failed_counts_for_nobody_else(flushes):
    assert flushes({2}) == (3, 1)


# A disk that is full, and other things that do not heal


@pytest.mark.parametrize("is_copy", [False, True], ids=["bytes", "a copy"])
def test_a_full_disk_is_told_with_what_is_left(disk, is_copy):
    root = Root(str(disk("1m") / "root"))
    root.write("taken", bytes(600_000))
    said = rf"root '{root.base}' can't be written: its disk is full \(0.4 MB of 1.0 MB left\); make room and run"
    with pytest.raises(UnwritableRootError, match=said):
        root.copy("taken", "f/x") if is_copy else root.write("f/x", bytes(600_000))
    assert root.names("f") == []


def test_a_name_that_is_too_long_is_told(local_root):
    with pytest.raises(UnwritableRootError, match=r"root '.*' can't be written .*too long"):
        local_root.write("x" * 300, b"1")


def test_a_file_in_the_place_of_a_folder_is_told(local_root):
    local_root.write("f", b"1")
    with pytest.raises(UnwritableRootError, match=r"root '.*' can't be written"):
        local_root.write("f/x", b"1")


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOENT, errno.ETIMEDOUT, errno.EAGAIN])
def test_what_may_heal_is_not_told_as_lasting(number):
    assert explain_unwritable(OSError(number, "x"), "/root") is None


def test_many_may_check_one_root_at_once(local_root):
    local_root.write("x", b"1")
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: local_root.check_writable(), range(200)))


def test_a_stamp_tells_what_was_written_since(root):
    """Of a file, of all files of a folder, and none where nothing is."""
    root.write("f/a", b"one")
    root.write("f/b", b"two")
    before = root.stamps("f")
    assert set(before) == {"f/a", "f/b"}
    assert root.stamps("f/a") == {"f/a": before["f/a"]}
    assert root.stamps("f") == before
    root.write("f/a", b"longer")
    after = root.stamps("f")
    assert after["f/a"] != before["f/a"]
    assert after["f/b"] == before["f/b"]
    root.remove("f/a")
    assert root.stamps("f/a") == {}
    assert root.stamps("nowhere") == {}
