"""The Prefect server of the weekly set-up, started as docs/operating.md says: what a web page asks of it is refused."""

import os
import shutil
import socket
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

OPERATING = Path(__file__).parents[2] / "docs/operating.md"
START = "prefect server start"
PAGE = "http://evil.example"


def documented(port: int) -> str:
    """The commands of the section, from the first on to the one that starts the server, for another port."""
    section = OPERATING.read_text().partition("\n## Every week\n")[2]
    commands = [
        line[4:] for line in section[: section.index(START) + len(START)].splitlines() if line.startswith("    ")
    ]
    return "set -eu\n" + "\n".join(commands).replace("4200", str(port)).replace(START, f"exec {START}")


@pytest.fixture(scope="module")
def weekly(tmp_path_factory: pytest.TempPathFactory, until: Any, new_database: Path) -> Iterator[tuple[str, str]]:
    """The URL of the API of such a server, and its login."""
    home = tmp_path_factory.mktemp("weekly")
    shutil.copy(new_database, home / "prefect.db")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with (home / "log").open("wb") as log:
        server = psutil.Popen(
            ["bash", "-c", documented(port)],
            env=inherited | {"PREFECT_HOME": str(home), "PATH": path},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}/api"

    def answers() -> bool:
        assert server.poll() is None, (home / "log").read_text()
        try:
            return requests.get(f"{url}/health", timeout=2).ok
        except requests.RequestException:
            return False

    try:
        until(answers, "the server")
        yield url, (home / "profiles.toml").read_text().partition('PREFECT_API_AUTH_STRING = "')[2].partition('"')[0]
    finally:
        server.terminate()
        server.wait()


def ask(url: str, path: str, body: dict[str, Any], **headers: str) -> requests.Response:
    """What a page of another origin would send."""
    return requests.post(f"{url}{path}", json=body, headers={"Origin": PAGE, **headers}, timeout=30)


def test_a_page_can_not_have_the_worker_run_a_command(weekly: tuple[str, str]) -> None:
    url, login = weekly
    step = {"prefect.deployments.steps.run_shell_script": {"script": "touch /tmp/owned"}}
    with temporary_settings({PREFECT_API_URL: url, PREFECT_API_AUTH_STRING: login}), get_client(sync_client=True) as us:
        flow = us.create_flow_from_name("curate")  # whoever has the login is served
        deployment = us.create_deployment(flow, "weekly")
        calls = [
            ("/flows/", {"name": "evil"}),
            ("/deployments/", {"name": "evil", "flow_id": str(flow), "pull_steps": [step]}),
            (f"/deployments/{deployment}/create_flow_run", {}),
        ]
        for path, body in calls:
            assert ask(url, path, body).status_code in (401, 403)
            assert ask(url, path, body, Host="evil.example").status_code in (401, 403)
            # A browser that knows the login, as the UI's does, would need a token besides, and the login for that
            assert ask(url, path, body, Authorization=f"Basic {b64encode(login.encode()).decode()}").status_code == 403
        token = requests.get(f"{url}/csrf-token", params={"client": "evil"}, headers={"Origin": PAGE}, timeout=30)
        assert token.status_code == 401
        assert len(us.read_flows()) == len(us.read_deployments()) == 1
        assert us.read_flow_runs() == []


def test_a_page_is_not_told_what_the_server_answers(weekly: tuple[str, str]) -> None:
    url, _ = weekly
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    own = url.removesuffix("/api")
    allowed = {
        origin: requests.options(f"{url}/deployments/", headers={"Origin": origin, **asked}, timeout=30).headers.get(
            "access-control-allow-origin"
        )
        for origin in (PAGE, own)
    }
    assert allowed == {PAGE: None, own: own}


def test_only_this_machine_is_listened_to(weekly: tuple[str, str]) -> None:
    port = int(weekly[0].removesuffix("/api").rsplit(":", 1)[1])
    listening = {
        one.laddr.ip for one in psutil.net_connections("tcp") if one.status == "LISTEN" and one.laddr.port == port
    }
    assert listening == {"127.0.0.1"}
