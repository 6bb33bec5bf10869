"""Addresses that lead inwards, or that try to: no connection is made, and each row ends with a verdict that says so."""

import csv
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pyarrow.parquet as pq

from bench.faults.result import Drill
from bench.faults.work import NAME, start

_REFUSED = {"blocked-address", "invalid-url", "unknown-host", "connection-failed"}
_NOTHING_KEPT = 4
_LOOPBACK = (
    "127.0.0.1", "localhost", "127.1", "127.0.1", "0.0.0.0", "0", "2130706433", "0x7f000001", "0x7f.0.0.1",
    "017700000001", "0177.0.0.1", "127.255.255.254", "127.0.0.1.", "localhost.", "LOCALHOST", "①②⑦.0.0.1",
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
    "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[::ffff:0:7f00:1]", "[fe80::5efe:7f00:1]",
)  # fmt: skip
_INWARD = (
    "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200", "100.64.0.1", "192.0.0.8",
    "168.63.129.16", "198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.88.99.1", "203.0.113.9",
    "[fd00:ec2::254]", "[fc00::1]", "[fe80::1]", "[fec0::1]", "[ff02::1]", "[100::1]", "[3fff::1]", "[5f00::1]",
)  # fmt: skip
_TRICKS = ("http://127.0.0.1:{port}\\@example.invalid/x.jpg",)


def fetch_hostile(folder: Path) -> Drill:
    """Curates a list of hostile addresses, some of which lead to a port of this machine at which somebody listens."""
    with _listening() as (port, connections):
        urls = [f"http://{host}:{port}/{n}.jpg" for n, host in enumerate(_LOOPBACK)]
        urls += [f"http://{host}/{n}.jpg" for n, host in enumerate(_INWARD)]
        urls += [trick.format(port=port) for trick in _TRICKS]
        listed = folder / "hostile.csv"
        with listed.open("w", newline="") as file:
            csv.writer(file).writerows(
                [("id", "url", "landmark_id"), *((f"h{n}", url, "hostile") for n, url in enumerate(urls))]
            )
        settings = folder / "hostile.toml"
        settings.write_text(f"[acquire]\nports = [80, 443, {port}]\nattempts = 1\nconnect_timeout = 2.0\n")
        root = folder / "hostile"
        options = ["--name", NAME, "--root", str(root), "--settings", str(settings)]
        command = start(["curate", str(listed), *options], folder / "hostile.log")
        code = command.wait()
        seconds = monotonic() - command.begun
        verdicts = pq.read_table(next((root / "versions" / NAME).glob("*/verdicts.parquet"))).to_pylist()
    refused = sum(row["reason"] in _REFUSED for row in verdicts)
    clear = code == _NOTHING_KEPT and "Traceback" not in command.said and not connections
    lost = abs(len(urls) - len(verdicts))
    kind = "addresses that lead inwards; nobody was connected to"
    return Drill(kind, len(urls), refused if clear else 0, lost=lost, seconds=seconds)


@contextmanager
def _listening() -> Iterator[tuple[int, list[str]]]:
    """A port of this machine, and who connected to it."""
    connections: list[str] = []
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:

        def accept() -> None:
            while True:
                try:
                    connection, peer = server.accept()
                except OSError:  # closed
                    return
                connections.append(str(peer[0]))
                connection.close()

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1], connections
