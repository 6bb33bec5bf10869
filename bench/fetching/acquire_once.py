"""One fetch of a list in a process of its own, without a Prefect server; prints what came as a line of JSON.

`python -m bench.fetching.acquire_once LIST ROOT SETTINGS POLICY`: the last two are JSON of acquire's settings and of
its policy.
"""

import json
import resource
import sys
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import Any

from bench.harness.local_runner import LocalRunner
from flows.fetching import acquire
from storage.parquet import read_table
from storage.root import Root
from tasks.acquire.settings import AcquireSettings, FetchPolicy, ListSettings
from tasks.acquire.task import Acquired, ListInputs, list_sources
from tasks.contracts import Run


def main(list_path: str, root_url: str, settings_json: str, policy_json: str) -> None:
    """Runs the stage `sources`, and acquires all shards as the flow does."""
    root, begun = Root(root_url), monotonic()
    settings = AcquireSettings.model_validate_json(settings_json)
    policy = FetchPolicy.model_validate_json(policy_json)
    listed = list_sources(Run(root, "sources-bench"), ListInputs(content=""), ListSettings(path=Path(list_path)))
    with ThreadPoolExecutor(1) as pool:
        outputs = acquire(LocalRunner(root, pool), listed.shards, "bench", None, settings, policy)
    seconds = monotonic() - begun
    print(json.dumps({"seconds": seconds, **_outcomes(root, outputs), "peak": _peak()}))


def _outcomes(root: Root, outputs: Mapping[str, Acquired]) -> dict[str, Any]:
    logs = [read_table(root, output.fetch_log, ["outcome"]) for output in outputs.values()]
    outcomes = Counter(outcome for log in logs for outcome in log["outcome"].to_pylist())
    return {"rows": sum(outcomes.values()), "outcomes": outcomes}


def _peak() -> int:
    """The high-water mark in bytes of this process, with that of its largest child added.

    Linux counts it anew when a program starts, but for what it tells of children: theirs begins with their parent's.
    """
    status = Path("/proc/self/status").read_text()
    own = int(status.split("VmHWM:")[1].split()[0])
    return 1024 * (own + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)


if __name__ == "__main__":
    main(*sys.argv[1:])
