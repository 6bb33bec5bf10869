"""What a Prefect server needs to run Cairn: work pools, the deployments of `prefect.yaml`, and automations."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import ObjectNotFound
from prefect.utilities.importtools import import_object
from prefect.workers.process import ProcessWorker

from flows.operating.watching import apply_automations
from storage.errors import InputError
from tasks.describe.installed import missing_packages

POOL = "cairn"
GPU_POOL = "gpu"


class Prepared(NamedTuple):
    """The names of the automations, and of the deployments that were left out, since packages are missing here."""

    automations: list[str]
    left_out: list[str]


def prepare(gpus: int | None, notify: str | None, env: Mapping[str, str] = os.environ) -> Prepared:
    """Has the configured server know pools, deployments and automations as they are now.

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
    left_out = _deploy(env)
    return Prepared(apply_automations(notify), left_out)


def _make_pool(name: str, limit: int | None) -> None:
    with get_client(sync_client=True) as client:
        try:
            if client.read_work_pool(name).concurrency_limit != limit and limit is not None:
                client.update_work_pool(name, WorkPoolUpdate(concurrency_limit=limit))
        except ObjectNotFound:
            template = ProcessWorker.get_default_base_job_template()
            made = WorkPoolCreate(name=name, type="process", base_job_template=template, concurrency_limit=limit)
            client.create_work_pool(made)


def split_by_packages(deployments: Sequence[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], list[str]]:
    """Lists the deployments that may be made here, and those whose flows need the extra `train`, if it lacks.

    Args:
        deployments: as `prefect.yaml` has them.
    """
    missing, kept, left_out = missing_packages(), list[Mapping[str, Any]](), list[str]()
    for deployment in deployments:
        if missing and _needs(deployment, missing):
            left_out.append(f"{deployment.get('name')} of {deployment['entrypoint']}")
        else:
            kept.append(deployment)
    return kept, left_out


def _needs(deployment: Mapping[str, Any], missing: Sequence[str]) -> bool:
    """Whether a flow can't be imported for want of such a module; what else is wrong with it, Prefect tells."""
    try:
        import_object(str(deployment.get("entrypoint")))
    except ModuleNotFoundError as error:
        return (error.name or "").partition(".")[0] in missing
    return False


def _deploy(env: Mapping[str, str]) -> list[str]:
    """Deploys what can be imported here, and gives the names of the rest."""
    if not Path("prefect.yaml").is_file():
        raise InputError(f"{Path.cwd()} has no prefect.yaml: run this in the folder that has it, and Cairn's code")
    try:
        told = yaml.safe_load(Path("prefect.yaml").read_text())
        kept, left_out = split_by_packages(told["deployments"])
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise InputError(f"prefect.yaml is no YAML with a list of deployments: {error}") from error
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    with tempfile.TemporaryDirectory() as folder:
        if left_out:
            path = Path(folder, "prefect.yaml")
            path.write_text(yaml.safe_dump({**told, "deployments": kept}))
            command += ["--prefect-file", str(path)]
        done = subprocess.run(  # noqa: S603 – our own words
            command, env={**env, "PWD": str(Path.cwd())}, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise InputError(f"Prefect could not deploy what prefect.yaml says:\n{(done.stdout + done.stderr).strip()}")
    return left_out
