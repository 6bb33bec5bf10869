"""Archives that were made to do harm, or that nobody here can open: a clear line, and nothing left behind."""

import contextlib
import io
import re
import stat
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.errors import InputError
from tasks.acquire.unpack import unpack

LONG = f"{'n' * 300}.jpg"


def zip_of(*members: tuple[zipfile.ZipInfo | str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members:
            archive.writestr(member, content)
    return sink.getvalue()


def tar_of(name: str, size: int) -> bytes:
    member = tarfile.TarInfo(name)
    member.size = size
    return member.tobuf(tarfile.GNU_FORMAT) + bytes(10 * 1024)


def link(name: str) -> zipfile.ZipInfo:
    found = zipfile.ZipInfo(name)
    found.create_system, found.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return found


def changed(content: bytes, field: int, value: int) -> bytes:
    """A zip whose members' field (an offset in the central directory) is another."""
    changed = bytearray(content)
    for signature, offset in ((b"PK\1\2", field), (b"PK\3\4", field - 2)):
        position = content.index(signature) + offset
        changed[position : position + 2] = struct.pack("<H", value)
    return bytes(changed)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.zip", zip_of((link("set"), b"/etc"), ("set/a.jpg", b"1")), "'set' is neither a file nor a folder"),
        ("a.zip", zip_of(("set", b"1"), ("set/a.jpg", b"1")), "'set/a.jpg' is a file and a folder by turns"),
        ("a.zip", zip_of((LONG, b"1")), "a name of 304 letters, 'n{40}'…, is too long"),
        ("a.tar", tar_of(LONG[:99] + "/" + LONG, 0), "a name of .* letters, 'n{40}'…, is too long"),
        ("a.zip", changed(zip_of(("a.jpg", b"1")), 8, 1), "'a.jpg' is encrypted"),
        ("a.zip", changed(zip_of(("a.jpg", b"1")), 10, 97), "'a.jpg' is compressed by method 97, which is not known"),
        ("a.tar", tar_of("a.jpg", 1 << 50), "can't be unpacked"),
        ("a.tar", tar_of("a.jpg", 1 << 62), "can't be unpacked"),
    ],
)
def test_what_can_not_be_unpacked_is_told_and_removed(tmp_path, name, content, said):
    file, folder = tmp_path / name, tmp_path / "set"
    file.write_bytes(content)
    folder.mkdir()
    with pytest.raises(InputError, match=rf"{name}: can't be unpacked \(.*; it was removed, fetch it anew") as caught:
        unpack(file, folder)
    assert re.search(said, str(caught.value))
    assert not file.exists()


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_a_damaged_archive_is_unpacked_or_refused(tmp_path_factory, data):
    whole = data.draw(st.sampled_from([zip_of(("a/b.jpg", b"1" * 99), ("c.jpg", b"2")), tar_of("a/b.jpg", 700)]))
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    folder: Path = tmp_path_factory.mktemp("around") / "set"
    folder.mkdir()
    file = folder.with_name(f"{folder.name}.bin")
    file.write_bytes(content)
    with contextlib.suppress(InputError):  # and nothing else
        unpack(file, folder)
    assert {path.name for path in folder.parent.iterdir()} <= {folder.name, file.name}
