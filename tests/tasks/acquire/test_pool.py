"""Connections that pass the guard, trust nobody unverified, and end at their deadline."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator

import pytest
import trustme
import urllib3

from storage.reasons import Reason
from tasks.acquire.address import host_of
from tasks.acquire.budget import Budget
from tasks.acquire.fetch import fetch_once
from tasks.acquire.pool import Watchdog, open_pool
from tasks.acquire.settings import AcquireSettings


@pytest.fixture
def self_signed() -> Iterator[str]:
    """The address of a TLS server on loopback with a certificate that no authority we know has signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                    with connection, context.wrap_socket(connection, server_side=True) as secured:
                        secured.recv(1000)
                        secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
                except ssl.SSLError:
                    continue
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield f"https://127.0.0.1:{server.getsockname()[1]}/photo.jpg"
        server.shutdown(socket.SHUT_RDWR)


def test_a_certificate_that_nobody_vouches_for_fails_the_address(self_signed):
    settings = AcquireSettings(allowed_hosts=(host_of(self_signed),))
    with Watchdog() as watchdog, open_pool(settings) as pool:
        found = fetch_once(pool, self_signed, {}, settings, watchdog, Budget(10**9).claim())
    assert found.reason is Reason.CONNECTION_FAILED
    assert found.detail is not None
    assert "certificate verify failed" in found.detail


def test_the_pool_verifies_names():
    kind = open_pool(AcquireSettings()).connection_from_url("https://example.org").ConnectionCls
    assert issubclass(kind, urllib3.connection.HTTPSConnection)
    assert kind("example.org").assert_hostname is None


def test_no_proxy_is_asked(site, impatient, monkeypatch):
    """Or the address that the guard looked at would not be the one that is asked."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody answers there
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with Watchdog() as watchdog, open_pool(impatient) as pool:
        claim = Budget(10**9).claim()
        assert fetch_once(pool, f"{site.url}/photo.jpg", {}, impatient, watchdog, claim).status == 200
    assert site.hits == {"/photo.jpg": 1}


def test_the_watchdog_hangs_up_on_what_is_late():
    ours, theirs = socket.socketpair()
    with ours, theirs, Watchdog() as watchdog, watchdog.over(0.2) as transfer:
        transfer.connected = ours
        begun = time.monotonic()
        assert ours.recv(1) == b""  # nothing was sent: it was shut down
        assert 0.1 < time.monotonic() - begun < 2
        assert transfer.is_late
