"""What the benches of acquire fetch from: photographs of one size, each with bytes of its own, behind nginx."""

import hashlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2

from bench.harness.surroundings import SHARED_DATA

SIDE = 1024
"""Pixels of the longer side."""
_QUALITY = 79  # which makes the files 127 KB in the mean, as the photographs are that they are made of
_CONFIGURATION = """
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    types {{ image/jpeg jpg; }}
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        root {pictures};
    }}
}}
"""


def write_pictures(folder: Path, count: int) -> None:
    """Files `00000.jpg` and so on, made of the shared photographs in turn; each round is cut a pixel smaller.

    So no two files hold the same bytes or the same pixels. Those that are there already stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = sorted((SHARED_DATA / "landmarks").rglob("*.jpg"))
    photographs = list({hashlib.sha256(file.read_bytes()).digest(): file for file in files}.values())
    if not photographs:
        raise SystemExit(f"this bench serves the photographs in {SHARED_DATA / 'landmarks'}, which is not there")
    for first, photograph in enumerate(photographs[:count]):
        wanted = [n for n in range(first, count, len(photographs)) if not (folder / f"{n:05d}.jpg").exists()]
        if not wanted:
            continue
        pixels = cv2.imread(str(photograph))
        assert pixels is not None
        scale = SIDE / max(pixels.shape[:2])
        pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        for n in wanted:
            cut = n // len(photographs)
            part = pixels[cut:, cut:]
            cv2.imwrite(str(folder / f"{n:05d}.jpg"), part, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])


@contextmanager
def serve(pictures: Path, folder: Path) -> Iterator[str]:
    """An nginx of our own over a folder of files, which lives in `folder`; yields its base address.

    It has no robots.txt: all may be fetched.
    """
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        raise SystemExit("this bench serves with nginx: install it first, as with `apt-get install nginx-light`")
    port = free_port()
    folder.mkdir(parents=True)
    settings = folder / "nginx.conf"
    settings.write_text(_CONFIGURATION.format(folder=folder, port=port, pictures=pictures))
    server = subprocess.Popen(
        [program, "-e", str(folder / "error.log"), "-p", str(folder), "-c", str(settings), "-g", "daemon off;"]
    )
    try:
        _wait_for(port, server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def free_port() -> int:
    """A port that nothing listens at on 127.0.0.1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        if server.poll() is not None:
            raise SystemExit("nginx ended at once; it printed why")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("nginx does not answer after 10 s")
