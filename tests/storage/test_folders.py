import hashlib
import subprocess

import pytest

from storage.errors import DamagedTableError
from storage.folders import list_damage, list_lost, publish_folder, read_record
from storage.tables.spec import TableRef

FILES = [("a", b"2"), ("deep/b", b"3")]


def publish(root, files=FILES, said=b"{}"):
    """Publishes `f/g`; returns the reference of its list of files."""
    seen = []

    def describe(listing):
        seen.append(listing)
        return said

    publish_folder(root, "f/g", iter(files), "record.json", describe)
    return seen[-1]


def test_a_folder_is_written_whole_and_takes_the_place_of_one_without_a_record(root):
    root.write("f/g/old", b"1")
    listing = publish(root)
    assert set(root.find("f")) == {
        f"f/g/{name}" for name in ("a", "deep/b", "SHA256SUMS", "record.sha256", "record.json")
    }
    assert (root.read("f/g/a"), root.read("f/g/deep/b")) == (b"2", b"3")
    assert listing.rows == 2
    assert list(list_damage(root, "f/g", "record.json", listing)) == []


def test_sha256sum_reads_both_lists(local_root):
    publish(local_root)
    for name in ("SHA256SUMS", "record.sha256"):
        subprocess.run(
            ["sha256sum", "--check", "--strict", name], cwd=local_root.local_path("f/g"), check=True, timeout=60
        )


def test_a_folder_whose_making_fails_does_not_appear(local_root):
    def broken():
        yield "a", b"1"
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError):
        publish(local_root, broken())
    assert local_root.find("f") == {}
    publish(local_root, [("b", b"3")])
    assert local_root.names("f") == ["g"]
    assert "a" not in local_root.names("f/g")


def test_what_another_process_published_meanwhile_stays(local_root):
    def slow():
        yield from FILES
        publish(local_root, said=b'{"by": "another"}')

    publish(local_root, slow())
    assert read_record(local_root, "f/g/record.json") == b'{"by": "another"}'
    assert local_root.names("f") == ["g"]


def test_a_stored_table_is_copied_and_a_damaged_one_refused(root):
    root.write("stages/t", b"rows")
    publish(root, [("t", TableRef(path="stages/t", digest=hashlib.sha256(b"rows").hexdigest(), rows=1))])
    assert root.read("f/g/t") == b"rows"
    with pytest.raises(DamagedTableError, match=r"stages/t was changed or damaged"):
        publish(root, [("u", TableRef(path="stages/t", digest="0" * 64, rows=1))])


def test_each_damage_is_told_and_mended_where_it_stands(root):
    listing = publish(root)
    root.write("f/g/a", b"9")
    root.remove("f/g/deep/b")
    root.remove("f/g/record.sha256")
    told = list(list_damage(root, "f/g", "record.json", listing))
    assert told == ["f/g/record.sha256 is gone", "f/g/a is gone or damaged", "f/g/deep/b is gone or damaged"]
    root.write("f/g/SHA256SUMS", b"")
    assert "f/g/SHA256SUMS is gone or damaged" in list_damage(root, "f/g", "record.json", listing)
    assert publish(root) == listing
    assert list(list_damage(root, "f/g", "record.json", listing)) == []


def test_a_record_of_other_bytes_is_not_read(root):
    publish(root)
    root.write("f/g/record.json", b"[]")
    with pytest.raises(DamagedTableError, match=r"f/g/record\.json was changed or damaged; run the command"):
        read_record(root, "f/g/record.json")


@pytest.mark.parametrize("path", ["../f/g/SHA256SUMS", "f/\0", "f", "f/g/absent"])
def test_a_list_that_is_none_is_told_and_not_followed(local_root, path):
    publish(local_root)
    assert list(list_lost(local_root, TableRef(path=path, digest="0" * 64, rows=0))) == [f"{path} is gone or damaged"]


@pytest.mark.parametrize("line", ["", "x", f"{'0' * 64}  ../../../etc/passwd", f"{'0' * 64}  a\0"])
def test_what_a_list_leads_elsewhere_is_told(local_root, line):
    content = f"{line}\n".encode()
    local_root.write("f/SHA256SUMS", content)
    listing = TableRef(path="f/SHA256SUMS", digest=hashlib.sha256(content).hexdigest(), rows=1)
    assert len(list(list_lost(local_root, listing))) == 1
