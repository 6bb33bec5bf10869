"""All of Cairn on one machine: a Prefect server that stays, what it has to know, servers of reports, and workers."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import requests
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from flows.operating import processes
from flows.operating.home import Home
from flows.operating.pages import start_pages
from flows.operating.ports import check_free
from flows.operating.prepare import GPU_POOL, POOL, prepare
from flows.operating.workers import start_workers
from flows.runtime.server import past_proxies
from storage.errors import InputError
from storage.locks import lock
from storage.root import Root

_SERVER = "server"


def up(folder: Path, port: int, gpus: int | None, notify: str | None, tell: Callable[[str], None]) -> Home:
    """Starts what is not running yet, has the server know what there is to run, and returns when all of it is at work.

    Args:
        folder: of the server's settings, login, database and logs.
        port: at which the server answers, on this machine alone.
        gpus: runs of the pool `gpu` at once, a worker for each; None counts GPUs, with 0 the workers are elsewhere.
        notify: the notification block that automations tell, if any.
        tell: takes a line on each part.

    Raises:
        InputError: the port is taken, a process ends as it starts, or `prefect.yaml` or the block is not there.
    """
    folder = folder.resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # for nobody else: there is more in it than the login
    with lock(Root(str(folder)), "up"), past_proxies():
        home = _start_server(folder, port, tell)
        with temporary_settings({PREFECT_API_URL: f"{home.url}/api", PREFECT_API_AUTH_STRING: home.login}):
            count = _count_gpus() if gpus is None else gpus
            prepared = prepare(count or None, notify, home.environment())
            tell(f"pools {POOL} and {GPU_POOL}, deployments of prefect.yaml")
            for name in prepared.left_out:
                tell(f"not deployed, since it needs the extra `train`: {name}")
            tell(f"automations: {', '.join(name.partition(': ')[2] for name in prepared.automations)}")
            start_pages(home, tell)
            start_workers(home, count, tell)
    return home


def down(folder: Path) -> list[str]:
    """Ends what `up` started, and nothing else; gives the names of what lived. Flow runs that were under way crash."""
    folder = folder.resolve()
    if not folder.is_dir():
        return []
    with lock(Root(str(folder)), "up"):
        known = sorted(processes.started(folder), key=lambda name: name == _SERVER)  # workers have news for it
        return [name for name in known if processes.end(folder, name)]


def _start_server(folder: Path, port: int, tell: Callable[[str], None]) -> Home:
    running, known = processes.find(folder, _SERVER), Home.read(folder)
    if running and (known is None or known.port != port):
        where = f"at port {known.port}" if known else f"without its settings, {folder / 'profiles.toml'}"
        raise InputError(f"a server of {folder} is running {where}; end it by `cairn down` first")
    if not running:
        check_free(port, "another --port")
    home = Home.make(folder, port)
    if not running:
        processes.start(folder, _SERVER, [sys.executable, "-m", "prefect", "server", "start"], home.environment())
    processes.wait(folder, _SERVER, lambda: _answers(home))
    tell(f"server {'was running' if running else 'started'}")
    return home


def _answers(home: Home) -> bool:
    """Whether the server of the home answers; another's would not know the login."""
    user, _, password = home.login.partition(":")
    try:
        answer = requests.get(f"{home.url}/api/admin/version", auth=(user, password), timeout=2)
    except requests.RequestException:
        return False
    return answer.ok


def _count_gpus() -> int:
    """How many NVIDIA GPUs the machine has; one where it has none, since a CPU will do."""
    tool = shutil.which("nvidia-smi")
    if not tool:
        return 1
    listed = subprocess.run([tool, "--list-gpus"], capture_output=True, text=True, check=False)  # noqa: S603
    return max(1, listed.stdout.count("\n") if listed.returncode == 0 else 0)
