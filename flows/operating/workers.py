"""The workers of one machine: one for what needs no GPU, and one for each GPU."""

import importlib.util
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from prefect.client.orchestration import get_client

from flows.operating import processes
from flows.operating.home import Home
from flows.operating.prepare import GPU_POOL, POOL


@dataclass(frozen=True)
class _Worker:
    """A worker: its name in the home, its pool, and what its environment and its command have besides."""

    name: str
    pool: str
    env: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Its name at the server, which may have those of other machines."""
        return f"{socket.gethostname()} {self.name}"

    def start(self, home: Home) -> None:
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", self.pool, "--name", self.label]
        processes.start(home.folder, self.name, [*command, *self.options], {**home.environment(), **self.env})

    def has_reported(self, since: datetime) -> bool:
        """Whether the server has heard of it since then."""
        with get_client(sync_client=True) as client:
            found = client.read_workers_for_work_pool(self.pool)
        return any(one.name == self.label and (one.last_heartbeat_time or since) > since for one in found)


def start_workers(home: Home, gpus: int, tell: Callable[[str], None]) -> None:
    """Starts the workers that do not run, and returns when the configured server has heard of them."""
    workers, since = _list_workers(gpus), datetime.now(UTC)
    running = [worker for worker in workers if processes.find(home.folder, worker.name)]
    new = [worker for worker in workers if worker not in running]
    for worker in new:
        worker.start(home)
    for worker in new:
        processes.wait(home.folder, worker.name, partial(worker.has_reported, since))
    for worker in workers:
        tell(f"{worker.name} of the pool {worker.pool} {'started' if worker in new else 'was running'}")
    if len(workers) == 1:
        tell(f"no worker of the pool {GPU_POOL} here: it needs the extra `train`, and --gpus of 1 at least")


def _list_workers(gpus: int) -> list[_Worker]:
    """One of a pool sees all GPUs; of several, each sees its own."""
    found = [_Worker("worker", POOL)]
    if importlib.util.find_spec("torch"):
        for gpu in range(gpus):
            own = {"CUDA_VISIBLE_DEVICES": str(gpu)} if gpus > 1 else {}
            found.append(_Worker(f"worker-gpu-{gpu}", GPU_POOL, own, ("--limit", "1")))
    return found
