"""The claims: slow and failing hosts hold no other up, and no host ever sees more than its limits.

20,000 rows over 50 hosts of this machine, listed host by host; five are slow, fail, say nothing or are not there. The
hosts' own log is the witness of what they saw. Small pictures: the limits should decide, not the processor. The time is
that of the stages, once their process has started.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate
from math import ceil
from pathlib import Path
from typing import Any

from bench.fetching.acquire_site import free_port
from bench.fetching.hosts_site import FAILING, HOSTS, REFUSING, SILENT, SLOW, Log
from bench.harness.result import Comparison, Figure, Result
from bench.harness.spent import spent
from tasks.acquire.settings import AcquireSettings, FetchPolicy, PoliteSettings

_ROWS, _QUICK_ROWS = 20_000, 2_000
_POLITE = PoliteSettings(
    contact="a bench on this machine",
    connections=64,
    host_connections=4,
    host_rate=10,
    host_failures=10,
    breaker_seconds=2,
    breaker_trips=3,
)
_SETTINGS = AcquireSettings(connect_timeout=3, read_timeout=3, deadline=10)
_ILL = {FAILING, SILENT, REFUSING}
_TARGETS: dict[str, tuple[Comparison, float]] = {
    "seconds_over_bound": ("<=", 1.1),
    "most_at_once": ("<=", _POLITE.host_connections),
    "most_over_rate": ("<=", 1),
    "rows_of_well_hosts_lost": ("==", 0),
    "rows_without_outcome": ("==", 0),
}
"""A request may arrive later than it was sent, and the next one less late: that is one over the rate, not more."""


def measure(quick: bool) -> Result:
    """Fetches from all hosts at once, and asks them what they saw."""
    rows = _QUICK_ROWS if quick else _ROWS
    each = rows // len(HOSTS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with _served(folder / "log.json") as port:
            listed = _write_list(folder / "list.csv", each, port)
            policy = FetchPolicy(polite=_POLITE, inspectors=2)
            settings = _SETTINGS.model_copy(update={"allowed_hosts": tuple(f"{host}:{port}" for host in HOSTS)})
            arguments = [str(listed), str(folder / "root"), settings.model_dump_json(), policy.model_dump_json()]
            cost = spent([sys.executable, "-m", "bench.fetching.acquire_once", *arguments])
        seen: Log = json.loads((folder / "log.json").read_text())
    found: dict[str, Any] = json.loads(cost.said)
    bounds = {host: bound(host, each) for host in HOSTS}
    figures: dict[str, Figure] = {
        "rows": rows,
        "seconds": found["seconds"],
        "bound_seconds": max(bounds.values()),
        "bound_of_well_hosts": bounds[HOSTS[0]],
        "seconds_over_bound": found["seconds"] / max(bounds.values()),
        "well_hosts_done_at": _last(seen, [host for host in HOSTS if host not in _ILL and host not in SLOW]),
        "requests": sum(map(len, seen.values())),
        "most_at_once": max(most_at_once(requests) for requests in seen.values()),
        "most_over_rate": max(most_over_rate(requests) for requests in seen.values()),
        "rows_of_well_hosts_lost": each * (len(HOSTS) - len(_ILL)) - found["outcomes"]["fetched"],
        "rows_without_outcome": rows - found["rows"],
        "cpu_seconds": cost.cpu,
    }
    print({host: len(seen.get(host, [])) for host in (*SLOW, *sorted(_ILL))}, found["outcomes"], flush=True)
    return Result(figures, _TARGETS)


def bound(host: str, rows: int) -> float:
    """Seconds that the limits set for the rows of a host, its robots.txt included.

    For one that is well, its rate; for a slow one, its answers, as many at once as it may have. One that is ill has to
    fail so often in a row, is asked nothing while its breaker is open, and once after each time.
    """
    if host in SLOW:
        return SLOW[host] * (1 + ceil(rows / _POLITE.host_connections))
    if host not in _ILL:
        return (1 + rows - _POLITE.host_connections) / _POLITE.host_rate
    failure = _SETTINGS.read_timeout if host == SILENT else 0.0
    open_seconds: float = sum(_POLITE.breaker_seconds * 2.0**n for n in range(_POLITE.breaker_trips))
    first = max(
        _POLITE.host_failures / _POLITE.host_rate, failure * ceil(_POLITE.host_failures / _POLITE.host_connections)
    )
    return first + open_seconds + failure * _POLITE.breaker_trips


def most_at_once(requests: Sequence[tuple[str, float, float]]) -> int:
    """The most requests that a host was at in the same moment."""
    starts = [(start, 1) for _, start, _ in requests]
    ends = [(end, -1) for _, _, end in requests]
    return max(accumulate(step for _, step in sorted(starts + ends)))


def most_over_rate(requests: Sequence[tuple[str, float, float]]) -> float:
    """By how many requests a host was asked more than its limits allow in any stretch of time.

    A stretch of t seconds may hold burst + rate · t requests: the token bucket.
    """
    most, earliest = 0.0, float("-inf")
    for number, start in enumerate(sorted(start for _, start, _ in requests)):
        spare = _POLITE.host_rate * start - number
        earliest = max(earliest, spare)
        most = max(most, 1 - spare + earliest - _POLITE.host_connections)
    return most


def _last(seen: Mapping[str, Sequence[tuple[str, float, float]]], hosts: Sequence[str]) -> float:
    """Seconds from the first request of all to the last answer of these hosts."""
    first = min(start for requests in seen.values() for _, start, _ in requests)
    return max(end for host in hosts for _, _, end in seen[host]) - first


def _write_list(path: Path, each: int, port: int) -> Path:
    lines = (f"{host}-{row},http://{host}:{port}/{row}.jpg,{host}" for host in HOSTS for row in range(each))
    path.write_text("\n".join(["id,url,landmark_id", *lines, ""]))
    return path


@contextmanager
def _served(log: Path) -> Iterator[int]:
    """The hosts, while the context is open; yields their port. They leave their log behind."""
    port = free_port()
    command = [sys.executable, "-m", "bench.fetching.hosts_site", str(port), str(log)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as site:
        assert site.stdin
        assert site.stdout
        if site.stdout.readline() != b"ready\n":
            raise SystemExit("the hosts of this bench cannot listen on 127.0.0.1 to 127.0.0.50; they printed why")
        try:
            yield port
        finally:
            site.stdin.close()
