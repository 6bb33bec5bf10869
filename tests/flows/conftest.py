"""A web site of 27 made-up photographs, the list that names them, and one Prefect server for all tests."""

import shutil
import sqlite3
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import UUID

import cv2
import numpy as np
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.settings import PREFECT_HOME, PREFECT_SERVER_ANALYTICS_ENABLED, temporary_settings

from demo import views
from flows.commands.cli import main
from flows.curate import curate
from flows.runtime.progress import listener
from flows.runtime.server import prefect_server
from flows.settings import CurationGate, RunSettings, read_settings
from storage.manifest import Manifest
from tasks.acquire.partition import bucket_of
from tasks.acquire.settings import ListSettings
from tasks.cluster.settings import Overrides

PATIENCE = 300.0  # seconds until something that never comes fails its test
CLASSES = ("abbey", "bridge", "dome")  # each in a packet of its own
NAME = "landmarks"
SETTINGS = """\
[acquire]
allowed_hosts = ["127.0.0.1:{port}"]
attempts = 1
[polite]
host_rate = 1000.0
host_connections = 8
[features]
longest_side = 320
max_keypoints = 300
"""


def wait_until(condition: Callable[[], Any], what: str, pause: float = 0.1) -> Any:
    """Waits for a true value and returns it; `what` says what was waited for."""
    end = monotonic() + PATIENCE
    while not (found := condition()):
        if monotonic() > end:
            pytest.fail(f"waited in vain for {what}")
        sleep(pause)
    return found


@pytest.fixture(scope="session")
def until() -> Callable[..., Any]:
    """`until(condition, what, pause)`: waits for the condition, and fails the test where it never comes."""
    return wait_until


# The site and the list


@dataclass
class Site:
    """A site on a real socket: what it answers by path, what was asked of it, and paths whose answer waits."""

    url: str
    answers: dict[str, tuple[int, bytes]]
    hits: Counter[str] = field(default_factory=Counter)
    held: set[str] = field(default_factory=set)
    release: threading.Event = field(default_factory=threading.Event)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        if self.path != "/robots.txt":
            self.site.hits[self.path] += 1
        if self.path in self.site.held:
            self.site.release.wait(PATIENCE)
        status, body = self.site.answers.get(self.path, (404, b"no such page"))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: Any) -> None:
        """Clients that are killed leave in the middle of an answer."""


def _scene(name: str) -> views.Pixels:
    """A picture full of corners, another one for every name: (420, 560, 3) uint8."""
    random = np.random.default_rng(bucket_of(name, 2**32))
    picture = np.full((420, 560, 3), 128, np.uint8)
    for size in np.geomspace(200, 8, 500):
        x, y = random.integers(0, 560), random.integers(0, 420)
        width, height = (int(size * share) for share in random.uniform(0.5, 1.5, 2))
        cv2.rectangle(picture, (x, y), (x + width, y + height), random.integers(0, 256, 3).tolist(), -1)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.0), np.uint8)


def view_of(scene: str, name: str) -> bytes:
    """A JPEG of the scene; every name takes it from another side."""
    pixels = _scene(scene)
    return views.shoot(pixels, views.draw(name, (420, 560), None)).jpeg


@dataclass(frozen=True)
class Listed:
    """The list, its settings, its test set, and the site that it leads to."""

    path: Path
    settings: Path
    testset: Path
    site: Site

    @staticmethod
    def view_of(scene: str, name: str) -> bytes:
        """A JPEG of the scene; every name takes it from another side."""
        return view_of(scene, name)

    def lines(self) -> list[str]:
        """The lines below the header."""
        return self.path.read_text().splitlines()[1:]

    def write(self, lines: list[str], path: Path) -> "Listed":
        """Another list at the same site."""
        path.write_text("\n".join(["id,url,landmark_id", *lines]) + "\n")
        return Listed(path, self.settings, self.testset, self.site)


@pytest.fixture(scope="session")
def _built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listed]:
    folder = tmp_path_factory.mktemp("list")
    pictures = {f"{name}-{n}": view_of(name, f"{name}-{n}") for name in CLASSES for n in range(1, 8)}
    shipped = views.shoot(_scene("tower"), views.AS_SHIPPED).jpeg
    answers = {f"/{image}.jpg": (200, picture) for image, picture in pictures.items()}
    answers |= {
        "/abbey-8.jpg": (200, view_of("market", "abbey-8")),  # another subject
        "/abbey-9.jpg": (404, b"gone fishing"),
        "/bridge-8.jpg": (200, b"<!doctype html><title>Log in</title>"),
        "/bridge-9.jpg": (200, views.shoot(_scene("tower"), views.RE_ENCODED).jpeg),  # copy of a test photograph
        "/dome-8.jpg": answers["/dome-1.jpg"],  # the same bytes again
    }
    site = Site("", dict(answers))
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"site": site}))
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()

    (folder / "testset").mkdir()
    (folder / "testset/tower_000001.jpg").write_bytes(shipped)
    (folder / "settings.toml").write_text(SETTINGS.format(port=server.server_port))
    lines = [f"{Path(path).stem},{site.url}{path},{path[1:].split('-')[0]}" for path in sorted(answers)]
    listed = Listed(folder / "list.csv", folder / "settings.toml", folder / "testset", site)
    yield listed.write([*lines, next(line for line in lines if line.startswith("dome-1"))], listed.path)
    site.release.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def listed(_built: Listed) -> Iterator[Listed]:
    """The list of 27 rows in three classes; the site's memory is wiped, and what a test changes there is undone."""
    answers = dict(_built.site.answers)
    _built.site.hits.clear()
    _built.site.release.clear()
    yield _built
    _built.site.answers.clear()
    _built.site.answers.update(answers)
    _built.site.held.clear()
    _built.site.release.set()


@pytest.fixture(scope="session")
def few(_built: Listed) -> Listed:
    """Four images of each class of the list, for runs that have to end alike, whatever they end in."""
    first = (line for line in _built.lines() if line.split(",")[0].endswith(("-1", "-2", "-3", "-4")))
    return _built.write(list(dict.fromkeys(first)), _built.path.with_name("few.csv"))


QUERIES = "query,image,x1,y1,x2,y2\nabbey,abbey_1.jpg,40,40,400,300\nbridge,bridge_1.jpg,,,,\n"
ANSWERS = "query,image,grade\n" + "".join(
    f"{name},{name}_{number}.jpg,positive\n" for name in ("abbey", "bridge") for number in (2, 3)
)


@pytest.fixture(scope="session")
def testset(_built: Listed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three photographs of each of two scenes, other than those of the list, two of which ask for the others."""
    folder = tmp_path_factory.mktemp("sets") / "snaps"
    folder.mkdir()
    for name in ("abbey", "bridge"):
        for number in (1, 2, 3):
            (folder / f"{name}_{number}.jpg").write_bytes(_built.view_of(name, f"snap {number}"))
    (folder / "broken_1.jpg").write_bytes(_built.view_of("abbey", "snap 4")[:2000])
    (folder / "queries.csv").write_text(QUERIES)
    (folder / "answers.csv").write_text(ANSWERS)
    return folder


# The server and runs of the flow


@pytest.fixture(scope="session")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the Prefect of these tests keeps its database; nothing of the user's is touched."""
    home = tmp_path_factory.mktemp("prefect")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", str(home))
        patch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        patch.setenv("DO_NOT_TRACK", "1")
        patch.delenv("PREFECT_API_URL", raising=False)
        with temporary_settings({PREFECT_HOME: home, PREFECT_SERVER_ANALYTICS_ENABLED: False}):
            yield home


@pytest.fixture(scope="session")
def server(prefect_home: Path) -> Iterator[str]:
    """The URL of the API of a real Prefect server; its log is `cairn-server.log` in `prefect_home`."""
    with prefect_server() as url:
        made, new = (sqlite3.connect(prefect_home / name) for name in ("prefect.db", "new.db"))
        with closing(made), closing(new):
            made.backup(new)
        yield url


@pytest.fixture(scope="session")
def new_database(server: str, prefect_home: Path) -> Path:
    """An empty `prefect.db` for the home of a further server: to make its tables takes as long as to start a server."""
    return prefect_home / "new.db"


@dataclass(frozen=True)
class Run:
    """A finished flow run, and what it returned."""

    version: Manifest
    is_new: bool
    flow_run: UUID
    announced: int

    @cached_property
    def tasks(self) -> Mapping[str, str]:
        """The name of each task run with that of its state, such as `Cached`; as the server tells."""
        return _task_runs(self.flow_run, self.announced)

    @property
    def computed(self) -> set[str]:
        """The task runs that were not found in the memo."""
        return {name for name, state in self.tasks.items() if state != "Cached"}


class Curate(Protocol):
    """Runs the flow over a list into a root.

    `settings` is TOML on top of SETTINGS, `overrides` what a person decided or the file of that, `gate` what the
    version must hold; other keywords are those of RunSettings.
    """

    def __call__(
        self,
        listed: Listed,
        root: Path,
        settings: str = "",
        overrides: Overrides | Path = Overrides(),
        gate: CurationGate = CurationGate(),
        **how: Any,
    ) -> Run: ...


@contextmanager
def _counting() -> Iterator[Counter[str]]:
    """How many task runs each stage announced."""
    totals: Counter[str] = Counter()

    def on_progress(stage: str, done: int, total: int, _: str) -> None:
        if stage != "fetch":  # told of in addresses, not in tasks
            totals[stage] = total

    token = listener.set(on_progress)
    try:
        yield totals
    finally:
        listener.reset(token)


def _task_runs(flow_run: UUID, expected: int) -> dict[str, str]:
    """The states of a flow run's tasks; they reach the server's database some time after the tasks end."""

    def final() -> dict[str, str]:
        with get_client(sync_client=True) as client:
            chosen = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run]))
            runs = client.read_task_runs(flow_run_filter=chosen, limit=200)
        states = {run.name: str(run.state_name) for run in runs if run.state and run.state.is_final()}
        return states if len(states) == expected else {}

    return dict(wait_until(final, f"{expected} finished task runs of {flow_run}", pause=0.5))


def _run(
    listed: Listed,
    root: Path,
    settings: str = "",
    overrides: Overrides | Path = Overrides(),
    gate: CurationGate = CurationGate(),
    **how: Any,
) -> Run:
    with TemporaryDirectory() as folder:
        chosen = Path(folder) / "settings.toml"
        chosen.write_text(SETTINGS.format(port=urlsplit(listed.site.url).port) + settings)
        all_settings = read_settings(chosen)
    with _counting() as totals:
        state = curate(
            ListSettings(path=listed.path),
            NAME,
            str(root),
            {"tests": listed.testset},
            all_settings,
            RunSettings(**{"workers": 2, **how}),
            overrides=overrides,
            gate=gate,
            return_state=True,
        )
    curated = state.result()
    flow_run = state.state_details.flow_run_id
    assert flow_run
    return Run(curated.version, curated.is_new, flow_run, totals.total())


@pytest.fixture(scope="session")
def run_curate(server: str) -> Curate:
    """Runs the flow in this process against the server, and asks the server how its tasks fared."""
    return _run


@pytest.fixture(scope="session")
def first_run(run_curate: Curate, _built: Listed, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    """The root and the outcome of a run that nothing disturbed. Tests that change the root take `dataset`."""
    root = tmp_path_factory.mktemp("first") / "root"
    return root, run_curate(_built, root)


@pytest.fixture
def dataset(first_run: tuple[Path, Run], tmp_path: Path) -> Path:
    """A dataset root after its first run; a copy for this test alone."""
    return Path(shutil.copytree(first_run[0], tmp_path / "root"))


# The command line


class Ended:
    """Exit code and output of a command."""

    def __init__(self, code: Any, output: str, errors: str) -> None:
        self.code, self.output, self.errors = code or 0, output, errors


Cairn = Callable[..., Ended]


@pytest.fixture
def cairn(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cairn:
    """Runs `cairn …` as the console script does, in this process."""

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["cairn", *map(str, arguments)])
        monkeypatch.setattr("flows.commands.terminal.console.width", 200)
        capsys.readouterr()
        try:
            code = main()
        except SystemExit as end:
            code = end.code
        return Ended(code, *capsys.readouterr())

    return run
