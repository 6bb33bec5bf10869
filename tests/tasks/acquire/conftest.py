"""A web site that behaves as badly as real ones do, on a real socket."""

import gzip
import io
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tasks.acquire.address import host_of
from tasks.acquire.settings import AcquireSettings, PoliteSettings


def encode_picture(
    width: int = 96, height: int = 80, format_name: str = "JPEG", seed: int = 0, **options: Any
) -> bytes:
    """A picture of coarse random patches, so that every seed gives other bytes."""
    patches = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    sink = io.BytesIO()
    Image.fromarray(patches).resize((width, height)).save(sink, format_name, **options)
    return sink.getvalue()


PHOTOGRAPH = encode_picture()


@dataclass
class Site:
    """The site's base address, and what it saw."""

    url: str
    hits: Counter[str] = field(default_factory=Counter)
    agents: set[str] = field(default_factory=set)
    authorizations: set[str | None] = field(default_factory=set)
    robots: Counter[str] = field(default_factory=Counter)
    at_once: Counter[str] = field(default_factory=Counter)
    most_at_once: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)
    finished: set[str] = field(default_factory=set)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path == "/robots.txt":
            self.serve_robots()
            return
        self.site.hits[path] += 1
        self.site.agents.add(self.headers["User-Agent"])
        self.site.authorizations.add(self.headers["Authorization"])
        name = path.split("/")[1]
        if name.isdigit():
            self.answer(int(name), b"no such page", {"Content-Type": "text/html"})
        else:
            getattr(self, f"serve_{name.split('.')[0].replace('-', '_')}")(path)

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def redirect(self, target: str) -> None:
        self.answer(302, b"elsewhere", {"Location": target})

    def serve_redirect_with_password(self, _: str) -> None:
        self.redirect(f"//me:secret@{self.headers['Host']}/photo.jpg")

    def serve_robots(self) -> None:
        """Of this site's other names, which all lead to 127.0.0.1, each has rules of its own."""
        host = self.headers["Host"].split(":")[0]
        self.site.robots[host] += 1
        rules = {
            "127.0.0.2": b"User-agent: *\nDisallow: /seed/1\n\nUser-agent: other\nDisallow: /\n",
            "127.0.0.3": b"User-agent: cairn\nCrawl-delay: 0.3\n",
        }
        if host == "127.0.0.4":
            self.answer(503, b"busy")
        elif host in rules:
            self.answer(200, rules[host], {"Content-Type": "text/plain", "X-Robots-Tag": "noindex"})
        else:
            self.answer(404, b"no rules")

    def serve_tagged(self, path: str) -> None:
        self.answer(200, PHOTOGRAPH, {"X-Robots-Tag": path.rsplit("/", 1)[1].replace("+", " ")})

    def serve_kept(self, _: str) -> None:
        """What has not changed since its ETag, `"v1"`, or its date."""
        if self.headers["If-None-Match"] == '"v1"' or self.headers["If-Modified-Since"]:
            self.answer(304, b"", {"Content-Length": "0"})
        else:
            self.serve_photo("")

    def serve_photo(self, _: str) -> None:
        self.answer(
            200,
            PHOTOGRAPH,
            {"Content-Type": "image/jpeg", "ETag": '"v1"', "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"},
        )

    def serve_seed(self, path: str) -> None:
        self.answer(200, encode_picture(seed=int(path.rsplit("/", 1)[1])), {"Content-Type": "image/jpeg"})

    def serve_slow_seed(self, path: str) -> None:
        """Takes a while, and counts how many requests it is at for the name that it is called by."""
        host = self.headers["Host"].split(":")[0]
        with self.site.lock:
            self.site.at_once[host] += 1
            self.site.most_at_once[host] = max(self.site.most_at_once[host], self.site.at_once[host])
        time.sleep(0.05)
        with self.site.lock:
            self.site.at_once[host] -= 1
        self.serve_seed(path)

    def serve_called_png(self, _: str) -> None:
        self.answer(200, PHOTOGRAPH, {"Content-Type": "image/png"})

    def serve_turns(self, path: str) -> None:
        """Something else each time, as the path says."""
        turns = path.rsplit("/", 1)[1].split("-")
        match turns[min(self.site.hits[path], len(turns)) - 1]:
            case "photo":
                self.answer(200, encode_picture(seed=self.site.hits[path]))
            case "withdrawn":
                self.answer(200, encode_picture(seed=1), {"X-Robots-Tag": "noai"})
            case "gone":
                self.answer(404, b"")

    def serve_page(self, _: str) -> None:
        self.answer(200, b"<!doctype html><title>Hotlinking forbidden</title>", {"Content-Type": "image/jpeg"})

    def serve_flaky(self, path: str) -> None:
        if self.site.hits[path] == 1:
            self.answer(500, b"try again")
        else:
            self.serve_photo(path)

    def serve_wait(self, path: str) -> None:
        if self.site.hits[path] == 1:
            self.answer(503, b"", {"Retry-After": path.rsplit("/", 1)[1].replace("squared", "²")})
        else:
            self.serve_photo(path)

    def serve_wait_until(self, path: str) -> None:
        moment = formatdate(time.time() + int(path.rsplit("/", 1)[1]), usegmt=True)
        self.answer(503, b"", {"Retry-After": moment})

    def serve_redirect(self, path: str) -> None:
        steps = int(path.rsplit("/", 1)[1])
        self.redirect(f"/redirect/{steps - 1}" if steps > 1 else "/photo.jpg")

    def serve_loop(self, _: str) -> None:
        self.redirect("/loop")

    def serve_to_file(self, _: str) -> None:
        self.redirect("file:///etc/passwd")

    def serve_to_neighbour(self, _: str) -> None:
        self.redirect(f"http://127.0.0.2:{self.server.server_port}/photo.jpg")

    def serve_to_forbidden(self, _: str) -> None:
        self.redirect("/seed/1")

    def serve_to_nonsense(self, _: str) -> None:
        self.redirect("http://[::1/photo.jpg")

    def serve_drip(self, path: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.drip(path, b"x")

    def serve_drip_header(self, path: str) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX-Slow: ")
        self.drip(path, b"x")
        self.wfile.write(b"\r\n\r\nx")

    def serve_drip_line(self, path: str) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=")
        self.drip(path, b"x")
        self.wfile.write(b"\r\nx\r\n0\r\n\r\n")

    def drip(self, path: str, piece: bytes) -> None:
        """A piece every 0.1 s; `finished` tells that the client stayed to the end."""
        for _ in range(30):
            self.wfile.write(piece)
            self.wfile.flush()
            time.sleep(0.1)
        self.site.finished.add(path)

    def serve_silence(self, _: str) -> None:
        time.sleep(1.5)

    def serve_hangup(self, _: str) -> None:
        self.close_connection = True

    def serve_cut_error(self, _: str) -> None:
        self.answer(404, b"no", {"Content-Length": "50"})
        self.close_connection = True

    def serve_long(self, _: str) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        for _ in range(64):
            self.wfile.write(bytes(65536))
        self.close_connection = True

    def serve_bomb(self, _: str) -> None:
        self.answer(200, gzip.compress(bytes(20_000_000)), {"Content-Encoding": "gzip"})

    def serve_short(self, _: str) -> None:
        self.answer(200, PHOTOGRAPH[:200], {"Content-Length": str(len(PHOTOGRAPH))})
        self.close_connection = True

    def serve_short_chunk(self, _: str) -> None:
        self.answer(200, b"ff\r\nonly this", {"Transfer-Encoding": "chunked", "Content-Length": "0"})
        self.close_connection = True


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Clients that leave early are what these tests are about."""


@pytest.fixture(scope="session")
def _served() -> Iterator[Site]:
    site = Site("")
    server = _Server(("", 0), type("Handler", (_Handler,), {"site": site}))
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield site
    server.shutdown()
    server.socket.close()


@pytest.fixture
def site(_served: Site) -> Site:
    """The site, its memory wiped."""
    _served.hits.clear()
    _served.agents.clear()
    _served.robots.clear()
    _served.at_once.clear()
    _served.most_at_once.clear()
    _served.finished.clear()
    return _served


@pytest.fixture
def impatient(_served: Site) -> AcquireSettings:
    """Settings with short limits that may reach the site as 127.0.0.1, and it alone."""
    return AcquireSettings(
        connect_timeout=1,
        read_timeout=0.8,
        deadline=0.8,
        max_bytes=1_000_000,
        allowed_hosts=(host_of(_served.url),),
    )


@pytest.fixture
def picture() -> Callable[..., bytes]:
    """Encodes a picture: width, height, format_name, seed, and options of Pillow's `save`."""
    return encode_picture


@pytest.fixture
def hasty() -> PoliteSettings:
    """Settings that wait for nothing."""
    return PoliteSettings(backoff=0.01, host_rate=10_000, host_connections=8, connections=8)
