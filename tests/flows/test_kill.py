"""A run that is killed, stopped or breaks off in the middle: the same command again ends in the same version."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import psutil
import pytest

CAIRN = Path(sys.executable).parent / "cairn"
HELD = "/dome-3.jpg"
NOBODY = "http://127.0.0.1:9"  # a proxy that nobody answers at: neither the server nor the site is asked through it
SURROUNDINGS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PYTHONIOENCODING": "ascii",
    **dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"), NOBODY),
}


class Command:
    """`cairn curate` as a process in a group of its own, as a shell starts it."""

    def __init__(self, listed: Any, root: Path, log: Path, env: dict[str, str]) -> None:
        options = ["--name", "landmarks", "--root", root, "--settings", listed.settings, "--workers", "1"]
        arguments = [CAIRN, "curate", listed.path, *options, "--test-set", f"tests={listed.testset}"]
        self._log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [str(argument) for argument in arguments],
                stdout=output,
                stderr=output,
                env=env,
                start_new_session=True,
                # Where a shell runs the tests behind it, they ignore Ctrl-C and would hand that on.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def below(self) -> list[psutil.Process]:
        """The processes it has started: its Prefect server, if it has one, and those that look at pictures."""
        return list(psutil.Process(self.process.pid).children(recursive=True))

    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def kill(self, below: list[psutil.Process]) -> None:
        """kill -9, for it and for what it has started."""
        os.killpg(self.process.pid, signal.SIGKILL)
        for child in below:
            if child.is_running():
                child.kill()
        self.process.wait()
        psutil.wait_procs(below)


Start = Callable[..., Command]


@pytest.fixture
def start(listed: Any, server: str, new_database: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts the command; with `alone` it finds no Prefect server and has to start its own."""
    (tmp_path / "home").mkdir()
    shutil.copy(new_database, tmp_path / "home/prefect.db")
    commands: list[Command] = []
    known = {name: os.environ[name] for name in ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING")}

    def run(*, alone: bool = False) -> Command:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        env = inherited | SURROUNDINGS | {"PREFECT_HOME": str(tmp_path / "home")} | ({} if alone else known)
        commands.append(Command(listed, tmp_path / "root", tmp_path / f"{len(commands)}.log", env))
        return commands[-1]

    yield run
    for command in commands:
        if not command.has_ended():
            command.kill(command.below())


def digest_of(root: Path) -> str:
    """The digest of the latest version, which must be the only one."""
    name = (root / "versions/landmarks/latest").read_text().strip()
    assert sorted(path.name for path in (root / "versions/landmarks").iterdir()) == sorted([name, "latest"])
    return str(json.loads((root / "versions/landmarks" / name / "manifest.json").read_text())["digest"])


def finish(start: Start, until: Any) -> None:
    """Runs the same command to its end."""
    again = start()
    until(again.has_ended, "the second run")
    assert again.process.returncode == 0, again.log


@pytest.mark.parametrize(
    ("stage", "next_stage"), [("acquire", "select"), ("features", "overlap"), ("match", "cluster")]
)
def test_killed_run_is_taken_up_where_it_was(
    start: Start, until: Any, listed: Any, first_run: Any, tmp_path: Path, stage: str, next_stage: str
) -> None:
    root = tmp_path / "root"
    if stage == "acquire":
        listed.site.held.add(HELD)
    command = start()

    def reached() -> bool:
        assert not command.has_ended(), command.log
        if stage == "acquire":
            return listed.site.hits[HELD] > 0
        return any((root / "stages" / stage).glob("*/*.parquet"))

    until((root / "stages").exists, "the first stage")
    below = command.below()
    until(reached, f"the stage {stage}", pause=0.002)
    command.kill(below)
    assert not (root / "stages" / next_stage).exists()
    assert not (root / "versions").exists()

    listed.site.held.clear()
    listed.site.release.set()
    listed.site.hits.clear()
    finish(start, until)
    assert digest_of(root) == first_run[1].version.digest
    if stage != "acquire":
        assert not listed.site.hits


def stop_while_it_fetches(command: Command, site: Any, until: Any, stop: Callable[[], None]) -> None:
    """Stops a command whose host gives no answer; it must end within ten seconds, and all that it has started."""
    until(lambda: site.hits[HELD] > 0 or command.has_ended(), "the stage acquire")
    below = command.below()
    assert below
    stop()
    begun = monotonic()
    until(command.has_ended, "the end of the stopped run")
    assert monotonic() - begun < 10
    _, alive = psutil.wait_procs(below, timeout=25)
    for process in alive:
        process.kill()
    assert not alive, "something is left running"


def last_line(command: Command) -> str:
    assert "Traceback" not in command.log
    return command.log.splitlines()[-1]


def test_stopped_run_leaves_nothing_behind(
    start: Start, until: Any, listed: Any, first_run: Any, tmp_path: Path
) -> None:
    listed.site.held.add(HELD)
    command = start(alone=True)
    # What Ctrl-C sends
    stop_while_it_fetches(command, listed.site, until, lambda: os.killpg(command.process.pid, signal.SIGINT))
    assert command.process.returncode == 130
    assert last_line(command) == "interrupted; run the same command again to go on"
    assert not (tmp_path / "root/stages/features").exists()
    assert not (tmp_path / "root/versions").exists()

    listed.site.held.clear()
    listed.site.release.set()
    finish(start, until)
    assert digest_of(tmp_path / "root") == first_run[1].version.digest


def test_run_whose_server_is_killed_ends_at_once(start: Start, until: Any, listed: Any, tmp_path: Path) -> None:
    listed.site.held.add(HELD)
    command = start(alone=True)

    def kill_the_keeper() -> None:
        keeper = next(child for child in command.below() if "flows.runtime.keeper" in child.cmdline())
        assert keeper.children()  # the server, which has to end with it
        keeper.kill()

    stop_while_it_fetches(command, listed.site, until, kill_the_keeper)
    assert command.process.returncode == 2
    log = tmp_path / "home/cairn-server.log"
    said = f"the Prefect server of this run has ended; its log is {log}; run the same command again"
    assert last_line(command) == f"error: {said}"
    assert log.exists()
