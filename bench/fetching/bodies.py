"""The claim: however many long bodies are under way at once, what they take together stays within its budget.

96 bodies of 48 MB from 64 hosts of this machine, by as many connections: a small picture each, with zeros behind its
end. `python -m bench.fetching.bodies PORT` serves them, until its standard input ends.
"""

import io
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from PIL import Image

from bench.fetching.acquire_site import free_port
from bench.harness.result import Figure, Result
from bench.harness.spent import spent
from tasks.acquire.settings import AcquireSettings, FetchPolicy, PoliteSettings

_HOSTS, _CONNECTIONS, _LENGTH = 64, 96, 48_000_000
_ROWS, _QUICK_ROWS = 96, 24
_PROCESSES = 700_000_000
"""Bytes that the flow's process and a child that decodes weigh, with what they hold of the bodies they look at."""


def measure(quick: bool) -> Result:
    """Fetches all bodies at once, and asks how much memory that took."""
    rows = _QUICK_ROWS if quick else _ROWS
    polite = PoliteSettings(contact="a bench on this machine", connections=_CONNECTIONS)
    with tempfile.TemporaryDirectory() as name, _served() as port:
        folder, hosts = Path(name), [f"127.0.2.{1 + number}:{port}" for number in range(_HOSTS)]
        lines = (f"{row},http://{hosts[row % _HOSTS]}/{row}.jpg,{row % 4}" for row in range(rows))
        (folder / "list.csv").write_text("\n".join(["id,url,landmark_id", *lines, ""]))
        settings = AcquireSettings(allowed_hosts=tuple(hosts))
        arguments = [str(folder / "list.csv"), str(folder / "root")]
        arguments += [settings.model_dump_json(), FetchPolicy(polite=polite).model_dump_json()]
        command = [sys.executable, "-m", "bench.fetching.acquire_once", *arguments]
        cost = spent(command)
    found = json.loads(cost.said)
    figures: dict[str, Figure] = {
        "rows": rows,
        "seconds": found["seconds"],
        "rows_lost": rows - found["outcomes"].get("fetched", 0),
        "peak_megabytes": cost.peak / 1e6,
        "peak_over_bound": cost.peak / (polite.bytes_under_way + settings.max_bytes + _PROCESSES),
    }
    return Result(figures, {"rows_lost": ("==", 0), "peak_over_bound": ("<=", 1)})


@contextmanager
def _served() -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "bench.fetching.bodies", str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as site:
        assert site.stdin
        assert site.stdout
        site.stdout.readline()
        try:
            yield port
        finally:
            site.stdin.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    body = b""

    def do_GET(self) -> None:
        body = b"" if self.path == "/robots.txt" else self.body
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def main(port: str) -> None:
    """Serves one body under every address of this machine."""
    sink = io.BytesIO()
    patches = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(patches).resize((96, 80)).save(sink, "JPEG")
    _Handler.body = sink.getvalue().ljust(_LENGTH, b"\0")
    server = ThreadingHTTPServer(("", int(port)), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
