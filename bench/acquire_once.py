"""One fetch of a list in a process of its own, without a Prefect server; prints what came as a line of JSON.

`python -m bench.acquire_once LIST ROOT WORKERS SETTINGS`, where SETTINGS is JSON of acquire's settings.
"""

import json
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

from storage.parquet import read_table
from storage.root import Root
from storage.tables import TableRef
from tasks.acquire.settings import AcquireSettings
from tasks.acquire.task import ListSettings, acquire_shard, list_sources
from tasks.orchestration import Inputs, Output, stage_key


def main(list_path: str, root_url: str, workers: str, settings_json: str) -> None:
    """Runs the stages `sources` and `acquire`, as many shards at a time as there are workers."""
    root, settings = Root(root_url), AcquireSettings.model_validate_json(settings_json)
    begun = monotonic()
    listed = list_sources.fn(root.url, "sources-bench", {"merge": "{}"}, ListSettings(path=Path(list_path)))
    shards = {name: rows for name, rows in Output.model_validate(listed).tables.items() if name != "sources"}

    def acquire(name: str, rows: TableRef) -> Output:
        inputs: Inputs = {"rows": rows, "dataset": "bench", "shard": name, "generation": 0}
        return Output.model_validate(
            acquire_shard.fn(root.url, stage_key(acquire_shard, inputs, settings), inputs, settings)
        )

    with ThreadPoolExecutor(int(workers)) as pool:
        outputs = list(pool.map(acquire, shards, shards.values()))
    seconds = monotonic() - begun
    logs = [read_table(root, output.tables["fetch_log"], ["outcome"]) for output in outputs]
    outcomes = Counter(outcome for log in logs for outcome in log["outcome"].to_pylist())
    print(json.dumps({"seconds": seconds, "rows": sum(outcomes.values()), "outcomes": outcomes}))


if __name__ == "__main__":
    main(*sys.argv[1:])
