"""What a Prefect server needs to run Cairn: work pools, the deployments of `prefect.yaml`, and automations."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import ObjectNotFound
from prefect.workers.process import ProcessWorker

from flows.operating.watching import apply_automations
from storage.errors import InputError

POOL = "cairn"
GPU_POOL = "gpu"


def prepare(gpus: int | None, notify: str | None, env: Mapping[str, str] = os.environ) -> list[str]:
    """Has the configured server know pools, deployments and automations as they are now; gives the automations' names.

    Done again, it changes nothing but what has changed here.

    Args:
        gpus: how many runs of the pool `gpu` there may be at once; others wait. None leaves it as it is.
        notify: the notification block that automations tell, if any.
        env: of the process that deploys, with the settings of the same server.

    Raises:
        InputError: there is no `prefect.yaml` in the current folder, or Prefect refuses it, or there is no such block.
    """
    _make_pool(POOL, None)
    _make_pool(GPU_POOL, gpus)
    _deploy(env)
    return apply_automations(notify)


def _make_pool(name: str, limit: int | None) -> None:
    with get_client(sync_client=True) as client:
        try:
            if client.read_work_pool(name).concurrency_limit != limit and limit is not None:
                client.update_work_pool(name, WorkPoolUpdate(concurrency_limit=limit))
        except ObjectNotFound:
            template = ProcessWorker.get_default_base_job_template()
            made = WorkPoolCreate(name=name, type="process", base_job_template=template, concurrency_limit=limit)
            client.create_work_pool(made)


def _deploy(env: Mapping[str, str]) -> None:
    if not Path("prefect.yaml").is_file():
        raise InputError(f"{Path.cwd()} has no prefect.yaml: run this in the folder that has it, and Cairn's code")
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    done = subprocess.run(  # noqa: S603 – our own words
        command, env={**env, "PWD": str(Path.cwd())}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise InputError(f"Prefect could not deploy what prefect.yaml says:\n{(done.stdout + done.stderr).strip()}")
