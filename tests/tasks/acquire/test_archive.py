"""Large files from a real server on a real socket: one that breaks off, forgets, changes its file, and lies."""

import gzip
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from storage.errors import InputError
from tasks.acquire.address import host_of
from tasks.acquire.archive import transfer
from tasks.acquire.settings import RemoteFile, TransferSettings

CONTENT = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
SETTINGS = TransferSettings(attempts=3, backoff=0.01, read_timeout=2)


@dataclass
class Shelf:
    """A site with one file, and what it does to those who fetch it."""

    url: str = ""
    content: bytes = CONTENT
    headers: dict[str, str] = field(default_factory=lambda: {"ETag": '"one"'})
    breaks_after: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    knows_ranges: bool = True
    lies_about_range: bool = False
    tells_length: bool = True
    moved: dict[str, str] = field(default_factory=lambda: {"/moved": "/file.zip"})
    asked: list[tuple[str | None, str | None]] = field(default_factory=list)

    @property
    def settings(self) -> TransferSettings:
        """Those that reach it."""
        return SETTINGS.model_copy(update={"allowed_hosts": (host_of(self.url),)})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    shelf: Shelf

    def do_GET(self) -> None:
        shelf, wanted = self.shelf, self.headers.get("Range")
        if self.path in shelf.moved:
            self.begin(302, {"Location": shelf.moved[self.path], "Content-Length": "0"})
            return
        shelf.asked.append((wanted, self.headers.get("If-Range")))
        if shelf.statuses:
            self.begin(shelf.statuses.pop(0), {"Content-Length": "0", "Retry-After": "0"})
            return
        begun = 0
        mark = shelf.headers.get("ETag") or shelf.headers.get("Last-Modified")
        if wanted and shelf.knows_ranges and self.headers.get("If-Range") == mark:
            begun = int(wanted.removeprefix("bytes=").rstrip("-"))
        if begun and begun >= len(shelf.content):
            self.begin(416, {"Content-Range": f"bytes */{len(shelf.content)}", "Content-Length": "0"})
            return
        body = shelf.content[begun:]
        said = 0 if shelf.lies_about_range else begun
        whole = len(shelf.content) if shelf.tells_length else "*"
        part = {"Content-Range": f"bytes {said}-{len(shelf.content) - 1}/{whole}"} if begun else {}
        self.begin(206 if begun else 200, {"Content-Length": str(len(body)), **shelf.headers, **part})
        stop = shelf.breaks_after.pop(0) if shelf.breaks_after else len(body)
        self.wfile.write(body[:stop])
        self.close_connection = stop < len(body)

    def begin(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Clients that leave early are what these tests are about."""


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    site = Shelf()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"shelf": site}))
    server.daemon_threads = True
    site.url = f"http://127.0.0.1:{server.server_port}/file.zip"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield site
    server.shutdown()
    server.server_close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is to be."""
    return tmp_path / "file.zip"


def beside(path: Path) -> dict[str, bytes]:
    """What lies in the folder of the file, itself included, by the suffix of its name."""
    return {other.name.removeprefix(path.name): other.read_bytes() for other in path.parent.iterdir()}


# What comes


def test_a_file_arrives_whole_and_alone(shelf, path):
    assert transfer(RemoteFile(url=shelf.url, sha256=SHA256, bytes=len(CONTENT)), path, shelf.settings) == SHA256
    assert beside(path) == {"": CONTENT}
    assert shelf.asked == [(None, None)]


def test_an_empty_file_is_one(shelf, path):
    shelf.content = b""
    assert transfer(RemoteFile(url=shelf.url), path, shelf.settings) == hashlib.sha256().hexdigest()
    assert beside(path) == {"": b""}


def test_what_is_there_is_told_as_it_arrives(shelf, path):
    shelf.breaks_after = [100_000]
    told: list[tuple[int, int]] = []
    transfer(RemoteFile(url=shelf.url), path, shelf.settings, lambda *progress: told.append(progress))
    assert told == sorted(told)
    assert {total for _, total in told} == {len(CONTENT)}
    assert {100_000, len(CONTENT)} <= {done for done, _ in told}


@pytest.mark.parametrize("coding", ["gzip", "x-gzip"])
def test_a_packed_file_stays_packed_whatever_the_server_calls_it(shelf, path, coding):
    shelf.content = gzip.compress(CONTENT)
    shelf.headers |= {"Content-Encoding": coding}
    transfer(RemoteFile(url=shelf.url), path, shelf.settings)
    assert path.read_bytes() == shelf.content


# What breaks


@pytest.mark.parametrize("headers", [{"ETag": '"one"'}, {"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}])
def test_a_broken_transfer_goes_on_from_there(shelf, path, headers):
    shelf.headers, shelf.breaks_after = headers, [100_000, 50_000]
    [mark] = headers.values()
    assert transfer(RemoteFile(url=shelf.url), path, shelf.settings) == SHA256
    assert shelf.asked == [(None, None), ("bytes=100000-", mark), ("bytes=150000-", mark)]


def test_many_breaks_are_borne_as_long_as_something_comes(shelf, path):
    shelf.breaks_after = [50_000] * 9
    assert transfer(RemoteFile(url=shelf.url), path, shelf.settings) == SHA256
    assert len(shelf.asked) == 10


def test_coming_less_far_than_before_is_nothing_new(shelf, path):
    shelf.headers, shelf.breaks_after = {}, [100_000, 50_000, 80_000, 60_000]
    with pytest.raises(InputError, match="3 tries brought nothing new"):
        transfer(RemoteFile(url=shelf.url), path, shelf.settings)
    assert len(shelf.asked) == 4


def test_what_an_earlier_run_left_is_gone_on_with(shelf, path):
    shelf.breaks_after = [200_000, 0, 0, 0]
    with pytest.raises(InputError, match=r"3 tries brought nothing new .*; run again to go on from there, or give"):
        transfer(RemoteFile(url=shelf.url), path, shelf.settings)
    assert beside(path) == {".partial": CONTENT[:200_000], ".mark": b'"one"'}
    shelf.asked.clear()
    assert transfer(RemoteFile(url=shelf.url), path, shelf.settings) == SHA256
    assert shelf.asked == [("bytes=200000-", '"one"')]


@pytest.mark.parametrize(("left", "requests"), [(CONTENT, 1), (CONTENT + b"more", 2)])
def test_a_server_that_has_nothing_after_what_is_here(shelf, path, left, requests):
    path.with_name("file.zip.partial").write_bytes(left)  # as by a run that was killed after its last byte
    path.with_name("file.zip.mark").write_text('"one"')
    assert transfer(RemoteFile(url=shelf.url), path, shelf.settings) == SHA256
    assert beside(path) == {"": CONTENT}
    assert len(shelf.asked) == requests


def test_what_is_there_already_is_not_fetched_but_checked(shelf, path):
    path.write_bytes(CONTENT)
    assert transfer(RemoteFile(url=shelf.url, sha256=SHA256), path, shelf.settings) == SHA256
    with pytest.raises(InputError, match="what came is not what was promised"):
        transfer(RemoteFile(url=shelf.url, sha256="0" * 64), path, shelf.settings)
    assert (beside(path), shelf.asked) == ({}, [])


def test_another_file_by_now_is_fetched_from_its_beginning(shelf, path):
    shelf.breaks_after = [200_000, 0, 0, 0]
    with pytest.raises(InputError):
        transfer(RemoteFile(url=shelf.url), path, shelf.settings)
    shelf.content, shelf.headers = b"new" * 1000, {"ETag": '"two"'}
    assert transfer(RemoteFile(url=shelf.url), path, shelf.settings) == hashlib.sha256(b"new" * 1000).hexdigest()


@pytest.mark.parametrize("how", ["no ranges", "weak tag", "no tag"])
def test_a_server_that_cannot_go_on_sends_everything(shelf, path, how):
    shelf.breaks_after = [200_000]
    shelf.knows_ranges = how != "no ranges"
    shelf.headers = {"no ranges": shelf.headers, "weak tag": {"ETag": 'W/"one"'}, "no tag": {}}[how]
    assert transfer(RemoteFile(url=shelf.url), path, shelf.settings) == SHA256
    assert len(shelf.asked) == 2


def test_a_server_that_tells_no_length_of_the_whole_goes_on(shelf, path):
    shelf.breaks_after, shelf.tells_length = [200_000], False
    assert transfer(RemoteFile(url=shelf.url), path, shelf.settings) == SHA256
    assert [wanted for wanted, _ in shelf.asked] == [None, "bytes=200000-"]


def test_a_part_that_was_not_asked_for_is_not_put_in(shelf, path):
    shelf.breaks_after, shelf.lies_about_range = [200_000], True
    with pytest.raises(InputError, match="a part that was not asked for"):
        transfer(RemoteFile(url=shelf.url), path, shelf.settings)
    assert beside(path)[".partial"] == CONTENT[:200_000]


def test_statuses_that_pass_are_waited_for(shelf, path):
    shelf.statuses = [503, 429]
    waits: list[float] = []
    assert transfer(RemoteFile(url=shelf.url), path, shelf.settings, sleep=waits.append) == SHA256
    assert waits == [0.01, 0.02]


def test_no_one_there(path):
    nobody = SETTINGS.model_copy(update={"allowed_hosts": ("127.0.0.1:9",)})
    with pytest.raises(InputError, match=r"127\.0\.0\.1:9/x\.zip: 3 tries brought nothing new \(NewConnectionError: "):
        transfer(RemoteFile(url="http://127.0.0.1:9/x.zip"), path, nobody)


# What is refused


def test_what_will_not_change_is_an_error_at_once(shelf, path):
    shelf.statuses = [404] * 5
    with pytest.raises(InputError, match=f"^{shelf.url}: HTTP status 404; give another address, or your own copy"):
        transfer(RemoteFile(url=shelf.url), path, shelf.settings)
    assert len(shelf.asked) == 1


@pytest.mark.parametrize(
    ("promise", "said"),
    [({"sha256": "0" * 64}, f"sha256 {SHA256}, expected {'0' * 64}"), ({"bytes": 7}, "bytes: 512000, expected 7")],
)
def test_other_bytes_than_promised_are_refused_and_removed(shelf, path, promise, said):
    with pytest.raises(InputError, match=f"what came is not what was promised: {said}; it was removed"):
        transfer(RemoteFile(url=shelf.url, **promise), path, shelf.settings)
    assert beside(path) == {}


def test_a_file_that_is_too_long_is_refused_unless_its_length_was_told(shelf, path):
    short = shelf.settings.model_copy(update={"max_bytes": 1000})
    with pytest.raises(InputError, match=r"longer than 1,000 bytes; tell its `bytes`, or raise max_bytes"):
        transfer(RemoteFile(url=shelf.url), path, short)
    assert transfer(RemoteFile(url=shelf.url, bytes=len(CONTENT)), path, short) == SHA256


def test_private_addresses_are_refused_unless_allowed(shelf, path):
    with pytest.raises(InputError, match=r"--allow-host 127.0.0.1:\d+ opens it, and so does allowed_hosts in"):
        transfer(RemoteFile(url=shelf.url), path, TransferSettings())
    assert shelf.asked == []


# Redirects


def test_a_redirect_is_followed(shelf, path):
    shelf.breaks_after = [200_000]
    address = shelf.url.replace("file.zip", "moved")
    assert transfer(RemoteFile(url=address), path, shelf.settings) == SHA256
    assert [wanted for wanted, _ in shelf.asked] == [None, "bytes=200000-"]


def test_no_other_host_redirects_to_one_that_is_allowed(shelf, path):
    other = shelf.url.replace("127.0.0.1", "127.0.0.2")
    shelf.moved["/moved"] = other
    allowed = shelf.settings.model_copy(update={"allowed_hosts": (host_of(shelf.url), host_of(other))})
    with pytest.raises(InputError, match=r"redirects to http://127.0.0.2:\d+/file.zip, a host that is allowed; give"):
        transfer(RemoteFile(url=shelf.url.replace("file.zip", "moved")), path, allowed)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("/moved", "more than 30 redirects; give another address"),
        ("file:///etc/passwd", "leads to no http or https address"),
        ("http://[::1/file.zip", "leads to no http or https address"),
        ("http://127.0.0.2/file.zip", "127.0.0.2, which is not a public address"),
        ("http://127.0.0.1:9/file.zip", "only ports 80 and 443 are connected to"),
    ],
)
def test_a_redirect_that_leads_nowhere_good_is_an_error_at_once(shelf, path, target, said):
    shelf.moved["/moved"] = target
    waits: list[float] = []
    with pytest.raises(InputError, match=said):
        transfer(RemoteFile(url=shelf.url.replace("file.zip", "moved")), path, shelf.settings, sleep=waits.append)
    assert waits == []
