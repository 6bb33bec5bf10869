"""Archives from a real server on a real socket: one that breaks off, forgets, changes its file, and lies."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from storage.errors import InputError
from tasks.captions.download import download
from tasks.captions.settings import Archive, ArchiveSettings

CONTENT = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
SETTINGS = ArchiveSettings(allowed_hosts=("127.0.0.1",), attempts=3, backoff=0.01, read_timeout=2)


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
    asked: list[tuple[str | None, str | None]] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    shelf: Shelf

    def do_GET(self) -> None:
        shelf, wanted = self.shelf, self.headers.get("Range")
        if self.path == "/moved":
            self.begin(302, {"Location": "/file.zip", "Content-Length": "0"})
            return
        shelf.asked.append((wanted, self.headers.get("If-Range")))
        if shelf.statuses:
            self.begin(shelf.statuses.pop(0), {"Content-Length": "0"})
            return
        begun = 0
        mark = shelf.headers.get("ETag") or shelf.headers.get("Last-Modified")
        if wanted and shelf.knows_ranges and self.headers.get("If-Range") == mark:
            begun = int(wanted.removeprefix("bytes=").rstrip("-"))
        if begun >= len(shelf.content):
            self.begin(416, {"Content-Range": f"bytes */{len(shelf.content)}", "Content-Length": "0"})
            return
        body = shelf.content[begun:]
        said = 0 if shelf.lies_about_range else begun
        part = {"Content-Range": f"bytes {said}-{len(shelf.content) - 1}/{len(shelf.content)}"} if begun else {}
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


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    site = Shelf()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"shelf": site}))
    server.daemon_threads = True
    site.url = f"http://127.0.0.1:{server.server_port}/file.zip"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield site
    server.shutdown()
    server.server_close()


def test_an_archive_arrives_whole(shelf, tmp_path):
    assert download(Archive(address=shelf.url, sha256=SHA256), tmp_path / "a", SETTINGS) == SHA256
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert shelf.asked == [(None, None)]


@pytest.mark.parametrize("headers", [{"ETag": '"one"'}, {"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}])
def test_a_broken_transfer_goes_on_from_there(shelf, tmp_path, headers):
    shelf.headers, shelf.breaks_after = headers, [100_000, 50_000]
    [mark] = headers.values()
    assert download(Archive(address=shelf.url), tmp_path / "a", SETTINGS) == SHA256
    assert shelf.asked == [(None, None), ("bytes=100000-", mark), ("bytes=150000-", mark)]


def test_many_breaks_are_borne_as_long_as_something_comes(shelf, tmp_path):
    shelf.breaks_after = [50_000] * 9
    assert download(Archive(address=shelf.url), tmp_path / "a", SETTINGS) == SHA256
    assert len(shelf.asked) == 10


def test_what_a_killed_run_left_is_gone_on_with(shelf, tmp_path):
    shelf.breaks_after = [200_000, 0, 0, 0]
    with pytest.raises(InputError, match=r"3 tries brought nothing new .*; run again to go on, or give a local file"):
        download(Archive(address=shelf.url), tmp_path / "a", SETTINGS)
    assert (tmp_path / "a").stat().st_size == 200_000
    shelf.asked.clear()
    assert download(Archive(address=shelf.url), tmp_path / "a", SETTINGS) == SHA256
    assert shelf.asked == [("bytes=200000-", '"one"')]


def test_a_run_that_was_killed_at_the_end_fetches_nothing_again(shelf, tmp_path):
    download(Archive(address=shelf.url), tmp_path / "a", SETTINGS)
    assert download(Archive(address=shelf.url), tmp_path / "a", SETTINGS) == SHA256
    assert (tmp_path / "a").read_bytes() == CONTENT


def test_another_file_by_now_is_fetched_from_its_beginning(shelf, tmp_path):
    shelf.breaks_after = [200_000, 0, 0, 0]
    with pytest.raises(InputError):
        download(Archive(address=shelf.url), tmp_path / "a", SETTINGS)
    shelf.content, shelf.headers = b"new" * 1000, {"ETag": '"two"'}
    assert download(Archive(address=shelf.url), tmp_path / "a", SETTINGS) == hashlib.sha256(b"new" * 1000).hexdigest()


@pytest.mark.parametrize("how", ["no ranges", "weak tag"])
def test_a_server_that_cannot_go_on_sends_everything(shelf, tmp_path, how):
    shelf.breaks_after = [200_000]
    shelf.knows_ranges = how != "no ranges"
    shelf.headers = {"ETag": 'W/"one"'} if how == "weak tag" else shelf.headers
    assert download(Archive(address=shelf.url), tmp_path / "a", SETTINGS) == SHA256
    assert len(shelf.asked) == 2


def test_a_part_that_was_not_asked_for_is_not_put_in(shelf, tmp_path):
    shelf.breaks_after, shelf.lies_about_range = [200_000], True
    with pytest.raises(InputError, match="a part that was not asked for"):
        download(Archive(address=shelf.url), tmp_path / "a", SETTINGS)
    assert (tmp_path / "a").read_bytes() == CONTENT[:200_000]


def test_statuses_that_pass_are_waited_for(shelf, tmp_path):
    shelf.statuses = [503, 429]
    waits: list[float] = []
    assert download(Archive(address=shelf.url), tmp_path / "a", SETTINGS, waits.append) == SHA256
    assert waits == [0.01, 0.02]


def test_a_redirect_is_followed(shelf, tmp_path):
    address = shelf.url.replace("file.zip", "moved")
    assert download(Archive(address=address), tmp_path / "a", SETTINGS) == SHA256


def test_what_will_not_change_is_an_error_at_once(shelf, tmp_path):
    shelf.statuses = [404] * 5
    with pytest.raises(InputError, match="HTTP status 404; give another address, or a local file"):
        download(Archive(address=shelf.url), tmp_path / "a", SETTINGS)
    assert len(shelf.asked) == 1


def test_another_sha256_than_promised_leaves_nothing(shelf, tmp_path):
    with pytest.raises(InputError, match=f"what came has the sha256 {SHA256}, not the promised {'0' * 64}"):
        download(Archive(address=shelf.url, sha256="0" * 64), tmp_path / "a", SETTINGS)
    assert not (tmp_path / "a").exists()


def test_a_file_that_is_too_long_is_refused(shelf, tmp_path):
    with pytest.raises(InputError, match=r"longer than 1,000 bytes \(\[archives\] max_bytes\)"):
        download(Archive(address=shelf.url), tmp_path / "a", SETTINGS.model_copy(update={"max_bytes": 1000}))


def test_private_addresses_are_refused_unless_allowed(shelf, tmp_path):
    with pytest.raises(InputError, match=r"not a public address; \[archives\] allowed_hosts lets it through"):
        download(Archive(address=shelf.url), tmp_path / "a", ArchiveSettings(attempts=1))
    assert shelf.asked == []


def test_no_one_there(tmp_path):
    with pytest.raises(InputError, match="1 tries brought nothing new"):
        download(
            Archive(address="http://127.0.0.1:9/x.zip"), tmp_path / "a", SETTINGS.model_copy(update={"attempts": 1})
        )
