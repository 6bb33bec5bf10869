"""Where a row's milliseconds go: each part of acquire by itself, on one thread, in CPU time.

`python -m bench.fetching.acquire_parts SITE ROWS`, where SITE serves `00000.jpg` and so on, as `bench acquire` starts
it; prints JSON of part to milliseconds a row. The rest of what a row costs in a whole run are the tables, and threads
that wait for each other.
"""

import json
import resource
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import process_time
from typing import TypeVar

from storage.images import put_image
from storage.root import Root
from tasks.acquire.address import host_of
from tasks.acquire.budget import Budget
from tasks.acquire.decode import open_picture
from tasks.acquire.fetch import Fetched, fetch_once
from tasks.acquire.fetcher import Fetcher
from tasks.acquire.inspect import Limits, Picture, inspect
from tasks.acquire.inspectors import Inspectors
from tasks.acquire.outcome import settle
from tasks.acquire.pool import Watchdog, open_pool
from tasks.acquire.settings import AcquireSettings, PoliteSettings

_T = TypeVar("_T")
_R = TypeVar("_R")
_POLITE = PoliteSettings(connections=1, host_connections=1, host_rate=1e6)


def main(site: str, rows: str) -> None:
    """Measures each part over the same photographs."""
    urls = [f"{site}/{n:05d}.jpg" for n in range(int(rows))]
    settings = AcquireSettings(allowed_hosts=(host_of(site),))
    parts: dict[str, float] = {}

    def measure(part: str, do: Callable[[_T], _R], items: Sequence[_T]) -> list[_R]:
        begun = process_time()
        results = [do(item) for item in items]
        parts[part] = 1000 * (process_time() - begun) / len(items)
        return results

    with Watchdog() as watchdog:
        pool, headers = open_pool(settings), {"User-Agent": "bench"}
        budget = Budget(_POLITE.bytes_under_way)
        fetched = measure(
            "transfer", lambda url: fetch_once(pool, url, headers, settings, watchdog, budget.claim()), urls
        )
    bodies = [answer.body for answer in fetched]
    measure("decode", _decode, bodies)
    inspected = measure("inspect", lambda body: inspect(body, Limits(10**8, 64)), bodies)
    found = [facts for facts in inspected if isinstance(facts, Picture)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with Inspectors(settings, 1) as inspectors:
        inspectors.inspect(bodies[0])
        measure("hand to a child", inspectors.inspect, bodies)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    child = sum(after[:2]) - sum(before[:2])
    parts["child in all"] = 1000 * child / len(bodies)
    with tempfile.TemporaryDirectory() as folder:
        root = Root(folder)
        stored = list(zip(bodies, found, strict=True))
        paths = measure("store", lambda pair: put_image(root, pair[0], pair[1].sha256, "jpg"), stored)
    dated = [replace(answer, started_at=None, seconds=0.1) for answer in fetched]
    measure("outcome", lambda row: settle(*row), list(zip(urls, dated, found, paths, strict=True)))
    begun = process_time()
    with Fetcher(settings, _POLITE) as fetcher:
        list(fetcher.fetch(urls, _deliver_length))
    parts["queue and turns"] = 1000 * (process_time() - begun) / len(urls) - parts["transfer"]
    print(json.dumps(parts))


def _deliver_length(_: int, answer: Fetched, deliver: Callable[[int | BaseException], None]) -> None:
    deliver(len(answer.body))


def _decode(body: bytes) -> None:
    """By Pillow alone; the picture is let go."""
    open_picture(body).load()


if __name__ == "__main__":
    main(*sys.argv[1:])
