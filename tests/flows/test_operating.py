"""`cairn up` and `cairn down` for real: a server with a login, a deployment, automations, workers, and their end."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID

import psutil
import pytest
import requests
import yaml
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.blocks.system import Secret
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.events import Event
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from flows.operating import processes, station
from flows.operating.home import Home
from flows.operating.watching import apply_automations
from storage.errors import InputError
from storage.locks import Holder
from storage.root import Root
from tests.browser import CHROMIUM, browser
from tests.docs.pages import REPOSITORY, blocks_of

PAGE = "http://evil.example"
REASON = "guard rail: 12 of 900 images are left"
Until = Callable[..., Any]
WORKERS = ["worker", "worker-gpu-0"]
ANOTHER = 60  # seconds without news, after which another run fails

PROBE = f"""\
from prefect import flow

@flow(name="probe")
def probe(root, run):
    raise ValueError({REASON!r})
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


PAGES_PORT = free_port()
PAGES = f"pages-{PAGES_PORT}"
DEPLOYED: dict[str, Any] = {
    "name": "probe",
    "entrypoint": "probe.py:probe",
    "tags": ["cairn"],
    "parameters": {"root": "./data", "run": {"pages": f"http://127.0.0.1:{PAGES_PORT}"}},
    "work_pool": {"name": "cairn"},
    # A single expression has to be JSON, and the id of an event is none: what is to be run is lost without a word
    "triggers": [{"name": "hand-over", "type": "event", "expect": ["probe"], "parameters": {"a": "{{ event.id }}"}}],
}
LOGIN = """(() => {{
    const field = document.querySelector("input[type=password]");
    field.value = {login};
    field.dispatchEvent(new Event("input", {{bubbles: true}}));
    document.querySelector("button[type=submit]").click();
}})()"""
READ = {
    "acquire-progress": "no address had to be asked",
    "curate-progress": "publish: 1 of 1",
    "curate-summary": "14 of 27 images kept, in 2 of 3 classes",
    "curate-changes": "What changed from version 1 to 2",
    "curate-funnel": "in the largest group of their class",
    "curate-contact-sheet": "0 kept, 8 dropped: 7 class-too-small, 1 duplicate-image",
    "curate-report": "/report/index.html",
}
"""What a person reads in each artifact of a curation."""

KILLED = """\
import sys, time
from prefect import flow
from flows.runtime.server import prefect_server

@flow(name="killed", persist_result=False)
def killed():
    print("begun", flush=True)
    time.sleep(600)

with prefect_server():
    killed()
"""


@dataclass
class Station:
    """What `cairn up` made, and the project that it deployed."""

    home: Home
    project: Path
    told: list[str] = field(default_factory=list)

    @property
    def arguments(self) -> list[object]:
        return ["--home", self.home.folder, "--port", self.home.port, "--gpus", 1]

    @property
    def pids(self) -> dict[str, int]:
        """Of what lives, by its name."""
        found = {name: processes.find(self.home.folder, name) for name in processes.started(self.home.folder)}
        return {name: process.pid for name, process in found.items() if process}

    @contextmanager
    def client(self) -> Iterator[SyncPrefectClient]:
        with get_client(sync_client=True) as client:
            yield client


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, new_database: Path) -> Iterator[Station]:
    """All of it, with a project of one deployment; this process and its children are its clients."""
    project = tmp_path_factory.mktemp("project")
    (project / "probe.py").write_text(PROBE)
    (project / "prefect.yaml").write_text(yaml.safe_dump({"name": "probe", "deployments": [DEPLOYED]}))
    home = project / ".cairn"
    home.mkdir()
    shutil.copy(new_database, home / "prefect.db")
    told: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        patch.setenv("PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY", "PT1S")
        patch.setenv("PREFECT_WORKER_QUERY_SECONDS", "1")
        heeded = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as where a script starts it behind itself
        made = station.up(home, free_port(), 1, None, told.append)
        signal.signal(signal.SIGINT, heeded)
        ours = {PREFECT_API_URL: f"{made.url}/api", PREFECT_API_AUTH_STRING: made.login}
        try:
            with temporary_settings(ours):
                yield Station(made, project, told)
        finally:
            station.down(home)


@pytest.fixture(scope="module")
def messages() -> Iterator[tuple[str, list[str]]]:
    """The address of somebody who wants to be told, and what came."""
    came: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", came
    server.shutdown()
    server.server_close()
    thread.join()


def ours(client: SyncPrefectClient) -> dict[str, tuple[Any, ...]]:
    """Our automations by name: what tells whether one was touched."""
    rows = client.request("POST", "/automations/filter", json={}).json()
    return {row["name"]: (row["id"], row["updated"]) for row in rows if row["name"].startswith("Cairn: ")}


def test_up_again_is_the_same_as_once(running: Station, cairn: Any) -> None:
    before = running.pids
    assert sorted(before) == [PAGES, "server", *WORKERS]
    with running.client() as client:
        automations = ours(client)
    again = cairn("up", *running.arguments, "--json")
    assert again.code == 0, again.errors
    assert json.loads(again.output)["ui"] == running.home.url
    assert re.findall("was running|were shown", again.errors) == ["was running", "were shown"] + 2 * ["was running"]
    assert running.pids == before
    with running.client() as client:
        assert ours(client) == automations
        assert {name.removeprefix("Cairn: ") for name in automations} == {"a run died", "a run did not begin"}
        assert {pool.name: pool.concurrency_limit for pool in client.read_work_pools()} == {"cairn": None, "gpu": 1}
        assert {one.name for one in client.read_deployments()} == {"probe"}
        for pool, name in zip(("cairn", "gpu"), WORKERS, strict=True):
            (worker,) = client.read_workers_for_work_pool(pool)
            assert worker.name.endswith(f" {name}")
            assert worker.status == "ONLINE"


def test_reports_of_the_deployments_root_are_shown(running: Station, cairn: Any) -> None:
    address, root = f"http://127.0.0.1:{PAGES_PORT}", Root(str(running.project / "data"))
    assert requests.get(f"{address}/", timeout=30).ok
    root.write("versions/set/1-0123456789ab/report/index.html", b"what was kept")
    shown = requests.get(f"{address}/versions/set/1-0123456789ab/report/index.html", timeout=30)
    assert shown.text == "what was kept"
    before = running.pids
    with running.client() as client:
        (deployment,) = client.read_deployments()
        moved = deployment.parameters | {"root": "./moved"}
    edited = [{**DEPLOYED, "parameters": moved}]
    (running.project / "prefect.yaml").write_text(yaml.safe_dump({"name": "probe", "deployments": edited}))
    assert f"reports of ./moved at {address}/ are shown" in cairn("up", *running.arguments).output
    assert requests.get(f"{address}/versions/set/1-0123456789ab/report/index.html", timeout=30).status_code == 404
    assert {name for name, pid in running.pids.items() if before[name] != pid} == {PAGES}
    (running.project / "prefect.yaml").write_text(yaml.safe_dump({"name": "probe", "deployments": [DEPLOYED]}))
    assert f"reports of ./data at {address}/ are shown" in cairn("up", *running.arguments).output


def test_another_port_is_no_second_server(running: Station, cairn: Any) -> None:
    before = running.pids
    refused = cairn("up", "--home", running.home.folder, "--port", free_port())
    assert refused.code == 2
    assert f"is running at port {running.home.port}; end it by `cairn down` first" in refused.errors
    assert running.pids == before


def test_none_but_the_owner_reads_the_login(running: Station) -> None:
    assert running.home.profiles.stat().st_mode & 0o777 == 0o600
    assert requests.get(f"{running.home.url}/api/admin/version", timeout=30).status_code == 401
    for process in psutil.process_iter(["cmdline"]):
        assert running.home.login not in " ".join(process.info["cmdline"] or ())


def ask(url: str, path: str, body: dict[str, Any], **headers: str) -> requests.Response:
    """What a page of another origin would send."""
    return requests.post(f"{url}{path}", json=body, headers={"Origin": PAGE, **headers}, timeout=30)


def test_a_page_can_not_have_the_worker_run_a_command(running: Station) -> None:
    url, login = f"{running.home.url}/api", running.home.login
    step = {"prefect.deployments.steps.run_shell_script": {"script": "touch /tmp/owned"}}
    with running.client() as us:  # whoever has the login is served
        (deployment,) = us.read_deployments()
        calls = [
            ("/flows/", {"name": "evil"}),
            ("/deployments/", {"name": "evil", "flow_id": str(deployment.flow_id), "pull_steps": [step]}),
            (f"/deployments/{deployment.id}/create_flow_run", {}),
        ]
        for path, body in calls:
            assert ask(url, path, body).status_code in (401, 403)
            assert ask(url, path, body, Host="evil.example").status_code in (401, 403)
            # A browser that knows the login, as the UI's does, would need a token besides, and the login for that
            assert ask(url, path, body, Authorization=f"Basic {b64encode(login.encode()).decode()}").status_code == 403
        token = requests.get(f"{url}/csrf-token", params={"client": "evil"}, headers={"Origin": PAGE}, timeout=30)
        assert token.status_code == 401
        assert [one.name for one in us.read_deployments()] == ["probe"]
        assert {one.name for one in us.read_flows()} <= {"probe", "curate"}  # a test before has curated
        assert [run.name for run in us.read_flow_runs() if run.deployment_id] == []


def test_a_page_is_not_told_what_the_server_answers(running: Station) -> None:
    own = running.home.url
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    allowed = {
        origin: requests.options(
            f"{own}/api/deployments/", headers={"Origin": origin, **asked}, timeout=30
        ).headers.get("access-control-allow-origin")
        for origin in (PAGE, own)
    }
    assert allowed == {PAGE: None, own: own}


def test_only_this_machine_is_listened_to(running: Station) -> None:
    port = running.home.port
    listening = {
        one.laddr.ip for one in psutil.net_connections("tcp") if one.status == "LISTEN" and one.laddr.port == port
    }
    assert listening == {"127.0.0.1"}


@pytest.fixture(scope="module")
def killed(running: Station) -> UUID:
    """A run that was killed after its first sign of life; automations wait for the next no longer than 10 s."""
    apply_automations(silence=timedelta(seconds=10))
    with subprocess.Popen(
        [sys.executable, "-c", KILLED],
        env=running.home.environment(),
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"begun\n"
        beats = {"filter": {"event": {"name": ["prefect.flow-run.heartbeat"]}}}
        with running.client() as client:
            while not client.request("POST", "/events/filter", json=beats).json()["events"]:
                assert process.poll() is None
            (run,) = client.read_flow_runs()
        process.send_signal(signal.SIGKILL)
    return run.id


def test_what_is_watched_for_is_applied_once(killed: UUID, running: Station, messages: Any) -> None:
    webhook = CustomWebhookNotificationBlock(name="team", url=messages[0], json_data={"text": "{{subject}}: {{body}}"})
    with temporary_settings():
        webhook.save("team")
    with running.client() as client:
        silence = timedelta(seconds=10)
        before, names = ours(client), apply_automations("custom-webhook/team", silence)
        first = ours(client)
        assert sorted(first) == sorted(names)
        assert before.items() <= first.items()  # to touch one would have it forget whom it waits for
        apply_automations("custom-webhook/team", silence)
        assert ours(client) == first


def test_people_are_told_of_each(killed: UUID, running: Station, messages: Any, until: Until) -> None:
    event, failed, begun = Event(event="probe", resource={"prefect.resource.id": "probe"}), list[str](), monotonic()
    with running.client() as client:
        (deployment,) = client.read_deployments()
        died = client.read_flow_run(killed).name

        def are_told() -> bool:
            # If a busy server loses an event, those that follow it wait for a quarter of an hour: another run is told
            if monotonic() - begun >= ANOTHER * len(failed):
                client.request("POST", "/events", json=[event.model_dump(mode="json")])  # not by this process's worker
                failed.append(client.create_flow_run_from_deployment(deployment.id).name)
            return len({one.split()[0] for one in messages[1]}) > 2

        until(are_told, "news of a failed run, a killed one and a lost hand-over")
    told = {one.split()[0]: one for one in messages[1]}
    assert told.keys() == {"Nothing", "killed", "probe"}
    assert told["Nothing"].startswith("Nothing came of hand-over: ")
    assert told["killed"].startswith(f"killed {died} crashed: No heartbeat for 10 s")
    assert re.match(f"probe ({'|'.join(failed)}) failed: ", told["probe"])
    assert REASON in told["probe"]
    with running.client() as client:
        state = client.read_flow_run(killed).state
        assert state
        assert state.is_crashed()


def test_without_a_block_nobody_is_told(running: Station) -> None:
    assert {name.removeprefix("Cairn: ") for name in apply_automations()} == {"a run died", "a run did not begin"}
    with running.client() as client:
        assert len(ours(client)) == 2


def test_a_block_that_can_not_tell_is_refused(running: Station) -> None:
    Secret(value="quiet").save("quiet")
    with pytest.raises(InputError, match="no block 'slack-webhook/team': expected"):
        apply_automations("slack-webhook/team")
    with pytest.raises(InputError, match="'secret/quiet' can't notify"):
        apply_automations("secret/quiet")


def test_the_page_works_in_two_terminals_and_on_another_port(running: Station) -> None:
    page = REPOSITORY / "docs/guides/every-week.md"
    lines = [line for block in blocks_of(page) if block.language == "sh" for line in block.commands]
    second = lines.index("export PREFECT_HOME=$PWD/.cairn")
    script = ["cairn up --port 4300", *lines[second : lines.index("cairn down")]]
    assert [line.partition(" --")[0] for line in script[-3:]] == [
        "prefect deployment run curate/weekly",
        "prefect flow-run ls",
        "cairn versions",
    ]
    there = "\n".join(script).replace("4300", str(running.home.port)).replace("curate/weekly", "probe/probe")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    clean["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", there], cwd=running.project, env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "probe/probe" in done.stdout
    assert "Created flow run" in done.stdout


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not on PATH")
def test_a_browser_shows_the_run_its_artifacts_and_its_report(
    running: Station, run_curate: Any, listed: Any, tmp_path: Path, until: Until
) -> None:
    root = running.project / "data"
    shown = {"pages": f"http://127.0.0.1:{PAGES_PORT}"}
    run_curate(listed, root, **shown)
    run = run_curate(listed, root, "[select]\nmin_class_size = 8\n", **shown)
    with running.client() as client:
        name = client.read_flow_run(run.flow_run).name
        made = client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.flow_run]))
        )
    artifacts = {one.key: f"{running.home.url}/artifacts/artifact/{one.id}" for one in made}
    with browser(tmp_path / "chromium", until) as window:
        window.open(f"{running.home.url}/login", "Login")
        window.run(LOGIN.format(login=json.dumps(running.home.login)))
        until(lambda: "Flow Runs" in window.text, "the dashboard, after the login", 0.5)
        page = window.open(f"{running.home.url}/runs/flow-run/{run.flow_run}", "published versions/landmarks/2-")
        assert name in page
        assert "Finished in state Cached" not in page
        for key, says in READ.items():
            window.open(artifacts[key], says)
            assert window.broken_pictures == [], key
        for key, link in (("curate-report", "/report/index.html"), ("curate-summary", "what changed")):
            window.open(artifacts[key], link)
            target = window.run(f"[...document.links].find(one => one.innerText.endsWith('{link}')).href")
            assert "14 images" in window.open(target, "version 2").replace("\n", " ")
            assert window.broken_pictures == [], target


def lives(process: psutil.Process) -> bool:
    """Whether it has not ended; one that has is a zombie until its parent has looked at it."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_down_ends_what_up_started_and_nothing_else(running: Station, cairn: Any) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        reused = Holder.of(other.pid).model_copy(update={"began": 1.0})  # its number was another's
        (running.home.folder / "worker-gpu-1.process").write_text(reused.model_dump_json())
        before = [psutil.Process(pid) for pid in running.pids.values()]
        tree = before + [child for process in before for child in process.children(recursive=True)]
        ended = cairn("down", "--home", running.home.folder)
        assert ended.output.strip() == f"ended: {PAGES}, worker, worker-gpu-0, server"
        assert not any(lives(process) for process in tree)
        assert other.poll() is None
        assert processes.started(running.home.folder) == []
        assert all("stopped!" in (running.home.folder / f"{name}.log").read_text() for name in WORKERS)
        assert cairn("down", "--home", running.home.folder).output.strip() == "nothing was running"
        assert json.loads(cairn("down", "--home", running.home.folder, "--json").output) == {"ended": []}
        other.communicate()


def test_a_port_that_is_taken_is_named(tmp_path: Path, cairn: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = cairn("up", "--home", tmp_path / "home", "--port", port)
    assert refused.code == 2
    assert f"port {port} is taken by another program" in refused.errors
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700


def test_a_server_that_dies_is_named_with_its_log(tmp_path: Path, cairn: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_LOGGING_LEVEL", "nonsense")
    refused = cairn("up", "--home", tmp_path / "home", "--port", free_port())
    log = tmp_path / "home/server.log"
    assert refused.code == 2
    assert f"the server has ended as it started; its log is {log}" in refused.errors.replace("\n", "")
    assert "nonsense" in log.read_text().lower()
