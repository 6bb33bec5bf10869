"""The adversarial server: plain sockets, since what it says is often no HTTP; a loopback address per case."""

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

INNER = "127.0.0.1"
"""Stands for what lies behind the reader's own wall: nothing may ever connect to it."""
PIECE_SECONDS = 0.1
"""Between two pieces of an answer that drips."""
_LONGEST_HEAD = 100_000


@dataclass
class Exchange:
    """One connection with its request, and what a behaviour can do to it."""

    connection: socket.socket
    port: int
    host: str
    path: str
    turn: int  # how many requests for this path came before this one
    stopping: threading.Event

    def send(self, data: bytes) -> None:
        """Sends bytes as they are."""
        self.connection.sendall(data)

    def answer(self, body: bytes, *headers: str, status: str = "200 OK") -> None:
        """Sends an answer of HTTP/1.1, its length told rightly unless a header does."""
        told = any(header.lower().startswith(("content-length:", "transfer-encoding:")) for header in headers)
        lines = [f"HTTP/1.1 {status}", *headers, *([] if told else [f"Content-Length: {len(body)}"])]
        self.send("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + body)

    def repeat(self, piece: bytes, pause: float = 0.0) -> None:
        """Sends the same bytes until the other side leaves or the server stops."""
        while not self.stopping.wait(pause):
            self.send(piece)

    def wait(self) -> None:
        """Says nothing more until the other side leaves or the server stops."""
        self.connection.settimeout(PIECE_SECONDS)
        while not self.stopping.is_set():
            with contextlib.suppress(TimeoutError):
                if not self.connection.recv(1024):
                    return

    def reset(self) -> None:
        """Breaks the connection: what was sent and not read yet is lost too."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.connection.close()


Behaviour = Callable[[Exchange], None]


@dataclass
class Witness:
    """What the server saw: every request head by the host that was asked, in order of arrival."""

    port: int
    heads: dict[str, list[bytes]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, host: str, head: bytes) -> int:
        """Keeps a head and tells how many with the same first line the host had before."""
        with self.lock:
            known = self.heads.setdefault(host, [])
            known.append(head)
            return sum(other.split(b"\r\n", 1)[0] == head.split(b"\r\n", 1)[0] for other in known) - 1


@contextmanager
def serve(
    behaviours: Mapping[str, Behaviour], robots: Mapping[str, Behaviour], deaf: Sequence[str]
) -> Iterator[Witness]:
    """Serves each host (a loopback address) with its behaviour while the context is open, all on one free port.

    `robots` says how hosts answer for their robots.txt; the others have none. Those in `deaf` answer no knock. Needs a
    system where all of 127.0.0.0/8 is this machine, as Linux is.

    Raises:
        OSError: an address cannot be listened at.
    """
    listeners = _listen([INNER, *behaviours])
    witness, stopping = Witness(listeners[0].getsockname()[1]), threading.Event()
    threads = [threading.Thread(target=_accept, args=(listeners, witness, behaviours, robots, stopping), daemon=True)]
    threads[0].start()
    unheard = [part for host in deaf for part in _stay_deaf(host, witness.port)]
    try:
        yield witness
    finally:
        stopping.set()
        threads[0].join()
        for part in (*listeners, *unheard):
            part.close()


def _listen(hosts: list[str]) -> list[socket.socket]:
    listeners: list[socket.socket] = []
    for host in hosts:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, listeners[0].getsockname()[1] if listeners else 0))
        listener.listen(16)
        listeners.append(listener)
    return listeners


def _stay_deaf(host: str, port: int) -> list[socket.socket]:
    """Sockets that keep a host's queue full: the system drops whoever else knocks."""
    listener = socket.socket()
    listener.bind((host, port))
    listener.listen(0)
    knocking = [socket.socket() for _ in range(3)]
    for knock in knocking:
        knock.setblocking(False)
        knock.connect_ex((host, port))
    return [listener, *knocking]


def _accept(
    listeners: list[socket.socket],
    witness: Witness,
    behaviours: Mapping[str, Behaviour],
    robots: Mapping[str, Behaviour],
    stopping: threading.Event,
) -> None:
    with selectors.DefaultSelector() as selector:
        for listener in listeners:
            selector.register(listener, selectors.EVENT_READ)
        while not stopping.is_set():
            for key, _ in selector.select(0.05):
                assert isinstance(key.fileobj, socket.socket)
                connection, _ = key.fileobj.accept()
                host = connection.getsockname()[0]
                arguments = (connection, host, witness, behaviours.get(host), robots.get(host), stopping)
                threading.Thread(target=_converse, args=arguments, daemon=True).start()


def _converse(
    connection: socket.socket,
    host: str,
    witness: Witness,
    behaviour: Behaviour | None,
    robots: Behaviour | None,
    stopping: threading.Event,
) -> None:
    # A client that leaves does right by most of these hosts
    with connection, contextlib.suppress(OSError):
        connection.settimeout(30)
        head = _read_head(connection)
        turn = witness.note(host, head)
        words = head.split(b" ", 2)
        path = words[1].decode("latin-1") if len(words) > 2 else ""
        exchange = Exchange(connection, witness.port, host, path, turn, stopping)
        about_robots = path.startswith(("/robots.txt", "/robots/"))
        act = (robots if about_robots else behaviour) or _absent
        act(exchange)


def _read_head(connection: socket.socket) -> bytes:
    """The head of a request; of what is none, as a greeting of TLS, its first piece."""
    head = b""
    while head[:4] in (b"", b"GET ") and b"\r\n\r\n" not in head and len(head) < _LONGEST_HEAD:
        if not (piece := connection.recv(65536)):
            break
        head += piece
    return head


def _absent(exchange: Exchange) -> None:
    exchange.answer(b"no such page", status="404 Not Found")
