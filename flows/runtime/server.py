"""A Prefect server for flows started from the command line."""

import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import requests
from prefect import tags
from prefect.client.orchestration import get_client
from prefect.context import refresh_global_settings_context
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogHandler
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_HOME,
    temporary_settings,
)

from flows.runtime.stopping import stop
from storage.errors import InputError

TAG = "cairn"
"""Of all flow runs of Cairn's, by which `flows.automations` knows them; `prefect.yaml` gives it to deployments."""

_HEARTBEAT = 30  # seconds between two signs of life of a flow run; the fewest that Prefect takes
_PATIENCE = 300.0  # a machine may be busy; a server that ends is not waited for
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@contextmanager
def prefect_server() -> Iterator[str]:
    """Finds the configured Prefect server, or starts one of our own for the context; gives its API's URL.

    A server of our own keeps its runs in Prefect's usual database: `prefect server start` shows them later. Without
    one, Prefect starts a temporary server in each process that runs a task. It answers nobody but this run: its login
    is made up for it. Where it ends before its time, so does the command.

    Raises:
        InputError: the configured server does not answer, or our own can't start; the text says what to do.
    """
    configured = PREFECT_API_URL.value()
    watched = temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: _HEARTBEAT})
    with past_proxies(), watched, tags(TAG):
        if configured:
            _check_answers(str(configured))
            try:
                yield str(configured)
            except httpx.TransportError as error:
                said = f"the Prefect server at {configured} answers no more ({error})"
                raise InputError(f"{said}; run the same command again when it does") from error
        else:
            with _own_server() as url:
                yield url


@contextmanager
def _own_server() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url, login = f"http://127.0.0.1:{port}/api", f"cairn:{secrets.token_urlsafe(32)}"
    log, process = _start(port, login)
    # A process pool's children read the environment; its threads, the settings read at import.
    ours = {"PREFECT_API_URL": url, "PREFECT_API_AUTH_STRING": login}
    ending = threading.Event()
    try:
        _wait_until_healthy(url, process, log)
        threading.Thread(target=_watch, args=(process, log, ending), name="server-watch", daemon=True).start()
        with _environment(ours), temporary_settings({PREFECT_API_URL: url, PREFECT_API_AUTH_STRING: login}):
            refresh_global_settings_context()
            yield url
    finally:
        ending.set()
        _send_what_is_queued()
        refresh_global_settings_context()
        process.communicate()


def _start(port: int, login: str) -> tuple[Path, "subprocess.Popen[bytes]"]:
    """Starts the server's keeper, set up for a server that stays; gives its log besides."""
    home = Path(PREFECT_HOME.value())
    log = home / "cairn-server.log"
    protected = {
        "PREFECT_SERVER_API_AUTH_STRING": login,
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": f"http://127.0.0.1:{port}",
        "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true",
    }
    patient = {"PREFECT_SERVER_DATABASE_TIMEOUT": f"{_PATIENCE:.0f}"}  # to write: a busy machine is no reason to fail
    try:
        home.mkdir(parents=True, exist_ok=True)
        output = log.open("wb")
    except OSError as error:
        raise InputError(f"PREFECT_HOME {home} can't be written ({error}); set it to a folder you own") from error
    with output:
        process = subprocess.Popen(  # noqa: S603 – our own words
            [sys.executable, "-m", "flows.runtime.keeper", str(port)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=patient | os.environ | protected,
        )
    return log, process


def _watch(process: "subprocess.Popen[bytes]", log: Path, ending: threading.Event) -> None:
    process.wait()
    if not ending.is_set():
        stop(f"error: the Prefect server of this run has ended; its log is {log}; run the same command again", 2)


def _wait_until_healthy(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            if requests.get(f"{url}/health", timeout=2).ok:
                return
        except requests.RequestException:
            time.sleep(0.25)
    raise InputError(f"the Prefect server of this run did not start; its log is {log}")


def _check_answers(url: str) -> None:
    """Asks what needs the login, if there is one, but changes nothing."""
    try:
        with get_client(sync_client=True) as client:
            client.api_version()
    except httpx.HTTPError as error:
        said = f"no Prefect server answers at {url} ({error})"
        raise InputError(f"{said}; start it, or unset PREFECT_API_URL to have one for the run alone") from error


def _send_what_is_queued() -> None:
    """Logs and events go to the server from threads of their own; they must be through before it stops."""
    APILogHandler().flush()
    EventsWorker.drain_all(timeout=10)


@contextmanager
def past_proxies() -> Iterator[None]:
    """Keeps clients of this process and its children from asking a proxy for what is on this machine.

    Fetching asks none at all: see `tasks.acquire.pool`.
    """
    named = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
    hosts = ",".join([*filter(None, [named]), *_LOOPBACK])
    with _environment({"no_proxy": hosts, "NO_PROXY": hosts}):
        yield


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Has this process and its children find these in their environment."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
