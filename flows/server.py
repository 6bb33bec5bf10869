"""A Prefect server for flows started from the command line."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from prefect.context import refresh_global_settings_context
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogHandler
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

_PATIENCE = 120.0


@contextmanager
def prefect_server() -> Iterator[str]:
    """The configured Prefect server, or else one of our own for as long as the context is open; gives its API's URL.

    A server of our own keeps its runs in Prefect's usual database: `prefect server start` shows them later. Without
    one, Prefect starts a temporary server in each process that runs a task.

    Raises:
        RuntimeError: the server did not start; the text has the path of its log.
    """
    configured = PREFECT_API_URL.value()
    if configured:
        yield str(configured)
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = Path(PREFECT_HOME.value())
    home.mkdir(parents=True, exist_ok=True)
    url, log = f"http://127.0.0.1:{port}/api", home / "cairn-server.log"
    command = [sys.executable, "-m", "flows.keeper", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 – our own words
            command, stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True
        )
    try:
        _wait_until_healthy(url, process, log)
        # A process pool's children read the environment; its threads, the settings read at import.
        os.environ["PREFECT_API_URL"] = url
        refresh_global_settings_context()
        with temporary_settings({PREFECT_API_URL: url}):
            yield url
    finally:
        os.environ.pop("PREFECT_API_URL", None)
        _send_what_is_queued()
        refresh_global_settings_context()
        process.communicate()


def _send_what_is_queued() -> None:
    """Logs and events go to the server from threads of their own; they must be through before it stops."""
    APILogHandler().flush()
    EventsWorker.drain_all(timeout=10)


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            if requests.get(f"{url}/health", timeout=2).ok:
                return
        except requests.RequestException:
            time.sleep(0.25)
    raise RuntimeError(f"the Prefect server did not start; its log is {log}")
