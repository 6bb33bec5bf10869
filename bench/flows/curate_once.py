"""One curation in a process of its own, with Prefect or without it; prints what it cost as a line of JSON.

`python -m bench.flows.curate_once flow|plain IMAGES TEST_SETS ROOT WORKERS`, where TEST_SETS is JSON of name to folder.
"""

import json
import resource
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import process_time, time
from typing import Any

from bench.harness.local_runner import LocalRunner
from flows.curate import curate, run_curation
from flows.request import check_request
from flows.runtime.server import prefect_server
from flows.settings import CurateSettings, RunSettings
from storage.manifest import Manifest
from storage.root import Root
from storage.versions import point_latest, read_version
from tasks.acquire.settings import FetchPolicy, ListSettings

_NAME = "bench"


def main(way: str, images: str, test_sets: str, root: str, workers: str) -> None:
    """Curates, and prints the costs."""
    carry_out = {"flow": _curate_with_prefect, "plain": _curate_plainly}[way]
    tests = {name: Path(folder) for name, folder in json.loads(test_sets).items()}
    print(json.dumps(carry_out(ListSettings(path=Path(images)), tests, root, int(workers))))


def _curate_with_prefect(source: ListSettings, tests: dict[str, Path], root: str, workers: int) -> dict[str, Any]:
    with prefect_server():
        cpu, begun = process_time(), time()
        version = curate(source, _NAME, root, tests, CurateSettings(), RunSettings(workers=workers)).version
        seconds = time() - begun
    # Logs and events that were queued when the flow returned are sent by now, and count too.
    cpu = process_time() - cpu
    server = resource.getrusage(resource.RUSAGE_CHILDREN)  # of the whole life of the server, which has ended
    costs = {"begun": begun, "seconds": seconds, "cpu": cpu, "server_cpu": server.ru_utime + server.ru_stime}
    return {**costs, "task_runs": len(Root(root).names("stages/records")), **_result(version)}


def _curate_plainly(source: ListSettings, tests: dict[str, Path], root: str, workers: int) -> dict[str, Any]:
    """What `flows.curate.curate` does, but for what it shows in Prefect's UI."""
    cpu, begun = process_time(), time()
    request = check_request(source, _NAME, root, tests)
    with ThreadPoolExecutor(workers) as pool:
        runner = LocalRunner(Root(root), pool)
        published = run_curation(runner, request, CurateSettings(), FetchPolicy(inspectors=workers))
    version = read_version(runner.root, published.folder)
    point_latest(runner.root, version)
    costs = {"begun": begun, "seconds": time() - begun, "cpu": process_time() - cpu, "server_cpu": 0.0}
    return {**costs, "task_runs": runner.calls, **_result(version)}


def _result(version: Manifest) -> dict[str, Any]:
    return {"rows": version.tables["sources"].rows, "digest": version.digest}


if __name__ == "__main__":
    main(*sys.argv[1:])
