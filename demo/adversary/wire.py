"""What hosts do on the wire: each behaviour gets an exchange whose request head has been read."""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache

from demo.adversary.pictures import photograph
from demo.adversary.server import PIECE_SECONDS, Behaviour, Exchange

JPEG = "Content-Type: image/jpeg"
PHOTOGRAPH = photograph()


def sends(body: bytes | Callable[[], bytes], *headers: str, status: str = "200 OK") -> Behaviour:
    """Answers with a body, made at the first request where it is a function."""

    @cache
    def made() -> bytes:
        return body() if callable(body) else body

    return lambda exchange: exchange.answer(made(), *(headers or (JPEG,)), status=status)


def says(data: bytes) -> Behaviour:
    """Sends bytes as they are, and hangs up."""
    return lambda exchange: exchange.send(data)


def drips(before: bytes, piece: bytes, pause: float = PIECE_SECONDS) -> Behaviour:
    """Sends the first bytes, and then the same piece for ever, with a pause between two or in one flood."""

    def act(exchange: Exchange) -> None:
        exchange.send(before)
        exchange.repeat(piece, pause)

    return act


def stays_silent(before: bytes = b"") -> Behaviour:
    """Sends the first bytes, and nothing more."""

    def act(exchange: Exchange) -> None:
        exchange.send(before)
        exchange.wait()

    return act


def resets(before: bytes = b"") -> Behaviour:
    """Sends the first bytes, waits until they have arrived, and breaks the connection."""

    def act(exchange: Exchange) -> None:
        exchange.send(before)
        if before:
            exchange.stopping.wait(PIECE_SECONDS)
        exchange.reset()

    return act


def redirects(location: str, status: str = "302 Found", landing: bytes = PHOTOGRAPH) -> Behaviour:
    """Sends to another address, in which {host}, {port} and {path} stand for those of the request.

    For a path with /landing in it, it sends the bytes `landing`.
    """

    def act(exchange: Exchange) -> None:
        if "/landing" in exchange.path:
            exchange.answer(landing, JPEG)
        else:
            target = location.format(host=exchange.host, port=exchange.port, path=exchange.path)
            exchange.answer(b"", f"Location: {target}", status=status)

    return act


def counts_down(exchange: Exchange) -> None:
    """`/N/NAME` leads to `/N-1/NAME`, and `/0/NAME` to the photograph."""
    _, steps, name = exchange.path.split("/", 2)
    if int(steps):
        exchange.answer(b"", f"Location: /{int(steps) - 1}/{name}", status="302 Found")
    else:
        exchange.answer(PHOTOGRAPH, JPEG)


def heals(status: str, *headers: str) -> Behaviour:
    """Answers with an error the first time, and with the photograph from then on."""

    def act(exchange: Exchange) -> None:
        if exchange.turn:
            exchange.answer(PHOTOGRAPH, JPEG)
        else:
            exchange.answer(b"busy", *headers, status=status)

    return act


def heals_at_a_date(exchange: Exchange) -> None:
    """429 the first time, with the date of the next second but one in Retry-After."""
    if exchange.turn:
        exchange.answer(PHOTOGRAPH, JPEG)
    else:
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)
        exchange.answer(b"busy", f"Retry-After: {date}", status="429 Too Many Requests")


def answers_only(path: str) -> Behaviour:
    """The photograph for exactly this path; 400 for whatever else is asked for."""

    def act(exchange: Exchange) -> None:
        if exchange.path == path:
            exchange.answer(PHOTOGRAPH, JPEG)
        else:
            exchange.answer(exchange.path.encode(), status="400 Bad Request")

    return act


def redirects_only(location: str, path: str) -> Behaviour:
    """As `redirects`, and answers for exactly this path with /landing in it."""
    leads, lands = redirects(location), answers_only(path)
    return lambda exchange: (lands if "/landing" in exchange.path else leads)(exchange)


@cache
def gzip_bomb() -> bytes:
    """A gigabyte of zeros in a megabyte: a hundred times the same ten."""
    return gzip.compress(bytes(10_000_000), mtime=0) * 100


@cache
def nested_gzip_bomb() -> bytes:
    """The same once more packed: a gigabyte in a few kilobytes."""
    return gzip.compress(gzip_bomb(), mtime=0)


def chunked(*chunks: bytes) -> bytes:
    """An answer of HTTP/1.1 whose body is these bytes as they are, announced as chunks."""
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + b"".join(chunks)


def with_length(length: str, body: bytes = PHOTOGRAPH) -> Behaviour:
    """The photograph under a Content-Length of one's own, and the end of the connection."""
    return says(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n".encode() + body)
