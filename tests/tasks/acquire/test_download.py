"""Against a real server on a real socket, with archives made here."""

import hashlib
import io
import json
import re
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from storage.errors import InputError
from tasks.acquire.address import host_of
from tasks.acquire.download import OFFICIAL, RECORD, download, files_of
from tasks.acquire.settings import RemoteFile, TransferSettings
from tasks.overlap.testsets import read_test_set

SETTINGS = TransferSettings(attempts=1)
CONTENT = {"set/eiffel_000001.jpg": b"one" * 5000, "set/eiffel_000002.jpg": b"two" * 5000}


@dataclass
class Server:
    """What is offered by path, how many bytes of the next answers come before they break, and what was asked for."""

    url: str
    offered: dict[str, bytes] = field(default_factory=dict)
    breaks: list[int] = field(default_factory=list)
    ranges: list[str | None] = field(default_factory=list)

    @property
    def settings(self) -> TransferSettings:
        """Those that reach it."""
        return SETTINGS.model_copy(update={"allowed_hosts": (host_of(self.url),)})


class Handler(BaseHTTPRequestHandler):
    server_of_test: Server

    def do_GET(self) -> None:
        server, body = self.server_of_test, self.server_of_test.offered.get(self.path)
        server.ranges.append(self.headers["Range"])
        if body is None:
            self.send_error(404)
            return
        etag, start = f'"{hashlib.sha256(body).hexdigest()}"', 0
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers["Range"] or "")
        if wanted and self.headers["If-Range"] == etag:
            start = int(wanted[1])
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        self.wfile.write(body[start : start + (server.breaks.pop(0) if server.breaks else len(body))])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server("")
    listening = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"server_of_test": found}))
    found.url = f"http://127.0.0.1:{listening.server_port}"
    thread = threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield found
    listening.shutdown()
    listening.server_close()
    thread.join()


def tgz(members: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return sink.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return sink.getvalue()


def files(folder: Path) -> dict[str, bytes]:
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def silent(file: str, done: int, total: int) -> None:
    """Nobody listens."""


def test_archives_of_both_kinds_and_a_plain_file_come_whole_and_are_told(server, tmp_path):
    truth = b'{"eiffel": {"query": ["eiffel_000001"]}}'
    server.offered = {"/a.tgz": tgz(CONTENT), "/b.zip": zipped({"more/louvre_1.jpg": b"3"}), "/groundtruth.json": truth}
    told: list[tuple[str, int, int]] = []
    wanted = tuple(RemoteFile(url=f"{server.url}{path}") for path in server.offered)
    download(wanted, tmp_path / "paris", server.settings, lambda *progress: told.append(progress))
    came = files(tmp_path / "paris")
    record = json.loads(came.pop(RECORD))
    assert came == {**CONTENT, "more/louvre_1.jpg": b"3", "groundtruth.json": truth}
    assert record == [
        {"url": f"{server.url}{path}", "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        for path, body in server.offered.items()
    ]
    assert told[-1] == ("groundtruth.json", len(truth), len(truth))
    assert [path.name for path in tmp_path.iterdir()] == ["paris"]
    assert read_test_set("mine", tmp_path / "paris").ground_truth


def test_a_broken_transfer_goes_on_where_it_stood(server, tmp_path):
    body = tgz(CONTENT)
    server.offered, server.breaks = {"/a.tgz": body}, [50, 0]
    wanted = (RemoteFile(url=f"{server.url}/a.tgz", sha256=hashlib.sha256(body).hexdigest(), bytes=len(body)),)
    with pytest.raises(InputError, match=r"a\.tgz: .*run again to go on"):
        download(wanted, tmp_path / "set", server.settings, silent)
    assert not (tmp_path / "set").exists()
    download(wanted, tmp_path / "set", server.settings, silent)
    assert server.ranges == [None, "bytes=50-", "bytes=50-"]
    assert files(tmp_path / "set").keys() == {*CONTENT, RECORD}


def test_what_came_is_not_fetched_again_for_the_sake_of_another_file(server, tmp_path):
    server.offered = {"/a.tgz": tgz(CONTENT)}
    wanted = tuple(RemoteFile(url=f"{server.url}{path}") for path in ("/a.tgz", "/b.zip"))
    with pytest.raises(InputError, match=r"b\.zip: HTTP status 404"):
        download(wanted, tmp_path / "set", server.settings, silent)
    server.offered["/b.zip"] = zipped({"c_1.jpg": b"c"})
    download(wanted, tmp_path / "set", server.settings, silent)
    assert len(server.ranges) == 3


def test_other_bytes_than_promised_are_refused_and_removed(server, tmp_path):
    server.offered = {"/a.tgz": tgz(CONTENT)}
    with pytest.raises(InputError, match=r"what came is not what was promised: bytes: .*expected 7; it was removed"):
        download((RemoteFile(url=f"{server.url}/a.tgz", bytes=7),), tmp_path / "set", server.settings, silent)
    assert not (tmp_path / "set").exists()
    assert files(tmp_path / "set.part") == {}


@pytest.mark.parametrize("name", ["../out.jpg", "/tmp/out.jpg", "a/../../out.jpg"])
def test_names_that_lead_out_of_the_folder_are_refused(server, tmp_path, name):
    for path, body in (("/a.tgz", tgz({name: b"1"})), ("/a.zip", zipped({name: b"1"}))):
        server.offered = {path: body}
        target = tmp_path / "deep" / path[1:]
        with pytest.raises(InputError, match=r"leads out of the folder; nothing was unpacked"):
            download((RemoteFile(url=f"{server.url}{path}"),), target, server.settings, silent)
        assert not (tmp_path / "out.jpg").exists()
        assert not (tmp_path / "deep/out.jpg").exists()
        assert not list(tmp_path.rglob("out.jpg"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_refused(server, tmp_path, kind):
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        link = tarfile.TarInfo("passwords_1.jpg")
        link.type, link.linkname = kind, "/etc/passwd"
        archive.addfile(link)
    server.offered = {"/a.tar": sink.getvalue()}
    with pytest.raises(
        InputError, match=r"a\.tar: can't be unpacked \('passwords_1\.jpg' is neither a file nor a folder"
    ):
        download((RemoteFile(url=f"{server.url}/a.tar"),), tmp_path / "set", server.settings, silent)
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("names", [("a", "a/b.jpg"), ("a/b.jpg", "a")])
def test_a_file_that_is_a_folder_as_well_is_refused(server, tmp_path, names):
    server.offered = {"/a.tgz": tgz(dict.fromkeys(names, b"1"))}
    with pytest.raises(InputError, match=rf"a\.tgz: can't be unpacked \('{names[1]}' is a file and a folder by turns"):
        download((RemoteFile(url=f"{server.url}/a.tgz"),), tmp_path / "set", server.settings, silent)
    assert not (tmp_path / "set").exists()


def test_folders_of_an_archive_are_no_files(server, tmp_path):
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        folder = tarfile.TarInfo("set")
        folder.type = tarfile.DIRTYPE
        for info in (folder, tarfile.TarInfo("set/1.jpg")):
            archive.addfile(info)
    server.offered = {"/a.tar": sink.getvalue()}
    download((RemoteFile(url=f"{server.url}/a.tar"),), tmp_path / "set", server.settings, silent)
    assert files(tmp_path / "set").keys() == {"set/1.jpg", "downloaded.json"}


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/a.tgz", tgz(CONTENT)[:-40], "can't be unpacked"),
        ("/a.zip", zipped(CONTENT)[:-40], "not an archive"),
        ("/a.tgz", b"<html>moved</html>", "not an archive, whatever its name says"),
    ],
)
def test_damaged_archives(server, tmp_path, path, body, said):
    server.offered = {path: body}
    with pytest.raises(InputError, match=said):
        download((RemoteFile(url=f"{server.url}{path}"),), tmp_path / "set", server.settings, silent)
    assert not (tmp_path / "set").exists()


def test_an_archive_that_would_fill_the_disk_is_refused(server, tmp_path, monkeypatch):
    from tasks.acquire import download as module

    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 100})())
    server.offered = {"/a.tgz": tgz(CONTENT)}
    with pytest.raises(InputError, match=r"a\.tgz: unpacked it takes 30,000 bytes, and .* has 100 left"):
        download((RemoteFile(url=f"{server.url}/a.tgz"),), tmp_path / "set", server.settings, silent)


def test_a_folder_that_is_there_is_left_alone(tmp_path):
    (tmp_path / "set").mkdir()
    with pytest.raises(InputError, match="is there already; remove it"):
        download((), tmp_path / "set", SETTINGS, silent)


def test_addresses_are_the_official_ones_or_those_given():
    assert files_of("oxford5k", {}) == OFFICIAL["oxford5k"]
    assert {file.name for file in OFFICIAL["rparis6k"]} == {"paris_1-v1.tgz", "paris_2-v1.tgz", "gnd_rparis6k.mat"}
    mine = (RemoteFile(url="https://mirror.example/jpg1.tar.gz"),)
    assert files_of("holidays", {"holidays": mine}) == mine
    with pytest.raises(InputError, match=r"'holidays': no addresses are known .*\[\[holidays\]\]"):
        files_of("holidays", {})
