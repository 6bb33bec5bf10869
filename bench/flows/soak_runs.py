"""The runs of the soak, as the server that `cairn up` started tells of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_REQUEST_TIMEOUT,
    PREFECT_API_URL,
    PREFECT_CLIENT_RETRY_EXTRA_CODES,
    temporary_settings,
)

from flows.operating import station
from flows.operating.home import Home


class Runs:
    """All runs of deployments of a server.

    Attributes:
        home: of the server that `cairn up` started.
    """

    def __init__(self, home: Home) -> None:
        self.home = home

    @staticmethod
    @contextmanager
    def of(folder: Path, port: int) -> Iterator["Runs"]:
        """Starts everything in the current folder, is the server's client while the context is open, and ends it."""
        patient = {PREFECT_CLIENT_RETRY_EXTRA_CODES: "500", PREFECT_API_REQUEST_TIMEOUT: 300}  # it only looks on
        try:
            home = station.up(folder, port, 1, None, print)
            ours = {PREFECT_API_URL: f"{home.url}/api", PREFECT_API_AUTH_STRING: home.login}
            with temporary_settings({**ours, **patient}):
                yield Runs(home)
        finally:
            station.down(folder)

    def deploy(self) -> None:
        """Has the server know `prefect.yaml` as it is now."""
        station.up(self.home.folder, self.home.port, 1, None, print)

    def end_schedule(self) -> None:
        """Starts no further run by schedule, and removes those that have not begun."""
        with get_client(sync_client=True) as client:
            for deployment in client.read_deployments():
                if deployment.schedules:
                    client.pause_deployment(deployment.id)

    def count_ended(self, flow: str) -> int:
        """How many runs of a flow's deployments have ended, well or not."""
        return sum(one.state is not None and one.state.is_final() for one in self._read(flow))

    def count_lost(self) -> int:
        """How many ended otherwise than well; each is printed."""
        lost = [one for one in self._read() if one.state and one.state.is_final() and not one.state.is_completed()]
        for one in lost:
            print(one.name, one.state, flush=True)
        return len(lost)

    def are_idle(self) -> bool:
        """Whether no run is under way or waits for its turn."""
        return all(one.state is not None and one.state.is_final() for one in self._read())

    def _read(self, flow: str | None = None) -> list[FlowRun]:
        with get_client(sync_client=True) as client:
            flows = {one.id: one.name for one in client.read_flows()}
            found = client.read_flow_runs(limit=200)
        of_deployments = [one for one in found if one.deployment_id and flow in (None, flows[one.flow_id])]
        return [one for one in of_deployments if not _is_to_come(one)]


def _is_to_come(run: FlowRun) -> bool:
    """Whether the schedule has a run that has not begun, and none waits for."""
    return run.state is not None and run.state.type == StateType.SCHEDULED and run.auto_scheduled
