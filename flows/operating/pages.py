"""The servers of reports that the deployments name in `run.pages`."""

import sys
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

import requests
from prefect.client.orchestration import get_client

from flows.operating import processes
from flows.operating.home import Home
from flows.operating.ports import check_free
from storage.errors import InputError

_HERE = ("127.0.0.1", "localhost")


def start_pages(home: Home, tell: Callable[[str], None]) -> None:
    """Starts the servers that do not run, and anew those that are to show another root; returns when all answer.

    Raises:
        InputError: a port is taken, two roots are to be shown at one, or a server ends as it starts.
    """
    for port, root in _list_pages().items():
        name, url = f"pages-{port}", f"http://127.0.0.1:{port}/"
        command = [sys.executable, "-m", "flows.commands.cli", "serve", "--root", root, "--port", str(port)]
        running = processes.find(home.folder, name)
        was_running = running is not None and running.cmdline()[1:] == command[1:]  # whatever name Python has there
        if not was_running:
            processes.end(home.folder, name)
            check_free(port, "another in `run.pages` of prefect.yaml")
            processes.start(home.folder, name, command, home.environment())
        processes.wait(home.folder, name, partial(_answers, url))
        tell(f"reports of {root} at {url} {'were shown' if was_running else 'are shown'}")


def _list_pages() -> dict[int, str]:
    """The ports of this machine at which the server's deployments have reports shown, and the root of each."""
    found: dict[int, tuple[str, str]] = {}
    with get_client(sync_client=True) as client:
        deployments = client.read_deployments()
    for deployment in sorted(deployments, key=lambda one: one.name):
        address = urlsplit((deployment.parameters.get("run") or {}).get("pages") or "")
        if address.hostname in _HERE:
            port, root = address.port or 80, str(deployment.parameters.get("root", "./data"))
            before, other = found.setdefault(port, (root, deployment.name))
            if before != root:
                said = f"the deployments {other} and {deployment.name} show {before} and {root} at one port, {port}"
                raise InputError(f"{said}; give each root its own in `run.pages`, or delete what is deployed no more")
    return {port: root for port, (root, _) in found.items()}


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False
