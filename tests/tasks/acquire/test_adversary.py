"""Every case of the adversarial server through the real stage: what came of it, and what the server saw."""

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo import adversary
from demo.adversary import CASES, HOSTS
from demo.adversary.case import FETCHED, Case
from demo.adversary.server import INNER, Witness
from storage.parquet import read_table
from storage.reasons import Reason
from storage.root import Root
from tasks.acquire.settings import AcquireSettings, FetchPolicy, ListSettings, PoliteSettings
from tasks.acquire.task import ListInputs, ShardInputs, acquire_shard, list_sources
from tasks.contracts import Run

SETTINGS = AcquireSettings(
    connect_timeout=1,
    read_timeout=1.2,
    deadline=1.5,
    attempts=2,
    max_bytes=1_000_000,
    max_pixels=4_000_000,
    allowed_hosts=tuple(HOSTS.values()),
)
POLITE = PoliteSettings(connections=64, backoff=0.01, host_rate=100)
SLACK = 5.0
"""Seconds that a machine with other things to do may take beyond the deadline."""


def at(port: int) -> AcquireSettings:
    """The settings, with the server's port among those of all hosts: the port alone shall protect nobody."""
    return SETTINGS.model_copy(update={"ports": (80, 443, port)})


@dataclass
class Seen:
    """What a run over all cases left: by name of the case its line of `fetch_log` and its drop, if any."""

    witness: Witness
    log: dict[str, dict[str, Any]]
    drops: dict[str, dict[str, Any]]


def write_list(path: Path, cases: list[Case], port: int) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "url", "landmark_id"])
        writer.writerows([case.name, adversary.address(case, port), "adversary"] for case in cases)
    return path


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    folder = tmp_path_factory.mktemp("adversary")
    root = Root(str(folder / "root"))
    root.write("partition.json", b'{"shards": 1, "packets": 4, "large_class": 1000}')
    with adversary.serve() as witness:
        listed = write_list(folder / "list.csv", list(CASES.values()), witness.port)
        output = list_sources(Run(root, "sources-1"), ListInputs(content="c"), ListSettings(path=listed))
        inputs = ShardInputs(
            rows=output.shards["shard-000"],
            dataset="d",
            shard="shard-000",
            generation=0,
            policy=FetchPolicy(polite=POLITE),
        )
        acquired = acquire_shard(Run(root, "acquire-1"), inputs, at(witness.port))
        log, drops = (
            {row["image_id"]: row for row in read_table(root, ref).to_pylist()}
            for ref in (acquired.fetch_log, acquired.drops)
        )
        yield Seen(witness, log, drops)


@pytest.mark.parametrize("name", CASES)
def test_each_case_comes_to_its_documented_end(run, name):
    log = run.log[name]
    assert log["outcome"] == CASES[name].outcome, (log["status"], log["detail"], run.drops.get(name))
    assert log["seconds"] < SETTINGS.attempts * SETTINGS.deadline + SLACK


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.outcome != FETCHED])
def test_each_failure_is_a_drop_with_a_known_reason(run, name):
    assert Reason(run.drops[name]["reason"]).stage == "acquire"
    assert json.loads(run.drops[name]["evidence"])["url"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("encoding-brotli", "Content-Encoding: br"),
        ("host-emoji", "IDNA"),
        ("created-page", "starts with"),
        ("private", "--allow-host 10.0.0.1:{port} opens it"),
        ("metadata", "--allow-host 169.254.169.254:{port} opens it"),
        ("redirect-loopback", "--allow-host 127.0.0.1:{port} opens it"),
        ("v6-loopback", "--allow-host [::1]:{port} opens it"),
        ("port-other", ":22 opens it"),
        ("redirect-port", "are connected to"),
        ("redirect-allowed", "allowed to listed addresses alone"),
    ],
)
def test_what_would_puzzle_is_told_in_words(run, name, said):
    assert said.format(port=run.witness.port) in json.loads(run.drops[name]["evidence"])["found"]


def test_nothing_behind_the_wall_was_reached(run):
    assert INNER not in run.witness.heads


def test_no_request_was_smuggled_into_another(run):
    heads = [
        head
        for host, asked in run.witness.heads.items()
        for head in asked
        if host not in (HOSTS["no-tls"], HOSTS["drip-tls"])
    ]
    assert heads
    for head in heads:
        lines = head.split(b"\r\n")
        assert lines[0].startswith(b"GET /")
        assert lines[0].endswith(b" HTTP/1.1")
        assert not any(line.lower().startswith(b"x-injected") for line in lines), head
        assert head.count(b"\r\n\r\n") == 1


def test_only_what_can_heal_is_asked_for_again(run):
    for name in ("missing", "html", "gzip-bomb", "bomb-png", "forbidden", "teapot"):
        assert run.log[name]["attempts"] == 1, name
    for name in ("failing", "silence", "drip-body", "down-then-fine"):
        assert run.log[name]["attempts"] == 2, name


def test_bombs_leave_memory_bounded(tmp_path):
    """In a process of its own, whose high-water mark is that of the bombs: most would take a gigabyte each, or more."""
    bombs = [case for name, case in CASES.items() if "bomb" in name or name.startswith("endless")]
    root = Root(str(tmp_path / "root"))
    root.write("partition.json", b'{"shards": 1, "packets": 4, "large_class": 1000}')
    with adversary.serve() as witness:
        listed = write_list(tmp_path / "list.csv", bombs, witness.port)
        policy = FetchPolicy(polite=POLITE, inspectors=2)
        arguments = [str(listed), root.url, at(witness.port).model_dump_json(), policy.model_dump_json()]
        done = subprocess.run(
            [sys.executable, "-m", "bench.fetching.acquire_once", *arguments], capture_output=True, check=True
        )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["rows"] == len(bombs)
    assert found["peak"] < 600_000_000  # of which some 400 are what the processes weigh
