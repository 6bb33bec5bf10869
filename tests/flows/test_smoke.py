"""Deployments as a team runs them: a work pool, the real prefect.yaml, a worker, and a schedule that fires."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId, DeploymentFilterName
from prefect.client.schemas.objects import FlowRun

from flows.operating.prepare import prepare
from flows.runtime.handover import hand_over
from storage.manifest import NetworkManifest, TrainedFacts
from storage.root import Root
from tasks.acquire.address import host_of

REPOSITORY = Path(__file__).parents[2]


def prefect(project: Path, *arguments: str) -> str:
    """Runs the `prefect` command in the project's folder."""
    command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
    env = os.environ | {"PWD": str(project)}
    done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def project(_built: Any, first_run: tuple[Path, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the product with its prefect.yaml, to which a deployment `often` is added: `weekly`, every minute."""
    folder = tmp_path_factory.mktemp("project")
    for package in ("flows", "tasks", "storage"):
        shutil.copytree(REPOSITORY / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(first_run[0], folder / "data")
    config = yaml.safe_load((REPOSITORY / "prefect.yaml").read_text())
    weekly = next(deployment for deployment in config["deployments"] if deployment["name"] == "weekly")
    soon = (datetime.now(UTC) + timedelta(seconds=30)).isoformat()
    schedule = {"interval": 60, "anchor_date": soon, "timezone": "UTC"}
    often = {"name": "often", "schedules": [schedule], "parameters": parameters(_built, "./data")}
    config["deployments"].append(weekly | often)
    (folder / "prefect.yaml").write_text(yaml.safe_dump(config))
    return folder


def parameters(listed: Any, root: str) -> dict[str, Any]:
    """Of the flow, for the tiny list."""
    return {
        "source": {"path": str(listed.path)},
        "name": "landmarks",
        "root": root,
        "test_sets": {"tests": str(listed.testset)},
        "settings": {
            "acquire": {"allowed_hosts": [host_of(listed.site.url)], "attempts": 1},
            "polite": {"host_rate": 1000.0, "host_connections": 8},
            "features": {"longest_side": 320, "max_keypoints": 300},
        },
        "run": {"workers": 2},
    }


@pytest.fixture(scope="module")
def worker(project: Path, server: str) -> Iterator[Path]:
    """A worker on the pool `cairn`, after all is deployed; gives the path of its log."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        prepare(gpus=1, notify=None)
    log = project / "worker.log"
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "cairn"]
    env = os.environ | {"PREFECT_WORKER_QUERY_SECONDS": "2"}
    with log.open("wb") as output:
        process = psutil.Popen(command, cwd=project, env=env, stdout=output, stderr=output, start_new_session=True)
    yield log
    processes = [process, *process.children(recursive=True)]
    for one in processes:
        if one.is_running():
            one.kill()
    psutil.wait_procs(processes)


def completed(runs: list[FlowRun], log: Path) -> FlowRun | None:
    """The first run that is complete; a run that ended otherwise fails the test."""
    for run in runs:
        assert run.state is None or not run.state.is_failed(), log.read_text()
        assert run.state is None or not run.state.is_crashed(), log.read_text()
    return next((run for run in runs if run.state and run.state.is_completed()), None)


def test_run_of_the_weekly_deployment(worker: Path, project: Path, listed: Any, first_run: Any, until: Any) -> None:
    given = json.dumps(parameters(listed, str(project / "weekly")))
    said = prefect(project, "deployment", "run", "curate/weekly", "--params", given)
    flow_run = next(UUID(word) for word in said.split() if len(word) == 36 and word.count("-") == 4)

    def done() -> FlowRun | None:
        with get_client(sync_client=True) as client:
            return completed([client.read_flow_run(flow_run)], worker)

    until(done, "the run of the weekly deployment")
    folder = (project / "weekly/versions/landmarks/latest").read_text().strip()
    manifest = json.loads((project / "weekly/versions/landmarks" / folder / "manifest.json").read_text())
    assert manifest["digest"] == first_run[1].version.digest


def started(deployment: str, trigger: str) -> list[FlowRun]:
    """The runs of a deployment that wait for a worker of the pool `gpu`, started by an event."""
    with get_client(sync_client=True) as client:
        found = client.read_deployment_by_name(deployment)
        runs = client.read_flow_runs(deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[found.id])))
    return [run for run in runs if run.parameters.get(trigger) not in (None, "latest")]


def test_a_published_version_starts_training(worker: Path, project: Path, first_run: Any, until: Any) -> None:
    (run, *_) = until(lambda: started("train/landmarks", "version"), "a run of the deployment train/landmarks")
    assert run.parameters["root"] in {str(project / "weekly"), str(project / "data")}
    assert run.parameters["version"] == first_run[1].version.folder.rpartition("/")[2]


def test_a_published_network_starts_indexing(worker: Path, until: Any, tmp_path: Path) -> None:
    facts = TrainedFacts(
        **{"settings": {}, "source": "landmarks/1-0", "source_digest": "0", "start": "0", "network": "0"},
        **{"dimensions": 8, "photographs": 1, "iterations": 1, "best": 1, "certificates": {}, "environment": {}},
    )
    own = {"name": "landmarks", "number": 3, "digest": "ab" * 32, "tables": {}, "created_at": datetime.now(UTC)}
    hand_over(Root(str(tmp_path)), NetworkManifest(**dict(facts), software={}, **own), is_new=True)
    (run, *_) = until(lambda: started("index/landmarks", "network"), "a run of the deployment index/landmarks")
    assert run.parameters["network"] == "3-abababababab"
    assert run.parameters["root"] == str(tmp_path)


def test_weekly_deployment_is_as_written(worker: Path) -> None:
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name("curate/weekly")
    (schedule,) = deployment.schedules
    assert schedule.active
    assert deployment.work_pool_name == "cairn"
    assert deployment.global_concurrency_limit
    assert deployment.global_concurrency_limit.limit == 1
    assert deployment.parameters["run"]["refetch"] != "never"


def test_deployments_show_that_they_live(worker: Path) -> None:
    with get_client(sync_client=True) as client:
        deployments = client.read_deployments()
    assert {one.work_pool_name for one in deployments} == {"cairn", "gpu"}
    for one in deployments:
        assert "cairn" in one.tags  # by which automations know their runs
        assert one.job_variables["env"] == {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}


def test_schedule_fires(worker: Path, until: Any) -> None:
    def done() -> FlowRun | None:
        often = DeploymentFilter(name=DeploymentFilterName(any_=["often"]))
        with get_client(sync_client=True) as client:
            return completed(client.read_flow_runs(deployment_filter=often), worker)

    run = until(done, "a run that the schedule started")
    assert run.auto_scheduled


def test_server_lost_nothing_to_a_locked_database(worker: Path, prefect_home: Path) -> None:
    """SQLite may refuse a writer that has read before another wrote; what Prefect's services then try again is kept."""
    lines = (prefect_home / "cairn-server.log").read_text().splitlines()
    assert lines
    assert [line for line in lines if "exception in request" in line] == []
    flushed = [line for line in lines if "Error flushing" in line]
    assert [line for line in flushed if "0 dropped" not in line] == []
