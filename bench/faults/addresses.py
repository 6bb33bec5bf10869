"""Addresses that lead inwards, or that try to: no connection is made, and each row ends with a verdict that says so."""

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from bench.faults.result import Drill
from bench.faults.work import NAME, Work, write_list
from bench.faults.worker import Worker
from storage.root import Root
from storage.versions import find_version, read_version_table
from tasks.acquire.guard import is_public

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
_TRICK = "http://127.0.0.1:{port}\\@localhost/x.jpg"


def fetch_hostile(work: Work, worker: Worker) -> Drill:
    """Curates a list of hostile addresses, some of which lead to a port of this machine at which somebody listens.

    Raises:
        RuntimeError: one of them is no inward one, by the very rule that is drilled; nothing was sent then.
    """
    check_none_is_public()
    folder = work.folder / "hostile"
    folder.mkdir()
    with _listening() as (port, connections):
        urls = [f"http://{host}:{port}/{n}.jpg" for n, host in enumerate(_LOOPBACK)]
        urls += [f"http://{host}/{n}.jpg" for n, host in enumerate(_INWARD)] + [_TRICK.format(port=port)]
        listed = write_list(folder / "list.csv", [(f"h{n}", url, "hostile") for n, url in enumerate(urls)])
        settings = folder / "settings.toml"
        settings.write_text(f"[acquire]\nports = [80, 443, {port}]\nattempts = 1\nconnect_timeout = 2.0\n")
        root = folder / "root"
        ended = worker.run(["curate", listed, "--name", NAME, "--root", root, "--settings", settings, "--anyway"])
    store = Root(str(root))
    verdicts = read_version_table(store, find_version(store, NAME, "1"), "verdicts").to_pylist()
    refused = [row["reason"] in _REFUSED for row in verdicts]
    print(f"addresses: exit {ended.code}, connections {connections}, {Counter(row['reason'] for row in verdicts)}")
    clear = ended.code == _NOTHING_KEPT and "Traceback" not in ended.said and not connections
    kind = "addresses that lead inwards; nobody was connected to"
    return Drill(kind, len(urls), sum(refused) if clear else 0, lost=len(urls) - len(verdicts), seconds=ended.seconds)


def check_none_is_public() -> None:
    """Looks at each host without asking a name server."""
    for host in (*_LOOPBACK, *_INWARD):
        name = host.strip("[]").rstrip(".")
        if name.lower() == "localhost":
            continue
        for entry in socket.getaddrinfo(name, None, flags=socket.AI_NUMERICHOST):
            if is_public(str(entry[4][0])):
                raise RuntimeError(f"{host} is a public address, and so not tried")


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
