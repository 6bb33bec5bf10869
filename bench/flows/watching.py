"""The claim: a flow run that is killed is Crashed within four minutes, and a healthy one of five minutes stays Running.

`cairn up` for real, with its automations as they are. A worker runs a flow that keeps a core busy for five and a half
minutes, and one that is killed; a third is started in a shell, as `cairn curate` is, and killed too: no worker sees
that.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from bench.harness.result import Comparison, Result
from flows.operating import station
from flows.operating.home import Home

_HEALTHY, _LONG = 330.0, 900.0  # seconds
_BEATS = 75.0  # seconds, in which a run has shown signs of life
_WATCHED = 300.0  # seconds after the kill
_TARGETS: dict[str, tuple[Comparison, float]] = {
    "crashed_in_shell_seconds": ("<=", 240),
    "healthy_completed": ("==", 1),
}
_FLOW = """\
import os, pathlib, sys, time
from prefect import flow, task

@task
def hold(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(number * number for number in range(2_000_000))

@flow(name="idle", persist_result=False)
def idle(seconds, told):
    pathlib.Path(told).write_text(f"{os.getpid()}\\n")
    hold(seconds)

if __name__ == "__main__":
    from flows.runtime.server import prefect_server
    with prefect_server():
        idle(float(sys.argv[1]), sys.argv[2])
"""
_DEPLOYED: dict[str, Any] = {
    "name": "idle",
    "entrypoint": "idle.py:idle",
    "tags": ["cairn"],
    "work_pool": {"name": "cairn", "job_variables": {"env": {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}}},
}


def measure(quick: bool) -> Result:
    """Starts the three, kills two, and looks every second at what the server says of them; it takes 8 minutes."""
    if quick:
        raise SystemExit("bench watching waits for minutes; there is no quick one")
    repository = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "idle.py").write_text(_FLOW)
        (folder / "prefect.yaml").write_text(json.dumps({"name": "idle", "deployments": [_DEPLOYED]}))
        os.chdir(folder)
        home = station.up(folder / ".cairn", _free_port(), 0, None, print)
        try:
            ours = {PREFECT_API_URL: f"{home.url}/api", PREFECT_API_AUTH_STRING: home.login}
            with temporary_settings(ours), get_client(sync_client=True) as client:
                figures = _watch(client, home, folder, repository)
        finally:
            station.down(home.folder)
            os.chdir(repository)
    return Result(figures, _TARGETS)


def _watch(client: SyncPrefectClient, home: Home, folder: Path, repository: Path) -> dict[str, float | None]:
    (deployment,) = client.read_deployments()
    runs = dict[str, UUID]()
    for name, seconds in (("healthy", _HEALTHY), ("under_worker", _LONG)):
        parameters = {"seconds": seconds, "told": str(folder / name)}
        runs[name] = client.create_flow_run_from_deployment(deployment.id, parameters=parameters).id
    command = [sys.executable, "idle.py", str(_LONG), str(folder / "in_shell")]
    with subprocess.Popen(command, env={**home.environment(), "PYTHONPATH": str(repository)}):
        pids = {name: _pid(folder / name) for name in (*runs, "in_shell")}
        sleep(_BEATS)
        (runs["in_shell"],) = {run.id for run in client.read_flow_runs()} - set(runs.values())
        killed = monotonic()
        for name in ("under_worker", "in_shell"):
            os.kill(pids[name], signal.SIGKILL)
    ended = dict[str, tuple[str, float]]()
    while monotonic() < killed + _WATCHED:
        for name in runs.keys() - ended.keys():
            state = client.read_flow_run(runs[name]).state
            if state and state.is_final():
                ended[name] = str(state.name), monotonic() - killed
                print(f"{ended[name][1]:.1f} s after the kill: {name} is {state.name}, {state.message}", flush=True)
        sleep(1)
    crashed = {name: seconds for name, (state, seconds) in ended.items() if state == "Crashed"}
    return {
        "crashed_under_worker_seconds": crashed.get("under_worker"),
        "crashed_in_shell_seconds": crashed.get("in_shell"),
        "healthy_completed": float(ended.get("healthy", ("", 0.0))[0] == "Completed"),
    }


def _pid(told: Path) -> int:
    while not told.exists() or not told.read_text().endswith("\n"):
        sleep(0.2)
    return int(told.read_text())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
