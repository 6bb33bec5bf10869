"""What a run acquires hangs on the list, the settings and the stored outcomes, and not on the runs before it."""

import hashlib
import io
import shutil
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from flows.fetching import acquire
from storage.parquet import read_table
from storage.root import Root
from storage.stamps import are_intact
from tasks.acquire.settings import AcquireSettings, FetchPolicy, ListSettings, PoliteSettings
from tasks.acquire.shared import share
from tasks.acquire.task import Acquired, ListInputs, list_sources
from tasks.contracts import I, O, Output, Run, S, Stage

HOSTS = ("127.0.0.1", "127.0.0.2")
ADDRESSES = tuple((host, number) for number in range(4) for host in HOSTS)
LISTS = (ADDRESSES[:6], ADDRESSES[2:6], ADDRESSES)  # some leave, more come
LIMITS = (64, 90)  # pixels; pictures of odd numbers pass the first alone
POLITE = PoliteSettings(backoff=0.0, host_rate=10_000, host_connections=8, connections=4, host_failures=1000)


# The site, and the runner


@dataclass
class Web:
    """Two hosts on real sockets: which are down, how often their pictures were changed, and what was asked of them."""

    port: int = 0
    down: set[str] = field(default_factory=set)
    edition: int = 0
    hits: Counter[tuple[str, int]] = field(default_factory=Counter)


def picture(host: str, number: int, edition: int) -> bytes:
    """Another one for each address and edition; its shorter side is 80 pixels where the number is odd, else 96."""
    patches = np.random.default_rng([HOSTS.index(host), number, edition]).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    sink = io.BytesIO()
    Image.fromarray(patches).resize((128, 80 if number % 2 else 96)).save(sink, "JPEG")
    return sink.getvalue()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    web: Web

    def do_GET(self) -> None:
        host, number = self.headers["Host"].split(":")[0], int(self.path.strip("/"))
        self.web.hits[host, number] += 1
        up = host not in self.web.down
        body = picture(host, number, self.web.edition) if up else b"down for repairs"
        self.send_response(200 if up else 500)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    web = Web()
    server = ThreadingHTTPServer(("", 0), type("Handler", (_Handler,), {"web": web}))
    server.daemon_threads, web.port = True, server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield web
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def kept_open() -> Iterator[ExitStack]:
    """Keeps what fetches and decodes open from run to run: to start it anew each time would take most of the time."""
    with ExitStack() as stack:
        yield stack


class Plain:
    """A runner without Prefect: stages run where they are called, and what they gave is known by their key."""

    def __init__(self, root: Root) -> None:
        self.root, self._memo = root, dict[str, Output]()

    def one(self, stage: Stage[I, S, O], inputs: I, settings: S) -> O:
        return self.each(stage, {"": inputs}, settings)[""]

    def each(self, stage: Stage[I, S, O], inputs: Mapping[str, I], settings: S) -> dict[str, O]:
        return {label: self._run(stage, part, settings) for label, part in inputs.items()}

    def each_here(
        self,
        stage: Stage[I, S, O],
        inputs: Mapping[str, I],
        settings: S,
        at_once: int,  # noqa: ARG002
    ) -> dict[str, O]:
        return self.each(stage, inputs, settings)

    def _run(self, stage: Stage[I, S, O], inputs: I, settings: S) -> O:
        key = stage.key(inputs, settings)
        known = self._memo.get(key)
        if not known or not are_intact(self.root, list(known.refs())):
            self._memo[key] = stage(Run(self.root, key), inputs, settings)
        return stage.output.model_validate(self._memo[key])


class Turn(NamedTuple):
    """A run, and what happened since the one before: files that were lost, hosts that broke down or came back."""

    listed: int = 0
    allows: bool = True
    limit: int = LIMITS[0]
    refetch: str = "never"
    lost: frozenset[int] = frozenset()
    down: frozenset[str] = frozenset()
    changes: bool = False


def run(runner: Plain, web: Web, turn: Turn, kept_open: ExitStack) -> Mapping[str, Output]:
    """Acquires the turn's list; two ids name each address."""
    source = Path(runner.root.base).parent / f"{turn.listed}.csv"
    lines = [
        f"{copy}{host[-1]}{number},http://{host}:{web.port}/{number},{copy}"
        for host, number in LISTS[turn.listed]
        for copy in "ab"
    ]
    source.write_text("\n".join(["id,url,landmark_id", *lines]) + "\n")
    hosts = {"ports": (web.port,), "allowed_hosts": HOSTS if turn.allows else ()}
    chosen = AcquireSettings(**hosts, attempts=1, robots=False, min_side=turn.limit)
    policy = FetchPolicy(refetch=turn.refetch, polite=POLITE)
    kept_open.enter_context(share(chosen, policy))
    listed = runner.one(list_sources, ListInputs(content=str(turn.listed)), ListSettings(path=source))
    return acquire(runner, listed.shards, "d", None, chosen, policy)


def verdicts(root: Root, acquired: Mapping[str, Acquired]) -> dict[tuple[str, int], set[str]]:
    """By address, the sha256 of its image, or why there is none: one of both, whatever id names it."""
    found: dict[tuple[str, int], set[str]] = {}
    for output in acquired.values():
        for ref, column in ((output.images, "sha256"), (output.drops, "reason")):
            for row in read_table(root, ref).to_pylist():
                address = HOSTS[int(row["image_id"][1]) - 1], int(row["image_id"][2])
                found.setdefault(address, set()).add(row[column])
    return found


# The rule, in a few lines


class Rule:
    """What comes of a turn by the rule alone: of each address, the newest outcome is all that is known."""

    def __init__(self) -> None:
        self.pictures: dict[tuple[str, int], int] = {}  # the edition that is stored
        self.failures: dict[tuple[str, int], tuple[str, Turn]] = {}

    def asks(self, address: tuple[str, int], turn: Turn) -> bool:
        if address in self.pictures:
            return turn.refetch == "revalidate"
        if address not in self.failures or turn.refetch != "never":
            return True
        reason, then = self.failures[address]
        return turn.allows != then.allows or (reason == "too-small" and turn.limit != then.limit)

    def answer(self, address: tuple[str, int], turn: Turn) -> str:
        if not turn.allows:
            return "blocked-address"
        if address[0] in turn.down:
            return "http-error"
        return "too-small" if self.is_refused(address, turn) else "picture"

    @staticmethod
    def is_refused(address: tuple[str, int], turn: Turn) -> bool:
        return address[1] % 2 == 1 and turn.limit == LIMITS[1]

    def take(self, turn: Turn, edition: int) -> tuple[dict[tuple[str, int], str], set[tuple[str, int]]]:
        """The image or the reason of each address, and which hosts were asked for."""
        asked = {address for address in LISTS[turn.listed] if self.asks(address, turn)}
        for address in asked:
            answer = self.answer(address, turn)
            if answer == "picture":
                self.pictures[address] = edition
            elif address not in self.pictures:
                self.failures[address] = answer, turn
        self.failures = {
            address: failure
            for address, failure in self.failures.items()
            if address in LISTS[turn.listed] and address not in self.pictures
        }
        return {address: self.verdict(address, turn) for address in LISTS[turn.listed]}, asked

    def verdict(self, address: tuple[str, int], turn: Turn) -> str:
        if address not in self.pictures:
            return self.failures[address][0]
        return "too-small" if self.is_refused(address, turn) else sha256_of(address, self.pictures[address])


def sha256_of(address: tuple[str, int], edition: int) -> str:
    return hashlib.sha256(picture(*address, edition)).hexdigest()


def stored_path(address: tuple[str, int], edition: int) -> str:
    sha256 = sha256_of(address, edition)
    return f"images/{sha256[:2]}/{sha256}.jpg"


TURNS = st.builds(
    Turn,
    listed=st.integers(0, len(LISTS) - 1),
    allows=st.booleans(),
    limit=st.sampled_from(LIMITS),
    refetch=st.sampled_from(("never", "never", "failed", "revalidate")),
    lost=st.frozensets(st.integers(0, len(ADDRESSES) - 1), max_size=2),
    down=st.frozensets(st.sampled_from(HOSTS), max_size=1),
    changes=st.booleans(),
)


@settings(max_examples=8)
@given(turns=st.lists(TURNS, min_size=2, max_size=5))
@example(turns=[Turn(allows=False), Turn(), Turn(allows=False)])  # as it was seen
@example(turns=[Turn(allows=False), Turn(), Turn(allows=False, listed=2)])
@example(turns=[Turn(), Turn(allows=False, limit=90), Turn(allows=False, limit=90, lost=frozenset({2}))])
@example(turns=[Turn(), Turn(limit=90), Turn(down=frozenset(HOSTS))])  # stricter for a while
@example(turns=[Turn(), Turn(limit=90, refetch="revalidate", changes=True), Turn(limit=90)])
@example(turns=[Turn(), Turn(listed=1), Turn(down=frozenset(HOSTS))])  # some leave, and come back to a dead host
@example(turns=[Turn(), Turn(lost=frozenset({0, 1})), Turn()])
def test_what_is_known_decides_and_not_how_it_came_to_be_known(
    web: Web, kept_open: ExitStack, tmp_path_factory: pytest.TempPathFactory, turns: Sequence[Turn]
) -> None:
    folder = tmp_path_factory.mktemp("history")
    root = Root(str(folder / "root"))
    root.write("partition.json", b'{"shards": 2, "packets": 4, "large_class": 1000}')
    runner, rule, web.edition = Plain(root), Rule(), 0
    for turn in turns:
        web.down, web.edition = set(turn.down), web.edition + turn.changes
        for address in (ADDRESSES[position] for position in turn.lost):
            if address in rule.pictures:
                root.remove(stored_path(address, rule.pictures.pop(address)))
        if turn is turns[-1]:
            fresh = Root(shutil.copytree(root.base, folder / "fresh" / "root"))
        web.hits.clear()
        acquired = run(runner, web, turn, kept_open)
        said, asked = rule.take(turn, web.edition)
        assert verdicts(root, acquired) == {address: {verdict} for address, verdict in said.items()}
        assert web.hits == Counter(asked if turn.allows else ())
    anew = run(Plain(fresh), web, turns[-1], kept_open)  # has the same stored outcomes, and no memo
    for shard, output in acquired.items():
        assert output.images.digest == anew[shard].images.digest
        assert output.drops.digest == anew[shard].drops.digest
