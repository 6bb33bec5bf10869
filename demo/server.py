"""The HTTP server of the demonstration: one route per line of the list, good manners and bad."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HOST = "127.0.0.1"
ROUTES = "routes.json"  # {"/photos/ID.jpg": [behaviour, file in files/ or ""]}
SLOW_SECONDS = 1.0
DRIP_SECONDS = 0.25
OVERSIZED_BYTES = 50_000_000_000
HTML = b"<!doctype html><title>Log in</title><p>Please log in to see this picture.</p>"


def choose_port(preferred: int = 8765) -> int:
    """`preferred` if it is free on 127.0.0.1, otherwise some free port. With 0, always some free port."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError(f"no free port on {HOST}")


@contextmanager
def serve(folder: Path, port: int) -> Iterator[str]:
    """Serve a built demonstration while the context is open; yields the base URL, such as `http://127.0.0.1:8765`.

    `port` must be the one that `build` wrote into the list. Raises OSError when it is taken.
    """
    server = _Server(folder, port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}"
    finally:
        server.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a client may hold its connection open for ever
    request_queue_size = 128

    def __init__(self, folder: Path, port: int) -> None:
        super().__init__((HOST, port), _Handler)
        self.files = folder / "files"
        self.routes: dict[str, tuple[str, str]] = json.loads((folder / ROUTES).read_text())
        self.stopping = threading.Event()
        self.healed: set[str] = set()

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up on a stalled or oversized answer do right: no traceback."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds an idle connection is kept

    def do_GET(self) -> None:
        """Answer as the route says; an unknown path is 404."""
        behaviour, _ = self.route()
        if self.path.startswith("/moved/") and behaviour == "redirect":
            behaviour = "fine"
        _BEHAVIOURS[behaviour](self)

    def route(self) -> tuple[str, str]:
        """Behaviour and file of the address; what has moved keeps both."""
        return self.server.routes.get(self.path.replace("/moved/", "/photos/", 1), ("missing", ""))

    def picture(self) -> bytes:
        """The file behind the address."""
        return (self.server.files / self.route()[1]).read_bytes()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by the base class
        """Nothing: the terminal belongs to the pipeline."""

    def answer(self, status: int, body: bytes, kind: str = "image/jpeg", length: int | None = None) -> None:
        """Send `body`; a `length` other than its own is a lie that ends with the connection closed."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if length is not None:
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)

    def redirect(self, location: str) -> None:
        """302 to another path of this site."""
        self.send_response(302)
        self.send_header("Location", location)
        self.send_header("Content-Length", "0")
        self.end_headers()


def _fine(request: _Handler) -> None:
    request.answer(200, request.picture())


def _status(status: int) -> Callable[[_Handler], None]:
    return lambda request: request.answer(status, b"no picture here", "text/plain")


def _html(request: _Handler) -> None:
    request.answer(200, HTML, "text/html")


def _slow(request: _Handler) -> None:
    request.server.stopping.wait(SLOW_SECONDS)
    request.answer(200, request.picture())


def _stalled(request: _Handler) -> None:
    """A byte now and then, for ever: each read succeeds, so only a deadline over the whole answer ends it."""
    request.answer(200, b"\xff\xd8\xff\xe0", length=100_000)
    while not request.server.stopping.wait(DRIP_SECONDS):
        request.wfile.write(b"\0")


def _redirect(request: _Handler) -> None:
    request.redirect(request.path.replace("/photos/", "/moved/", 1))


def _loop(request: _Handler) -> None:
    here, there = ("/moved/", "/photos/") if request.path.startswith("/moved/") else ("/photos/", "/moved/")
    request.redirect(request.path.replace(here, there, 1))


def _heals(request: _Handler) -> None:
    """503 the first time since the server started, the picture from then on."""
    if request.path in request.server.healed:
        request.answer(200, request.picture())
        return
    request.server.healed.add(request.path)
    request.answer(503, b"busy", "text/plain")


def _cut(request: _Handler) -> None:
    body = request.picture()
    request.answer(200, body[: len(body) // 2])


def _short(request: _Handler) -> None:
    body = request.picture()
    request.answer(200, body[: len(body) // 2], length=len(body))


def _oversized(request: _Handler) -> None:
    request.answer(200, b"\xff\xd8\xff\xe0", length=OVERSIZED_BYTES)


_BEHAVIOURS: dict[str, Callable[[_Handler], None]] = {
    **dict.fromkeys(("fine", "placeholder", "tiny", "garbage", "bomb"), _fine),
    "missing": _status(404),
    "gone": _status(410),
    "failing": _status(500),
    "html": _html,
    "slow": _slow,
    "heals": _heals,
    "stalled": _stalled,
    "redirect": _redirect,
    "loop": _loop,
    "cut": _cut,
    "short": _short,
    "oversized": _oversized,
}
